"""What was stored cannot be edited, dropped, taken away or put in another order without being found."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from stabkit.errors import StoreError
from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.compaction import GRACE
from stabkit.store.seals import digest_of, has_seal, sealed

CHECKS = pd.DataFrame({"target": ["api"], "check": "status", "outcome": ["pass"]})
SCANS = pd.DataFrame({"scan_id": ["s"], "tool": "ruff", "scope": ".", "complete": True})
FINDINGS = pd.DataFrame({"scan_id": ["s"], "rule": "S1", "scope": ".", "path": "a.py"}).assign(
    tool="ruff", fingerprint="f", suppressed=False
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of three runs, v0 to v2."""
    store = open_store(tmp_path / "data", create=True)
    for number in range(3):
        evidence = Evidence.of(checks=CHECKS, scans=SCANS, findings=FINDINGS)
        store.append(new_run(label=f"v{number}", started_at=datetime(2026, 1, number + 1, tzinfo=UTC)), evidence)
    return store


def markers(store: Store) -> list[Path]:
    assert store.root is not None
    return sorted((store.root / "commits").glob("*.json"))


def rewritten(path: Path, change: Callable[[dict[str, object]], object], *, seal: bool) -> None:
    """Change a marker, and seal it anew as someone would who knows how."""
    data = json.loads(path.read_bytes())
    change(data)
    data.pop("sha256", None)
    text = json.dumps(data, indent=1)
    path.write_bytes(sealed(text) if seal else f"{text}\n".encode())


def without_findings(data: dict[str, object]) -> None:
    files = data["files"]
    assert isinstance(files, list)
    data["files"] = [file for file in files if file["table"] != "findings"]


def test_a_new_store_is_whole_and_sealed(store: Store) -> None:
    found = store.check()
    assert (found.whole, found.runs, found.unsealed, found.copied) == (True, 3, 0, 0)
    first, second, third = (json.loads(path.read_bytes()) for path in markers(store))
    assert first["after"] == {}
    assert second["after"] == {markers(store)[0].name: digest_of(markers(store)[0].read_bytes())}
    assert list(third["after"]) == [markers(store)[1].name]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_table_dropped_from_a_marker_breaks_its_run(store: Store, number: int) -> None:
    path = markers(store)[number]
    text = path.read_bytes()
    rewritten(path, without_findings, seal=False)
    path.write_bytes(path.read_bytes().replace(b"\n}\n", text[text.rindex(b',\n "sha256"') :]))  # the old seal kept
    again = open_store(store.root)
    with pytest.raises(StoreError, match="changed after it was written"):
        again.evidence(f"{path.stem.rpartition('-')[0]}")
    assert f"v{number}" not in set(again.runs()["label"])
    assert [fault.where for fault in again.check().faults] == [str(path)]
    with pytest.raises(StoreError, match="changed after it was written"):
        again.run(path.stem.rpartition("-")[0])


def test_a_seal_that_was_taken_off_is_missed(store: Store) -> None:
    rewritten(markers(store)[2], without_findings, seal=False)
    again = open_store(store.root)
    assert not again.check().whole
    with pytest.raises(StoreError, match="its seal is gone"):
        again.resolve("latest")


@pytest.mark.parametrize("number", [0, 1])
def test_a_marker_sealed_anew_is_not_the_one_that_others_follow(store: Store, number: int) -> None:
    rewritten(markers(store)[number], without_findings, seal=True)
    again = open_store(store.root)
    (fault,) = again.check().faults
    assert fault.where == str(markers(store)[number])
    assert "not the one that was followed" in fault.what
    assert f"v{number}" not in set(again.runs()["label"])


def test_a_marker_made_to_look_like_one_of_an_older_stabkit_is_found(store: Store) -> None:
    def older(data: dict[str, object]) -> None:
        without_findings(data)
        del data["after"], data["store"]

    rewritten(markers(store)[1], older, seal=False)
    assert "not the one that was followed" in open_store(store.root).check().faults[0].what


