"""The store: whole batches or none, found again by reference, read-only through SQL."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.errors import SchemaError, StoreError, UsageError
from stabkit.schema import TABLES, Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.seals import sealed

START = datetime(2025, 9, 14, 12, 24, tzinfo=UTC)


def evidence_of(rows: int = 3) -> Evidence:
    return Evidence.of(
        samples=pd.DataFrame(
            {
                "target": "api",
                "metric": "response_time",
                "round": range(rows),
                "sequence": range(rows),
                "response_ms": [None, *[1.5] * (rows - 1)],
                "due_at": START,
                "ok": [False] + [True] * (rows - 1),
            }
        ),
        checks=pd.DataFrame({"target": ["api"] * 2, "check": ["status", "body"], "outcome": ["pass", "not_checked"]}),
    )


def run_at(hours: int, label: str | None = None) -> dict[str, object]:
    return new_run(label=label, started_at=START + timedelta(hours=hours))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data", create=True)


def test_what_is_stored_is_read_again(store: Store) -> None:
    given_evidence = evidence_of()
    run_id = store.append(new_run(label="v1", floor_ms=0.4), given_evidence)
    back = store.evidence("v1")
    assert set(back) == {"samples", "checks"}
    for name in back:
        expected = given_evidence[name].assign(run_id=run_id).astype({"run_id": "str"})
        pd.testing.assert_frame_equal(back[name], expected)
    assert store.run("v1")["floor_ms"] == 0.4
    assert store.read("tests").empty
    assert list(store.read("tests").columns) == list(TABLES["tests"].names)


def test_nulls_stay_null_and_are_null_in_sql(store: Store) -> None:
    store.append(new_run(), evidence_of())
    counted = store.sql("SELECT count(*) AS n, count(response_ms) AS known FROM samples")
    assert counted.loc[0].to_dict() == {"n": 3, "known": 2}


def test_oldest_first_whatever_the_order_of_appending(store: Store) -> None:
    late, early = store.append(run_at(5), Evidence()), store.append(run_at(1), Evidence())
    assert store.runs()["run_id"].tolist() == [early, late]


def test_a_run_without_evidence_is_still_a_run(store: Store) -> None:
    store.append(new_run(label="bare", complete=False), Evidence())
    assert list(store.evidence("bare")) == []
    assert not store.run("bare")["complete"]


def test_a_batch_id_counts_once(store: Store) -> None:
    run = new_run(label="v1")
    first = store.append(run, evidence_of(), batch_id="night-1")
    again = store.append(new_run(label="v1"), evidence_of(), batch_id="night-1")
    assert again == first
    assert len(store.runs()) == 1
    assert len(store.read("samples")) == 3


def test_a_batch_id_counts_once_even_if_two_processes_committed_it(store: Store) -> None:
    other = Store(store.root)
    one, two = run_at(0), run_at(1)
    store.append(one, evidence_of(), batch_id="same")
    marker = next((store.root / "commits").iterdir())
    copy = json.loads(marker.read_text())
    copy["run"]["run_id"] = two["run_id"]
    copy["committed_at"] = "2999-01-01T00:00:00+00:00"
    (marker.parent / f"{two['run_id']}-same.json").write_text(json.dumps(copy))
    assert other.runs()["run_id"].tolist() == [one["run_id"]]
    assert len(other.read("samples")) == 3


def test_a_second_batch_joins_its_run(store: Store) -> None:
    run_id = store.append(new_run(label="v1", floor_ms=0.3), evidence_of(3))
    store.append({"run_id": run_id, "complete": False, "branch": "main"}, evidence_of(2))
    assert len(store.runs()) == 1
    row = store.run(run_id)
    assert (row["label"], row["branch"], row["floor_ms"], bool(row["complete"])) == ("v1", "main", 0.3, False)
    assert len(store.read("samples", runs=[run_id])) == 5
    store.append({"run_id": run_id, "complete": True}, Evidence())
    assert not store.run(run_id)["complete"], "what one batch lacks, another cannot give back"


def test_columns_and_runs_are_chosen(store: Store) -> None:
    a, b = store.append(run_at(0, "a"), evidence_of(3)), store.append(run_at(1, "b"), evidence_of(4))
    frame = store.read("samples", runs="b", columns=["response_ms", "run_id"])
    assert list(frame.columns) == ["response_ms", "run_id"]
    assert set(frame["run_id"]) == {b}
    everything = store.read("samples")
    assert everything["run_id"].tolist() == [a] * 3 + [b] * 4
    assert everything["sequence"].tolist() == [0, 1, 2, 0, 1, 2, 3]
    with pytest.raises(UsageError, match="samples"):
        store.read("sample")
    with pytest.raises(UsageError, match="response_ms"):
        store.read("samples", columns=["respons_ms"])


def test_frames_are_not_shared(store: Store) -> None:
    store.append(new_run(label="v1"), Evidence())
    frame = store.runs()
    frame.loc[0, "label"] = "changed"
    assert store.runs().loc[0, "label"] == "v1"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_text('{root}/stabkit-store.json')",
        "COPY samples TO '{folder}/out.csv'",
        "ATTACH '{folder}/new.db'",
        "SET enable_external_access = true",
        "SELECT 1; DROP TABLE runs",
        "DELETE FROM runs",
        "EXPLAIN ANALYZE COPY samples TO '{folder}/out.csv'",
        "INSTALL httpfs",
        "SELECT * FROM frame",
        "SELECT nothing FROM samples",
        "this is not sql",
        "",
    ],
)
def test_sql_reads_tables_and_nothing_else(store: Store, tmp_path: Path, text: str) -> None:
    frame = pd.DataFrame({"python": ["variable"]})
    store.append(new_run(), evidence_of())
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    with pytest.raises(UsageError) as caught:
        store.sql(text.format(secret=secret, folder=tmp_path, root=store.root))
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "secret.txt"]
    assert len(frame) == 1


def test_sql_takes_values_apart_from_text(store: Store) -> None:
    store.append(new_run(label="it's; DROP"), evidence_of())
    query = "SELECT label, count(*) AS n FROM samples JOIN runs USING (run_id) WHERE label = $label GROUP BY ALL"
    assert store.sql(query, {"label": "it's; DROP"})["n"].tolist() == [3]
    assert store.sql("SELECT count(*) AS n FROM runs WHERE label = ?", ["no' OR 1=1 --"])["n"].tolist() == [0]


def test_an_empty_store_answers(store: Store) -> None:
    assert store.runs().empty
    assert store.read("findings").empty
    assert store.sql("SELECT count(*) AS n FROM findings")["n"].tolist() == [0]


def test_a_folder_with_pattern_characters_in_its_name(tmp_path: Path) -> None:
    store = open_store(tmp_path / "o'dd [x] * ?", create=True)
    store.append(new_run(), evidence_of())
    assert len(store.read("samples")) == 3
    assert store.sql("SELECT count(*) AS n FROM samples")["n"].tolist() == [3]


def test_ids_that_are_no_file_names_are_refused(store: Store) -> None:
    for bad in ("../../x", "a/b", "", ".hidden", "x" * 200):
        with pytest.raises(StoreError, match="cannot be part of a file name"):
            store.append({**new_run(), "run_id": bad}, Evidence())
        if bad:
            with pytest.raises(StoreError, match="cannot be part of a file name"):
                store.append(new_run(), Evidence(), batch_id=bad)
    assert store.runs().empty


def test_a_wrong_frame_stores_nothing(store: Store) -> None:
    wrong = Evidence({"checks": pd.DataFrame({"target": ["a"], "check": ["b"], "outcome": ["maybe"]})})
    with pytest.raises(SchemaError):
        store.append(new_run(), wrong)
    assert store.runs().empty
    assert not list(store.root.rglob("*.parquet"))


def test_a_changed_data_file_is_named_and_the_rest_stays_readable(store: Store) -> None:
    store.append(run_at(0, "good"), evidence_of())
    bad = store.append(run_at(1, "bad"), evidence_of())
    path = next((store.root / "table=samples").rglob(f"{bad}-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    fresh = Store(store.root)
    with pytest.raises(StoreError, match="hash differs") as caught:
        fresh.read("samples", runs=["bad"])
    assert caught.value.where == str(path)
    assert len(fresh.read("samples", runs=["good"])) == 3
    assert fresh.sql("SELECT count(*) AS n FROM checks")["n"].tolist() == [4]
    path.unlink()
    assert fresh.sql("SELECT count(*) AS n FROM checks")["n"].tolist() == [4]
    with pytest.raises(StoreError, match="missing"):
        Store(fresh.root).sql("SELECT count(*) AS n FROM samples")
    with pytest.raises(StoreError, match="missing"):
        fresh.evidence("bad")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff\xfe", b'{"schema": 99}', b'{"schema": 1, "files": 3}', b"[" * 5000),
        b'{"schema": 1, "files": [{"table": "tests", "path": [], "rows": 1, "bytes": 1, "sha256": ""}]}',
        *(
            b'{"schema":1,"batch_id":"b","committed_at":"x","files":[],"run":{"run_id":"r","complete":%s,"started_at":%s}}'
            % run
            for run in ((b"true", b"5"), (b"true", b'"noon"'), (b"null", b'"2026-01-05T00:00:00+00:00"'))
        ),
    ],
)
def test_a_damaged_marker_hides_its_run_alone_and_is_never_passed_over(
    store: Store, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = store.append(run_at(0, "good"), evidence_of()), store.append(run_at(1, "bad"), evidence_of())
    marker = next((store.root / "commits").glob(f"{bad}-*"))
    whole = marker.read_bytes()
    marker.write_bytes(content)
    fresh = Store(store.root)
    assert fresh.runs()["run_id"].tolist() == [good]
    assert [fault.where for fault in fresh.damaged] == [str(marker)]
    assert len(fresh.read("samples")) == 3
    assert len(fresh.evidence(good)["samples"]) == 3
    with pytest.raises(StoreError, match="A newer run may be meant"):
        fresh.resolve("latest")
    with pytest.raises(StoreError) as caught:
        fresh.resolve(bad)
    assert caught.value.where == str(marker)
    assert len(caplog.messages) == 1  # said once, not at each question
    marker.write_bytes(whole)
    assert fresh.resolve("latest") == bad


def test_a_label_that_is_no_text_of_utf_8_is_read(store: Store) -> None:
    store.append(run_at(0, "odd"), evidence_of())
    marker = next((store.root / "commits").iterdir())
    data = json.loads(marker.read_text())
    del data["sha256"]
    marker.write_bytes(sealed(json.dumps(data).replace('"odd"', '"\\ud800"')))
    assert Store(store.root).runs()["label"].tolist() == ["?"]


def test_a_marker_cannot_lead_out_of_the_store(store: Store, tmp_path: Path) -> None:
    run_id = store.append(new_run(), evidence_of())
    outside = tmp_path / "outside.parquet"
    outside.write_bytes(next(store.root.rglob("*.parquet")).read_bytes())
    marker = next((store.root / "commits").iterdir())
    data = json.loads(marker.read_text())
    data["files"][0]["path"] = "table=samples/../../../outside.parquet"
    marker.write_text(json.dumps(data))
    with pytest.raises(StoreError, match="which no store writes"):
        Store(store.root).evidence(run_id)


def test_files_without_a_marker_do_not_exist(store: Store) -> None:
    store.append(run_at(0), evidence_of())
    data = next((store.root / "table=samples").rglob("*.parquet"))
    data.with_name("20990101T000000Z-x-000000-aa.parquet").write_bytes(data.read_bytes())
    (store.root / "commits" / ".x.json.1-2.tmp").write_bytes(b"{")
    assert len(store.read("samples")) == 3
    assert store.sql("SELECT count(*) AS n FROM samples")["n"].tolist() == [3]
    assert not store.damaged


def test_older_files_without_a_newer_column_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    import pyarrow.parquet as pq

    old = store.append(run_at(0), evidence_of())
    path = next((store.root / "table=samples").rglob(f"{old}-*.parquet"))
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["warmup", "connection"]), path)
    marker = next((store.root / "commits").glob(f"{old}-*"))
    data = json.loads(marker.read_text())
    for file in data["files"]:
        if file["table"] == "samples":
            file["bytes"] = path.stat().st_size
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for newer in ("sha256", "after", "store"):
        del data[newer]
    marker.write_text(json.dumps(data))
    Store(store.root).append(run_at(1), evidence_of())
    frame = Store(store.root).read("samples", runs=[old])
    assert len(frame) == 3
    assert frame["warmup"].isna().all()
    assert len(Store(store.root).read("samples")) == 6


def test_an_unwritable_folder_is_one_of_our_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "file" / "data", create=True)
    assert caught.value.hint
    store = open_store(tmp_path / "data", create=True)
    (store.root / "table=samples").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        store.append(new_run(), evidence_of())
    assert caught.value.hint
    assert store.runs().empty


_LIMITED = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = {paths!r}
import test_store as t
store = t.open_store(Path(sys.argv[1]))
store.append(t.new_run(label="small"), t.Evidence())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    store.append(t.new_run(label="big"), t.evidence_of(500))
except t.StoreError as error:
    print("refused", bool(error.hint))
"""


