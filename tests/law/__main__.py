"""Run the law over many examples of every reader, and print how many of them made a verdict greener.

    python -m tests.law [--examples 10000] [--seed 1] [--only FORMAT ...] [--seconds 60]

Of the examples those are read that differ in their files, and those judged that differ in what was read.
Exit code 1 where the law was broken; each way of it is printed once, with the two candidates.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.law.judging import Judge
from tests.law.law import Example, broken, example
from tests.law.notations import Notation
from tests.law.registry import FORMATS, conditions_of, named


def run(notation: Notation, examples: int, seed: int, seconds: float | None) -> tuple[int, Judge, Counter[str]]:
    """Return how many examples of a format were tried, who judged them, and how often each way broke the law."""
    ways: Counter[str] = Counter()
    end = None if seconds is None else time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="stabkit-law-") as folder:
        judge = Judge(Path(folder), conditions_of(notation), trusting=True)
        for number in range(examples):
            one = example(notation, random.Random(f"{seed} {number}"))
            way = broken(one, judge)
            if way is not None:
                ways[way] += 1
                if ways[way] == 1:
                    _show(notation, number, way, one)
            if end is not None and time.monotonic() > end:
                return number + 1, judge, ways
    return examples, judge, ways


def _show(notation: Notation, number: int, way: str, one: Example) -> None:
    print(f"{named(notation)}, example {number}: {way}", file=sys.stderr)
    for files in (one.after, one.changed):
        print(f"    {next(iter(files.values()))[:2000]!r}", file=sys.stderr)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, help="of each format, at most")
    arguments.add_argument("--only", nargs="*", help="formats")
    options = arguments.parse_args()
    logging.disable()  # what a reader did not expect is a failed source, which is an answer
    greener = 0
    print(f"{'format':32} {'examples':>9} {'read':>8} {'judged':>8} {'greener':>8}  seconds")
    for notation in FORMATS:
        if options.only and notation.form not in options.only:
            continue
        start = time.monotonic()
        tried, judge, ways = run(notation, options.examples, options.seed, options.seconds)
        greener += ways.total()
        took = time.monotonic() - start
        counts = f"{tried:9,} {judge.read:8,} {judge.judged:8,} {ways.total():8,}"
        print(f"{named(notation):32} {counts}  {took:.0f}", flush=True)
    return 1 if greener else 0


if __name__ == "__main__":
    sys.exit(main())
