"""Nothing acknowledged is lost, nothing half is seen: kills, a full disk, a crash at any step, the order of writes."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from stabkit.errors import StabkitError, StoreError
from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.compaction import GRACE
from stabkit.store.places.local import Folder

ROWS = 20
LATER = datetime.now(UTC) + 2 * GRACE


def evidence_of(rows: int = ROWS) -> Evidence:
    samples = {"target": "api", "metric": "response_time", "round": 0, "sequence": range(rows), "ok": True}
    checks = pd.DataFrame({"target": ["api"] * 2, "check": ["status", "body"], "outcome": ["pass", "not_checked"]})
    times = random.Random(rows).choices(range(10_000), k=rows)
    return Evidence.of(samples=pd.DataFrame(samples | {"response_ms": [time / 7 for time in times]}), checks=checks)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data", create=True)


# --- kills ---

_WRITER = """
import sys
sys.path[:0] = [{tests!r}]
import test_durability as t
store = t.open_store(sys.argv[1])
for number in range(int(sys.argv[2])):
    print(store.append(t.new_run(label=sys.argv[1]), t.evidence_of()), flush=True)
"""


class Writer:
    """A process that appends runs, and the ids that it said are stored."""

    def __init__(self, root: Path) -> None:
        code = _WRITER.format(tests=str(Path(__file__).parent))
        command = [sys.executable, "-c", code, str(root), "100000"]
        self.heard: list[str] = []
        self.ready = threading.Event()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # else an acknowledgement that was never heard
                self.heard.append(line.strip())
                self.ready.set()

    def kill(self) -> list[str]:
        """End it at once, wherever it is, and return what it had said."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)
        self._listener.join(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self.heard


def kill_at_random(root: Path, *, writers: int, kills: int, seed: int) -> tuple[set[str], int]:
    """Keep so many writers at work, kill one after another at random moments; return what was acknowledged."""
    drawn = random.Random(seed)
    acknowledged: set[str] = set()
    working = [Writer(root) for _ in range(writers)]
    for number in range(kills):
        victim = working.pop(drawn.randrange(len(working)))
        assert victim.ready.wait(120)
        time.sleep(drawn.uniform(0, 0.05))
        acknowledged.update(victim.kill())
        if number < kills - writers:
            working.append(Writer(root))
    for writer in working:
        acknowledged.update(writer.kill())
    return acknowledged, max(kills, writers)


def assert_whole(root: Path, acknowledged: set[str], killed: int) -> int:
    """Check that every acknowledged run is there and every run is whole; return how many there are."""
    reader = open_store(root)
    stored = reader.runs()["run_id"].tolist()
    assert acknowledged <= set(stored)
    assert len(stored) <= len(acknowledged) + killed  # each may have died between its marker and saying so
    assert reader.read("samples").groupby("run_id").size().reindex(stored).eq(ROWS).all()
    assert reader.read("checks").groupby("run_id").size().reindex(stored).eq(2).all()
    assert reader.check().whole
    return len(stored)


def test_killed_writers_lose_no_acknowledged_run_and_show_no_partial_one(store: Store) -> None:
    acknowledged, killed = kill_at_random(store.root, writers=3, kills=8, seed=5)
    assert len(acknowledged) >= 8
    assert_whole(store.root, acknowledged, killed)


# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk could be mounted: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_an_error_and_no_loss(small_disk: Path) -> None:
    store = open_store(small_disk / "data", create=True)
    acknowledged: list[str] = []
    with pytest.raises(StoreError, match="no space left") as caught:
        acknowledged.extend(store.append(new_run(), evidence_of(1000)) for _ in range(1000))
    assert isinstance(caught.value, StabkitError)  # which the command line answers with exit code 2
    assert "Free some space" in str(caught.value.hint)
    assert acknowledged
    reader = open_store(store.root)
    assert sorted(reader.runs()["run_id"]) == sorted(acknowledged)
    assert len(reader.read("samples")) == 1000 * len(acknowledged)
    assert reader.check().whole
    assert not list(store.root.rglob("*.tmp"))
    before = reader.read("samples")["response_ms"].tolist()
    with pytest.raises(StoreError, match="no space left"):
        reader.compact()
    assert open_store(store.root).read("samples")["response_ms"].tolist() == before
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    later = store.append(new_run(), evidence_of(1000))
    assert set(open_store(store.root).runs()["run_id"]) == {*acknowledged, later}
    assert open_store(store.root).compact().packed


# --- a crash at every step ---


class Crash(BaseException):
    """The machine is gone: nothing after it runs, and nothing is tidied up."""


class Dying(Folder):
    """A folder that stops working after so many changes, in the middle of the next one or right after it."""

    def __init__(self, root: Path, steps: int, *, done: bool) -> None:
        super().__init__(root)
        self.left = steps
        self._done = done

    def _step(self, change: object) -> object:
        if self.left < 0:
            raise Crash
        self.left -= 1
        if self.left >= 0:
            return change()  # type: ignore[operator]
        if self._done:
            change()  # type: ignore[operator]
        raise Crash

    def write(self, path: str, content: bytes) -> None:
        self._step(lambda: super(Dying, self).write(path, content))

    def publish(self, path: str, content: bytes) -> None:
        self._step(lambda: super(Dying, self).publish(path, content))

    def remove(self, path: str) -> bool:
        return bool(self._step(lambda: super(Dying, self).remove(path)))


def seen(root: Path) -> list[object]:
    reader = open_store(root)
    query = "SELECT run_id, count(*) AS n, sum(response_ms) AS total FROM samples GROUP BY 1 ORDER BY 1"
    exact = reader.quantiles(by=("run_id",)).astype(str).values.tolist()
    tables = [reader.read(name).astype(str).values.tolist() for name in ("runs", "samples", "checks")]
    return [*tables, reader.sql(query).round(6).values.tolist(), exact]


class Failing(Folder):
    """A folder where a file of some name is written whole, but the disk says then that it could not be synced."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root)
        self._name = name

    def write(self, path: str, content: bytes) -> None:
        super().write(path, content)
        self._fail(path)

    def publish(self, path: str, content: bytes) -> None:
        super().publish(path, content)
        self._fail(path)

    def remove(self, path: str) -> bool:
        if "manifest" in path:
            self._fail(path)
        return super().remove(path)

    def _fail(self, path: str) -> None:
        if self._name in path:
            raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("where", ["commits/", "table=checks/"])
def test_a_batch_whose_writing_fails_at_last_is_not_there(store: Store, where: str) -> None:
    kept = store.append(new_run(label="kept"), evidence_of())
    with pytest.raises(StoreError, match="Input/output error"):
        Store(Failing(store.root, where)).append(new_run(label="failed"), evidence_of())
    reader = open_store(store.root)
    assert reader.runs()["run_id"].tolist() == [kept]
    assert len(reader.read("samples")) == ROWS
    assert reader.check().whole
    assert len(list(store.root.rglob("*.parquet"))) == 2


@pytest.mark.parametrize("where", ["manifest-00000003.json", "manifest-00000001.json", "pack-"])
def test_what_a_manifest_names_stays_however_its_publishing_ends(store: Store, where: str) -> None:
    for number in range(3):
        store.append(new_run(label=f"v{number}"), evidence_of())
        if number:
            store.compact()
    store.append(new_run(label="v3"), evidence_of())
    before = seen(store.root)
    failing = Store(Failing(store.root, where))
    if "1" in where:  # an old manifest that cannot be removed is no fault of the new one
        assert failing.compact().packed
        assert (store.root / "compactions" / where).exists()
    else:
        with pytest.raises(StoreError, match="Input/output error"):
            failing.compact()
    assert seen(store.root) == before
    assert open_store(store.root).check().whole
    store.compact(now=LATER)
    assert seen(store.root) == before


@pytest.mark.parametrize("done", [False, True], ids=["in the middle of a step", "between two steps"])
def test_a_crash_at_any_step_of_a_compaction_changes_nothing_that_is_read(store: Store, *, done: bool) -> None:
    for number in range(4):
        store.append(new_run(label=f"v{number}"), evidence_of(10 + number))
    store.compact()
    store.append(new_run(label="v4"), evidence_of())
    before = seen(store.root)
    crashes = 0
    for steps in range(100):
        copy = store.root.parent / f"{steps}"
        shutil.copytree(store.root, copy)
        try:
            # Removes what the first one replaced, packs and sketches anew.
            Store(Dying(copy, steps, done=done)).compact(now=LATER)
        except Crash:
            crashes += 1
            assert seen(copy) == before
            if steps % 4 == 0:
                open_store(copy).compact(now=LATER + 4 * GRACE)
                assert seen(copy) == before
            assert open_store(copy).check().whole
        else:
            break
        finally:
            shutil.rmtree(copy)
    assert crashes > 8


@pytest.mark.parametrize("done", [False, True], ids=["in the middle of a step", "between two steps"])
def test_a_crash_at_any_step_of_a_pruning_loses_no_percentile(store: Store, *, done: bool) -> None:
    now = datetime.now(UTC)
    for days in (300, 200, 3, 2):
        store.append(new_run(started_at=now - timedelta(days=days)), evidence_of(10 + days % 7))
    before = open_store(store.root).quantiles(by=("run_id",)).values.tolist()
    for steps in range(100):
        copy = store.root.parent / f"{steps}"
        shutil.copytree(store.root, copy)
        try:
            Store(Dying(copy, steps, done=done)).prune(100, dry_run=False, now=now)
        except Crash:
            assert open_store(copy).quantiles(by=("run_id",)).values.tolist() == before
            assert open_store(copy).check().whole
        else:
            break
        finally:
            shutil.rmtree(copy)
    assert steps == 2  # the sketch, then the manifest


def test_a_reader_across_a_compaction_sees_the_same(store: Store) -> None:
    for number in range(6):
        store.append(new_run(label=f"v{number}"), evidence_of(10 + number))
    reader = open_store(store.root)
    before = reader.read("samples")["response_ms"].tolist()
    files = reader._live(reader.runs()["run_id"].tolist(), "samples")  # as a query that has begun
    store.compact()
    assert reader.place.dataset([file.path for file in files], None).count_rows() == len(before)
    assert reader.read("samples")["response_ms"].tolist() == before
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            if open_store(store.root).read("samples")["response_ms"].tolist()[: len(before)] != before:
                wrong.append("differs")

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(5):
        store.append(new_run(label=f"w{number}"), evidence_of())
        store.compact()
    stop.set()
    thread.join(60)
    assert not wrong


# --- the order of writes ---


def test_every_file_is_synced_before_its_name_and_the_marker_comes_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.replace

    def place(path: Path) -> str:
        return path.relative_to(store.root.parent).parts[-1] if path.is_dir() else path.suffix

    def record_sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(("sync folder" if path.is_dir() else "sync file", place(path)))
        sync(descriptor)

    def record_rename(path: Path, target: Path) -> Path:
        steps.append(("rename", target.suffix))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(Path, "replace", record_rename)
    store.append(new_run(started_at=datetime(2026, 1, 5, tzinfo=UTC)), evidence_of())
    day = [("sync folder", "day=2026-01-05")]
    table = {name: [("sync folder", f"table={name}"), ("sync folder", "data")] for name in ("samples", "checks")}
    one = [("sync file", ".tmp"), ("rename", ".parquet"), *day]
    marker = [("sync file", ".tmp"), ("rename", ".json"), ("sync folder", "commits")]
    assert steps == [*one, *table["samples"], *one, *table["checks"], *marker]