def test_a_removed_run_is_missed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    gone = markers(store)[1]
    gone.unlink()
    again = open_store(store.root)
    with caplog.at_level(logging.WARNING, logger="stabkit"):
        assert again.resolve("latest") == again.runs()["run_id"].iloc[-1]
    assert "was removed" in caplog.text
    assert [(fault.what, fault.where) for fault in again.check().faults] == [
        ("This commit marker was removed.", str(gone))
    ]
    again.append(new_run(label="v3"), Evidence.of(checks=CHECKS))
    assert not open_store(store.root).check().whole, "what comes after does not heal it"


def test_a_batch_taken_from_a_run_breaks_the_run(store: Store) -> None:
    run_id = store.resolve("v2")
    store.append({"run_id": run_id}, Evidence.of(findings=FINDINGS), batch_id="late")
    store.append(new_run(label="v3"), Evidence.of(checks=CHECKS))
    (markers(store)[0].parent / f"{run_id}-late.json").unlink()
    again = open_store(store.root)
    with pytest.raises(StoreError, match="was removed"):
        again.evidence(run_id)
    assert "v2" not in set(again.runs()["label"])


def test_runs_put_in_another_order_are_found(store: Store) -> None:
    rewritten(markers(store)[2], lambda data: data.update(sequence=1), seal=True)
    (fault,) = open_store(store.root).check().faults
    assert "stored before one that it follows" in fault.what


def test_a_marker_under_another_name_is_found(store: Store) -> None:
    path = markers(store)[2]
    path.rename(path.with_name(f"other-{path.name}"))
    faults = {fault.what for fault in open_store(store.root).check().faults}
    assert any("another name" in what for what in faults)


