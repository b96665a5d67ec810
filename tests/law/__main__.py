"""Run the law over many examples of every reader, and print how many of them made a verdict greener.

    python -m tests.law [--examples 10000] [--seed 1] [--only FORMAT ...] [--seconds 60]
    python -m tests.law --reports FOLDER [--examples 20] [--seed 1] [--seconds 60]

The second form takes the reports that stand in a folder instead, each as its own baseline. Of the examples those are
read that differ in their files, and those judged that differ in what was read.
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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from stabkit.config import Config
from tests.law.judging import Judge
from tests.law.law import Example, broken, example
from tests.law.recorded import readable, recorded_example
from tests.law.registry import FORMATS, conditions_of, named

SHOWN = 2000
"""Characters of a candidate that are printed, around the place where it changed."""

Make = Callable[[random.Random], Example]


def run(
    name: str, make: Make, config: Config | None, examples: int, seed: int, seconds: float | None
) -> tuple[int, Judge, Counter[str]]:
    """Return how many examples of a format were tried, who judged them, and how often each way broke the law."""
    ways: Counter[str] = Counter()
    end = None if seconds is None else time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="stabkit-law-") as folder:
        judge = Judge(Path(folder), config, trusting=True)
        for number in range(examples):
            one = make(random.Random(f"{seed} {number}"))
            way = broken(one, judge)
            if way is not None:
                ways[way] += 1
                if ways[way] == 1:
                    _show(name, number, way, one)
            if end is not None and time.monotonic() > end:
                return number + 1, judge, ways
    return examples, judge, ways


def _show(name: str, number: int, way: str, one: Example) -> None:
    print(f"{name}, example {number}: {way}", file=sys.stderr)
    for files in (one.after, one.changed):
        print(f"    {_around(one, next(iter(files.values())))!r}", file=sys.stderr)


def _around(one: Example, text: str) -> str:
    """Return the part of a text in which the two candidates of an example begin to differ."""
    pairs = zip(next(iter(one.after.values())), next(iter(one.changed.values())), strict=False)
    place = next((number for number, (was, now) in enumerate(pairs) if was != now), len(text))
    return text[max(0, place - SHOWN // 2) : place + SHOWN // 2]


def _makers(options: argparse.Namespace) -> Iterator[tuple[str, Make, Config | None]]:
    """Yield what is tried, by its name: all formats, or the reports of a folder."""
    if options.reports is None:
        for notation in FORMATS:
            if not options.only or notation.form in options.only:
                yield named(notation), partial(example, notation), conditions_of(notation)
        return
    for form, path in readable(options.reports):
        if not options.only or form in options.only:
            yield f"{form}: {path.name[-40:]}", partial(recorded_example, path), None


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, help="of each: 10,000 of a format, 20 of a report")
    arguments.add_argument("--reports", type=Path, metavar="FOLDER", help="reports to try, instead of made ones")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, help="of each format, at most")
    arguments.add_argument("--only", nargs="*", help="formats")
    options = arguments.parse_args()
    logging.disable()  # what a reader did not expect is a failed source, which is an answer
    greener = 0
    print(f"{'format':32} {'examples':>9} {'read':>8} {'judged':>8} {'greener':>8}  seconds")
    for name, make, config in _makers(options):
        start = time.monotonic()
        examples = options.examples or (10_000 if options.reports is None else 20)
        tried, judge, ways = run(name, make, config, examples, options.seed, options.seconds)
        greener += ways.total()
        took = time.monotonic() - start
        counts = f"{tried:9,} {judge.read:8,} {judge.judged:8,} {ways.total():8,}"
        print(f"{name:32} {counts}  {took:.0f}", flush=True)
    return 1 if greener else 0


if __name__ == "__main__":
    sys.exit(main())
