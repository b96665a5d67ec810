"""Speed of the JUnit reader beside the bare tokeniser and ElementTree, in MB per second of CPU time.

    python benchmarks/readers.py [--cases 200000] [--repeat 3]

All read the same generated file in the same run; the best of the repeats counts, since other work on the machine only
ever adds time. Memory is the peak above what was in use before the reader began.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import pandas as pd

from stabkit.collect.content import chunks
from stabkit.collect.readers import read_file
from stabkit.collect.test_reports import junit

BLOCK = 1 << 20


def write_report(path: Path, cases: int) -> None:
    """Write a report of about 215 bytes a case: 1 in 100 fails with a text, 1 in 50 is skipped."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'<?xml version="1.0"?>\n<testsuites><testsuite name="big" tests="{cases}">\n')
        for number in range(cases):
            seconds = f"{number % 977 / 1000:.3f}"
            head = (
                f'<testcase classname="shop.services.checkout.tests.test_module_{number // 200:04d}.TestCheckoutFlow" '
                f'name="test_total_is_sum_of_all_lines_and_of_its_shipping[{number}-EUR]" time="{seconds}"'
            )
            if number % 100 == 0:
                text = "AssertionError: assert 41 == 42\n" * 130
                file.write(f'{head}><failure message="assert 41 == 42">{text}</failure></testcase>\n')
            elif number % 50 == 1:
                file.write(f'{head}><skipped message="not on this platform"/></testcase>\n')
            else:
                file.write(f"{head}/>\n")
        file.write("</testsuite></testsuites>\n")


def _ignore(_name: str, _attributes: object) -> None:
    pass


def bare_expat(path: Path) -> int:
    parser = expat.ParserCreate()
    for block in chunks(path):
        parser.Parse(block, False)  # noqa: FBT003
    parser.Parse(b"", True)  # noqa: FBT003
    return 0


def empty_handler(path: Path) -> int:
    parser = expat.ParserCreate()
    parser.StartElementHandler = _ignore
    for block in chunks(path):
        parser.Parse(block, False)  # noqa: FBT003
    parser.Parse(b"", True)  # noqa: FBT003
    return 0


def element_tree(path: Path) -> int:
    rows = []
    for _, element in ElementTree.iterparse(path):
        if element.tag == "testcase":
            status = "pass"
            for child in element:
                status = {"failure": "fail", "error": "error", "skipped": "skip"}.get(child.tag, status)
            rows.append((element.get("classname"), element.get("name"), float(element.get("time", "nan")), status))
            element.clear()
    return len(pd.DataFrame(rows, columns=["class", "name", "time_s", "status"]))


def junit_reader(path: Path) -> int:
    return len(junit.read(path)["tests"])


def whole_way(path: Path) -> int:
    return len(read_file(path)["tests"])


WAYS: dict[str, Callable[[Path], int]] = {
    "expat, no handlers": bare_expat,
    "expat, empty start handler": empty_handler,
    "stabkit junit.read, to DataFrame": junit_reader,
    "stabkit read_file, with recognition and SHA-256": whole_way,
    "ElementTree iterparse, to DataFrame": element_tree,
}


def measure(name: str, path: Path, small: Path) -> tuple[float, float]:
    """Return CPU seconds and peak MiB above the start, of one way in a fresh process."""
    WAYS[name](small)  # imports and caches are not the reader's speed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    WAYS[name](path)
    seconds = time.process_time() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=200_000)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "big.xml", Path(folder) / "small.xml"
        write_report(path, options.cases)
        write_report(small, 200)
        size = path.stat().st_size / 1e6
        print(f"{size:.1f} MB, {options.cases:,} cases; best of {options.repeat}")
        print(f"{'':50}{'MB per CPU second':>18}{'MiB':>8}")
        for name in WAYS:
            best = []
            for _ in range(options.repeat):
                with context.Pool(1) as pool:
                    best.append(pool.apply(measure, (name, path, small)))
            seconds, memory = min(best)
            print(f"{name:50}{size / seconds:18.0f}{memory:8.0f}")


if __name__ == "__main__":
    main()
