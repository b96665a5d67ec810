"""Speed of the readers beside their own limits and their peers, in MB per second of CPU time.

    python benchmarks/readers.py [--cases 200000] [--findings 100000] [--files 1000] [--repeat 3]

JUnit stands beside the bare tokeniser, ElementTree and, where it is installed, junitparser; SARIF beside json.loads.
All read the same generated file in the same run; the best of the repeats counts, since other work on the machine only
ever adds time. Memory is the peak above what was in use before the reader began. Then a JUnit report of ten times the
cases, and a folder of files by the command line.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import pandas as pd

from stabkit.read.content import chunks
from stabkit.read.readers import read_file
from stabkit.read.scans import sarif
from stabkit.read.tests import junit

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


OWN = "stabkit junit.read, to DataFrame"
OWN_SARIF = "stabkit sarif.read, to DataFrame"
JUNIT: dict[str, Callable[[Path], int]] = {
    "expat, no handlers": bare_expat,
    "expat, empty start handler": empty_handler,
    OWN: junit_reader,
    "stabkit read_file, with recognition and SHA-256": whole_way,
    "ElementTree iterparse, to DataFrame": element_tree,
}
if importlib.util.find_spec("junitparser"):
    JUNIT["junitparser, to DataFrame"] = with_junitparser
SARIF: dict[str, Callable[[Path], int]] = {
    "json.loads": bare_json,
    OWN_SARIF: sarif_reader,
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


Result = tuple[float, float]


def best_of(name: str, path: Path, small: Path, repeat: int) -> Result:
    """Return MB per CPU second and MiB of the fastest of some fresh processes."""
    context = multiprocessing.get_context("spawn")
    found = []
    for _ in range(repeat):
        with context.Pool(1) as pool:
            found.append(pool.apply(measure, (name, path, small)))
    seconds, memory = min(found)
    return path.stat().st_size / 1e6 / seconds, memory


def compare(ways: Iterable[str], path: Path, small: Path, what: str, repeat: int) -> dict[str, Result]:
    """Print speed, its share of the first way's, and memory of each way to read one file."""
    print(f"{path.stat().st_size / 1e6:.1f} MB, {what}; best of {repeat}")
    print(f"{'':50}{'MB per CPU second':>18}{'of the first':>14}{'MiB':>8}")
    results: dict[str, Result] = {}
    for name in ways:
        results[name] = best_of(name, path, small, repeat)
        share = results[name][0] / next(iter(results.values()))[0]
        print(f"{name:50}{results[name][0]:18.0f}{share:14.2f}{results[name][1]:8.0f}", flush=True)
    return results


def judge(what: str, value: float, limit: float, *, at_most: bool = False) -> None:
    """Print one target and whether it is met."""
    met = value <= limit if at_most else value >= limit
    sign = "<=" if at_most else ">="
    print(f"  -> {what}: {value:.3g}, target {sign} {limit:g}: {'met' if met else 'MISSED'}")


def junit_speed(big: Path, small: Path, cases: int, repeat: int) -> None:
    """Compare ways to read JUnit, and one of ten times the size."""
    write_report(big, cases)
    write_report(small, 200)
    results = compare(JUNIT, big, small, f"JUnit, {cases:,} cases", repeat)
    own, tokeniser = results[OWN], results["expat, no handlers"]
    judge("MB per CPU second", own[0], 65)
    # The same target, of a machine on which the bare tokeniser takes 172 MB a second.
    judge("share of the bare tokeniser's speed", own[0] / tokeniser[0], 65 / 172)
    if cases == 200_000:
        judge("MiB", own[1], 100, at_most=True)
    write_report(big, 10 * cases)
    ten = best_of(OWN, big, small, 1)
    print(f"{f'ten times the cases, {big.stat().st_size / 1e6:.0f} MB':50}{ten[0]:18.0f}{'':14}{ten[1]:8.0f}")
    judge("time for ten times the cases", 10 * own[0] / ten[0], 12, at_most=True)
    judge("memory for ten times the cases", ten[1] / own[1], 12, at_most=True)


def folder_speed(folder: Path, files: int) -> None:
    """Read a folder of reports of 40 cases by the command line, and print how many cores worked."""
    folder.mkdir()
    for number in range(files):
        write_report(folder / f"{number:05d}.xml", 40)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "stabkit", "read", str(folder), "--format", "json"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert len(json.loads(output)["sources"]) == files
    print(f"stabkit read, {files} JUnit files, {size:.1f} MB: {wall:.1f} s, {cpu:.1f} s of CPU time,", end=" ")
    print(f"{cpu / wall:.2f} of {os.cpu_count()} cores")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=200_000)
    arguments.add_argument("--findings", type=int, default=100_000)
    arguments.add_argument("--files", type=int, default=1_000)
    arguments.add_argument("--repeat", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        big, small = Path(folder) / "big", Path(folder) / "small"
        junit_speed(big, small, options.cases, options.repeat)
        write_log(big, options.findings)
        write_log(small, 200)
        print()
        results = compare(SARIF, big, small, f"SARIF, {options.findings:,} results", options.repeat)
        judge("share of the speed of json.loads", results[OWN_SARIF][0] / results["json.loads"][0], 0.5)
        print()
        folder_speed(Path(folder) / "many", options.files)


if __name__ == "__main__":
    main()