def test_an_edited_data_file_is_found_and_not_read(store: Store) -> None:
    assert store.root is not None
    path = min(store.root.glob("table=findings/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    again = open_store(store.root)
    assert [fault.where for fault in again.check().faults] == [str(path)]
    with pytest.raises(StoreError, match="not what was committed"):
        again.evidence("v0")
    assert len(again.evidence("v1")["findings"]) == 1


def test_writers_at_once_follow_the_same_and_are_both_followed(store: Store) -> None:
    # Two stores opened on one place: what each sees is settled before the other writes.
    place = store._known.next_place()
    names = []
    for label in ("a", "b"):
        from stabkit.store.batches import write_batch

        batch = write_batch(
            store.place, new_run(label=label), Evidence(), None,
            sequence=place[0], after=place[1], store=store._known.identity,
        )  # fmt: skip
        names.append(f"{batch.run_id}-{batch.batch_id}.json")
    run_id = store.append(new_run(label="c"), Evidence())
    (path,) = (path for path in markers(store) if path.name.startswith(run_id))
    assert sorted(json.loads(path.read_bytes())["after"]) == sorted(names)
    assert open_store(store.root).check().whole


def test_a_run_copied_alone_to_another_store_is_read_there_and_named(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other", create=True)
    other.append(new_run(label="own"), Evidence.of(checks=CHECKS))
    assert store.root is not None
    assert other.root is not None
    source = markers(store)[2]
    shutil.copy(source, other.root / "commits")
    for file in json.loads(source.read_bytes())["files"]:
        (other.root / file["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(store.root / file["path"], other.root / file["path"])
    again = open_store(other.root)
    assert len(again.evidence("v2")["findings"]) == 1
    found = again.check()
    assert (found.whole, found.copied) == (True, 1)
    rewritten(other.root / "commits" / source.name, without_findings, seal=False)
    assert not open_store(other.root).check().whole


def test_a_whole_copy_of_a_store_is_whole(store: Store, tmp_path: Path) -> None:
    assert store.root is not None
    shutil.copytree(store.root, tmp_path / "copy")
    found = open_store(tmp_path / "copy").check()
    assert (found.whole, found.copied, found.runs) == (True, 0, 3)


def as_older(path: Path) -> None:
    """Make a marker what stabkit wrote before there were seals."""

    def plain(data: dict[str, object]) -> None:
        for key in ("after", "store"):
            data.pop(key, None)

    rewritten(path, plain, seal=False)


def test_markers_of_an_older_stabkit_are_read_named_and_vouched_for_by_what_follows(tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", create=True)
    for label in ("v0", "v1"):
        store.append(new_run(label=label), Evidence.of(checks=CHECKS, scans=SCANS, findings=FINDINGS))
        as_older(markers(store)[-1])
    again = open_store(store.root)
    assert (again.check().whole, again.check().unsealed) == (True, 2)
    again.append(new_run(label="v2"), Evidence.of(checks=CHECKS))
    assert sorted(json.loads(markers(store)[-1].read_bytes())["after"]) == [path.name for path in markers(store)[:2]]
    rewritten(markers(store)[0], without_findings, seal=False)
    assert [fault.where for fault in open_store(store.root).check().faults] == [str(markers(store)[0])]


def test_an_older_stabkit_beside_a_newer_one(store: Store) -> None:
    run_id = store.append(new_run(label="old"), Evidence.of(checks=CHECKS))
    as_older(next(path for path in markers(store) if path.name.startswith(run_id)))
    again = open_store(store.root)
    again.append(new_run(label="new"), Evidence.of(checks=CHECKS))
    found = open_store(store.root).check()
    assert (found.whole, found.unsealed, found.runs) == (True, 1, 5)


def test_compaction_keeps_the_seals_and_sees_what_is_removed_later(store: Store) -> None:
    store.compact()
    assert open_store(store.root).check().whole
    markers(store)[2].unlink()  # the newest: nothing follows it, but the manifest holds it
    again = open_store(store.root)
    assert [fault.what for fault in again.check().faults] == ["This commit marker was removed."]
    with pytest.raises(StoreError, match="A newer run may be meant"):
        again.resolve("latest")


def test_a_marker_changed_behind_a_manifest_is_found_by_a_check(store: Store) -> None:
    store.compact()
    rewritten(markers(store)[2], without_findings, seal=True)
    assert "the last compaction saw" in open_store(store.root).check().faults[0].what


def test_an_edited_manifest_is_not_read(store: Store) -> None:
    assert store.root is not None
    store.compact()
    (path,) = (store.root / "compactions").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b'"findings"', b'"scans"', 1))
    again = open_store(store.root)
    assert len(again.evidence("v1")["findings"]) == 1
    assert any("its seal does not fit" in fault.what for fault in again.check().faults)


def test_a_manifest_of_an_older_stabkit_hides_no_seal(store: Store) -> None:
    assert store.root is not None
    store.compact()
    (path,) = (store.root / "compactions").glob("*.json")
    data = json.loads(path.read_bytes())
    for name in ("before", "sha256"):
        data.pop(name)
    for marker in data["batches"].values():
        for name in ("after", "store", "digest"):
            marker.pop(name)
    path.write_text(json.dumps(data) + "\n")
    again = open_store(store.root)
    assert (again.check().whole, again.check().unsealed) == (True, 0)
    again.compact()
    again.compact(now=pd.Timestamp.now("UTC").to_pydatetime() + 2 * GRACE)
    assert open_store(store.root).check().whole


def test_a_pack_that_lost_rows_is_found(store: Store) -> None:
    assert store.root is not None
    store.compact()
    (path,) = (store.root / "compactions").glob("*.json")
    data = json.loads(path.read_bytes())
    for group in data["packs"]:
        group["file"]["rows"] -= 1
    del data["sha256"]
    path.write_bytes(sealed(json.dumps(data, separators=(",", ":"))))
    whats = {fault.what for fault in open_store(store.root).check().faults}
    assert "This file does not hold the rows of the files that it replaced." in whats


@pytest.mark.parametrize("after", [["x"], {"x": "y"}, {"../../a.json": "0" * 64}, "x", 3])
def test_a_marker_that_follows_nonsense_is_damaged(store: Store, after: object) -> None:
    rewritten(markers(store)[2], lambda data: data.update(after=after), seal=True)
    assert not open_store(store.root).check().whole
    assert len(open_store(store.root).runs()) == 2


def test_every_byte_of_a_sealed_file_counts() -> None:
    content = sealed('{"a": 1}')
    assert has_seal(content)
    for position in range(len(content)):
        changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        try:
            assert not has_seal(changed)
        except ValueError as error:
            assert "its seal does not fit" in str(error)  # noqa: PT017 - either way it is no sealed file
