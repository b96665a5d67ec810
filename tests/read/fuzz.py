"""Damage reports at random and see that every reader still answers with rows or an error: ``make fuzz``.

Bytes are damaged, or in one file of three a value of a JSON document becomes one of another type. Each file is read as
what it looks like, and by a declared mapping. The verdict on it is judged too: a report that is damaged, compared with
what it was, is not greener than the sound one, which is STABLE at best; where it was not STABLE, the damage does not
make it so.

    python -m tests.read.fuzz [--seconds 60] [--seed 1]

Prints what was tried; a file that a reader did not answer for, in time, or that became greener, is kept, named, and
makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stabkit.config import FindingMapping
from stabkit.read.readers import read_file
from stabkit.read.summary import source_summary
from tests.law.judging import Judge
from tests.read.coverage.test_coverage import SEEDS as COVERAGE
from tests.read.loads.test_percentiles import SEEDS as LOADS
from tests.read.scans.test_linters import SEEDS as SCANS
from tests.read.test_shapes import SOUND, VALUES, places, replaced
from tests.read.tests.test_properties import SEEDS as TESTS

DATA = Path(__file__).parents[2] / "data" / "reference"
MAPPING = FindingMapping(tool="any", rule="code", path="filename", line="location.row", message="message")
RECORDED = Path(__file__).parent / "tests" / "recorded"
SECONDS_A_FILE = 20
STATUSES = {"ok", "repaired", "partial", "error"}
TOKENS = [
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&x;", b"]]>", b"<![CDATA[", b"<!--",
    b"1e999", b"-1", b"NaN", b"null", b"9" * 30, b"{}", b"[]", b'"', b"\\u0000", b"\\ud800", b"[" * 2000,
    b"<a>" * 2000, b"\n<<<<<<< a\n=======\n>>>>>>> b\n", b",,,,", b"\r", b"\x1b[2J", b"=1+1", b"../" * 20,
]  # fmt: skip


def seeds() -> list[bytes]:
    """Return sound reports: the small ones of the tests, what real tools wrote, the files of the reference case."""
    found = [*sorted(DATA.rglob("*")), *sorted(RECORDED.iterdir())]
    files = [file.read_bytes() for file in found if file.is_file() and file.suffix != ".md"]
    shapes = [json.dumps(document) for document in SOUND]
    return [*(text.encode() for text in (*TESTS, *SCANS, *COVERAGE, *LOADS, *shapes)), *files]


def damaged(raw: bytes, drawn: random.Random) -> bytes:
    """Return a report with up to six faults."""
    data = bytearray(raw)
    for _ in range(drawn.randint(1, 6)):
        place = drawn.randrange(len(data) + 1)
        length = drawn.choice((1, 4, 30, 300))
        match drawn.randrange(6):
            case 0:
                del data[place:]
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + 1] = bytes([drawn.randrange(256)])
            case 4:
                data[place : place + drawn.choice((0, length))] = drawn.choice(TOKENS)
            case 5:
                other = drawn.randrange(len(data) + 1)
                data[place:place] = data[other : other + length]
    return bytes(data)


def attempts(seed: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield damaged reports without end, with the sound one where bytes were damaged."""
    drawn = random.Random(seed)
    sound = seeds()
    while True:
        if drawn.randrange(3):
            report = drawn.choice(sound)
            yield damaged(report, drawn), report
        else:
            document = drawn.choice(SOUND)
            for _ in range(drawn.randint(1, 4)):
                document = replaced(document, drawn.choice(list(places(document))), drawn.choice(VALUES))
            yield json.dumps(document).encode(), None


def answer(path: Path) -> str:
    """Return the status of a file; any other answer than a sound one raises."""
    signal.alarm(SECONDS_A_FILE)
    try:
        evidence = read_file(path)
        sources = evidence["sources"]
        assert len(sources) >= 1, "no source"
        assert set(sources["status"]) <= STATUSES, f"unknown status {set(sources['status'])}"
        failing = sources["status"] == "error"
        assert sources.loc[failing, "message"].notna().all(), "an error without a word"
        unexpected = sources["message"].str.contains("did not expect", na=False)
        assert not unexpected.any(), sources.loc[unexpected, "message"].iloc[0]
        source_summary(evidence)
        assert len(read_file(path, mapping=MAPPING)["sources"]) == 1, "no source by a mapping"
        return str(sources["status"].iloc[0])
    finally:
        signal.alarm(0)


def greener(sound: bytes, data: bytes, judge: Judge) -> bool:
    """Say whether damage made a report STABLE that is not so as it stands, beside a baseline that says the same."""
    signal.alarm(SECONDS_A_FILE)
    try:
        before, after, changed = (
            {"report": said.decode("utf-8", "surrogateescape")} for said in (sound + b"\n", sound, data)
        )
        return judge.verdict(before, changed) == "stable" and judge.verdict(before, after) != "stable"
    finally:
        signal.alarm(0)


def too_long(*_: object) -> None:
    """Answer the alarm."""
    raise TimeoutError(f"no answer in {SECONDS_A_FILE} s")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    options = arguments.parse_args()
    end = time.monotonic() + options.seconds
    seen: Counter[str] = Counter()
    kept: list[Path] = []
    logging.disable()  # the same is said of each file that is kept
    folder = Path(tempfile.mkdtemp(prefix="stabkit-fuzz-"))
    signal.signal(signal.SIGALRM, too_long)
    judge = Judge(folder / "judged", trusting=True)
    for number, (data, sound) in enumerate(attempts(options.seed)):
        path = folder / f"{number}"
        path.write_bytes(data)
        try:
            seen[answer(path)] += 1
            assert sound is None or not greener(sound, data, judge), "damage made the verdict greener"
            path.unlink()
        except Exception as error:  # noqa: BLE001 - whatever a reader lets out is what is sought
            print(f"{path}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            kept.append(path)
        if time.monotonic() > end:
            break
    print(f"seed {options.seed}: {seen.total() + len(kept)} files, {dict(seen)}, {len(kept)} without an answer")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