def test_a_write_that_fails_half_way_shows_nothing_and_leaves_no_litter(store: Store) -> None:
    done = _python(_LIMITED, str(store.root)).communicate(timeout=60)
    assert done[0].strip() == "refused True", done[1]
    assert store.runs()["label"].tolist() == ["small"]
    assert not [path for path in store.root.rglob("*") if path.suffix in (".tmp", ".parquet")]


_WRITER = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
import test_store as t
store = t.open_store(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    run_id = store.append(t.new_run(label=sys.argv[2]), t.evidence_of(20), batch_id=f"{{sys.argv[2]}}-{{number}}")
    print(run_id, flush=True)
"""


def _python(program: str, *arguments: str) -> subprocess.Popen[str]:
    code = program.format(paths=[str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_several_processes_append_at_once(store: Store) -> None:
    writers = [_python(_WRITER, str(store.root), f"w{number}", "6") for number in range(3)]
    acknowledged = [line for writer in writers for line in writer.communicate(timeout=90)[0].split()[1:]]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert len(acknowledged) == 18
    assert sorted(acknowledged) == sorted(store.runs()["run_id"])
    assert len(store.read("samples")) == 18 * 20


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5),
    label=st.text(max_size=60),
)
def test_any_text_comes_back_as_it_was(store: Store, texts: list[str], label: str) -> None:
    checks = pd.DataFrame({"target": texts, "check": "x", "outcome": "pass", "detail": texts})
    run_id = store.append(new_run(label=label), Evidence.of(checks=checks))
    assert store.read("checks", runs=[run_id])["detail"].tolist() == texts
