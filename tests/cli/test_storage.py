"""store check, store compact, store export: words, exit codes, and damage."""

import json
import re
import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "tests" / "data" / "demo_history"


@pytest.fixture
def sample(folder):
    shutil.copytree(SAMPLE, folder / "sample")
    return folder / "sample"


def test_a_store_is_checked_and_compacted(stabkit, sample):
    code, out, err = stabkit("store", "check", "--data", str(sample), "--format", "json")
    answer = json.loads(out)
    assert (code, answer["whole"], err) == (0, True, "")
    assert stabkit("store", "compact", "--data", str(sample))[1].startswith(f"{answer['files'] - 1} files packed into")
    code, out, _ = stabkit("store", "check", "--data", str(sample))
    assert code == 0
    assert out.startswith(f"The store is whole; {answer['runs']} runs in ")
    assert "Nothing to pack" in stabkit("store", "compact", "--data", str(sample))[1]


def test_damage_is_named_and_an_error(stabkit, sample):
    victim = next(sample.glob("table=tests/*/*.parquet"))
    victim.write_bytes(b"PAR1")
    code, out, err = stabkit("store", "check", "--data", str(sample))
    assert code == 2
    assert out.startswith("The store is damaged: 1 fault;")
    assert victim.name in err.replace("\n", "")
    code, out, _ = stabkit("store", "check", "--data", str(sample), "--format", "json")
    assert (code, json.loads(out)["whole"]) == (2, False)
    code, _, err = stabkit("store", "compact", "--data", str(sample))
    assert code == 2
    assert "hash differs" in err


def test_an_export_lists_its_files_and_overwrites_nothing(stabkit, folder, sample):
    code, out, err = stabkit("store", "export", "out", "--data", str(sample), "--csv")
    assert (code, err) == (0, "")
    assert (folder / "out" / "tests.csv").is_file()
    assert len(out.splitlines()) == len(list((folder / "out").iterdir()))
    code, out, err = stabkit("store", "export", "out", "--data", str(sample), "--csv")
    assert (code, out) == (2, "")
    assert "exists already" in err


@pytest.mark.parametrize("words", [("store", "chekc"), ("store", "export"), ("store", "check", "--data", "nowhere")])
def test_wrong_words_are_usage_errors(stabkit, words):
    code, out, err = stabkit(*words)
    assert (code, out) == (2, "")
    assert "hint:" in err


def test_a_pruning_is_said_first_and_done_only_with_yes(stabkit, sample):
    code, out, err = stabkit("store", "prune", "--keep-days", "100000", "--data", str(sample))
    assert (code, err) == (0, "")
    assert out.startswith("Nothing to prune: no file holds only samples of runs that ended before ")
    for marker in (sample / "commits").iterdir():  # as if measured years ago
        marker.write_text(re.sub(r"2026(-\d\d-\d\dT)", r"2016\1", marker.read_text()))
    files = sorted(path.name for path in sample.rglob("*.parquet"))
    code, out, _ = stabkit("store", "prune", "--keep-days", "365", "--data", str(sample))
    assert code == 0
    assert f"samples of {len(list((sample / 'commits').iterdir())) - 2} runs that ended before" in out
    assert "would be pruned" in out
    assert "2 older runs keep their samples" in out
    assert sorted(path.name for path in sample.rglob("*.parquet")) == files
    code, out, _ = stabkit("store", "prune", "--keep-days", "365", "--data", str(sample), "--yes")
    assert code == 0
    assert "are pruned" in out
    assert stabkit("store", "check", "--data", str(sample))[0] == 0
    code, out, _ = stabkit("trend", "chat", "--data", sample, "--format", "json")
    said, table = json.loads(out)["pieces"]
    assert any("32 runs without samples told from sketches" in text for text in said["sentences"])
    assert [row["run_id"] for row in table["rows"] if row["p50_ms"] is None] == []
    assert stabkit("store", "prune", "--keep-days", "0", "--data", str(sample))[0] == 2
