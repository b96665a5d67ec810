"""store check, store compact, store export: words, exit codes, and damage."""

import json
import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


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
