"""Speed of the readers beside their own limits and their peers, in MB per second of CPU time.

    python benchmarks/readers.py [--cases 200000] [--findings 100000] [--repeat 3]

JUnit stands beside the bare tokeniser, ElementTree and, where it is installed, junitparser; SARIF beside json.loads.
All read the same generated file in the same run; the best of the repeats counts, since other work on the machine only
ever adds time. Memory is the peak above what was in use before the reader began.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import pandas as pd

from stabkit.collect.content import chunks
from stabkit.collect.readers import read_file
from stabkit.collect.scan_reports import sarif
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


def write_log(path: Path, findings: int) -> None:
    """Write a SARIF log of about 450 bytes a result: 200 rules, 1000 files, each result with its own fingerprint."""
    results = [
        {
            "ruleId": f"R{number % 200:03d}",
            "ruleIndex": number % 200,
            "level": ("error", "warning", "note")[number % 3],
            "message": {"text": f"Value {number} is not used in this function"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/shop/module_{number % 1000}.py", "uriBaseId": "SRC"},
                        "region": {"startLine": number % 900 + 1, "snippet": {"text": f"value = compute({number})"}},
                    }
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": f"{number:016x}:1"},
        }
        for number in range(findings)
    ]
    rules = [{"id": f"R{number:03d}"} for number in range(200)]
    run = {"tool": {"driver": {"name": "big", "rules": rules}}, "results": results}
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}), encoding="utf-8")


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
    evidence = read_file(path)
    return len(evidence["tests"]) + len(evidence["findings"])


def with_junitparser(path: Path) -> int:
    parser = importlib.import_module("junitparser")
    rows = [
        (case.classname, case.name, case.time, case.result)
        for suite in parser.JUnitXml.fromfile(path)
        for case in suite
    ]
    return len(pd.DataFrame(rows, columns=["class", "name", "time_s", "result"]))


def bare_json(path: Path) -> int:
    return len(json.loads(path.read_bytes()))


def sarif_reader(path: Path) -> int:
    return len(sarif.read(path)["findings"])


JUNIT: dict[str, Callable[[Path], int]] = {
    "expat, no handlers": bare_expat,
    "expat, empty start handler": empty_handler,
    "stabkit junit.read, to DataFrame": junit_reader,
    "stabkit read_file, with recognition and SHA-256": whole_way,
    "ElementTree iterparse, to DataFrame": element_tree,
}
if importlib.util.find_spec("junitparser"):
    JUNIT["junitparser, to DataFrame"] = with_junitparser
SARIF: dict[str, Callable[[Path], int]] = {
    "json.loads": bare_json,
    "stabkit sarif.read, to DataFrame": sarif_reader,
    "stabkit read_file, with recognition and SHA-256 ": whole_way,
}
WAYS = JUNIT | SARIF


def measure(name: str, path: Path, small: Path) -> tuple[float, float]:
    """Return CPU seconds and peak MiB above the start, of one way in a fresh process."""
    WAYS[name](small)  # imports and caches are not the reader's speed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    WAYS[name](path)
    seconds = time.process_time() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def compare(ways: Iterable[str], path: Path, small: Path, what: str, repeat: int) -> None:
    """Print speed and memory of each way to read one file, each time in a fresh process."""
    size = path.stat().st_size / 1e6
    print(f"{size:.1f} MB, {what}; best of {repeat}")
    print(f"{'':50}{'MB per CPU second':>18}{'MiB':>8}")
    context = multiprocessing.get_context("spawn")
    for name in ways:
        best = []
        for _ in range(repeat):
            with context.Pool(1) as pool:
                best.append(pool.apply(measure, (name, path, small)))
        seconds, memory = min(best)
        print(f"{name:50}{size / seconds:18.0f}{memory:8.0f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=200_000)
    arguments.add_argument("--findings", type=int, default=100_000)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        big, small = Path(folder) / "big", Path(folder) / "small"
        write_report(big, options.cases)
        write_report(small, 200)
        compare(JUNIT, big, small, f"JUnit, {options.cases:,} cases", options.repeat)
        write_log(big, options.findings)
        write_log(small, 200)
        print()
        compare(SARIF, big, small, f"SARIF, {options.findings:,} results", options.repeat)


if __name__ == "__main__":
    main()
