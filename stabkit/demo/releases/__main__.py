"""The recording from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stabkit.demo.releases.recording import record_releases
from stabkit.demo.releases.released import RELEASES
from stabkit.errors import StabkitError


def main() -> int:
    """Record the releases; 2 if it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m stabkit.demo.releases", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="a new folder")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", nargs="+", choices=list(RELEASES), default=list(RELEASES), metavar="RELEASE")
    options = parser.parse_args()
    try:
        record_releases(
            options.output,
            releases=[label for label in RELEASES if label in options.only],
            rounds=options.rounds,
            note=_say,
        )
    except StabkitError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
