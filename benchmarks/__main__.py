"""All benchmarks, one after the other: ``python benchmarks [--quick]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

# Statements about change first, then the prober's own faults and speed.
STATEMENTS = (
    "latency", "gates", "slow_requests", "error_rates", "memory", "placebo", "sequential", "noise", "lines", "trends",
    "surveys",
)  # fmt: skip
# Not "risk": it wants repositories with a history of their own, which its user names.
ORDER = (
    *STATEMENTS,
    "prober",
    "probing",
    "readers",
    "commands",
    "impact",
    "store",
    "cells",
    "kernels",
    "large",
    "cluster",
    "soak",
    "batch",
)
SMALLER = {
    "commands": ["--repeat", "2"],
    "readers": ["--cases", "20000", "--findings", "10000", "--files", "300"],
    "store": ["--rows", "1000000", "--runs", "100", "--kills", "20"],
    "cluster": ["--notebook", "explore", "--reports", "12", "--passes", "1"],
    "batch": ["--notebook", "explore", "--reports", "12", "--loop", "2"],
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="minutes instead of an hour; wider Monte Carlo errors")
    quick = parser.parse_args().quick
    folder = Path(__file__).parent
    failed = []
    for name in ORDER:
        options = SMALLER.get(name, ["--quick"]) if quick else []
        print(f"\n=== {name} {' '.join(options)}\n", flush=True)
        finished = subprocess.run([sys.executable, str(folder / f"{name}.py"), *options], check=False)
        if finished.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
