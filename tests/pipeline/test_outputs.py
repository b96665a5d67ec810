"""Reports and their index on object storage: a real S3 server, from one machine and from a cluster's workers."""

import io
import json
import re

import pandas as pd
import pytest
from pyarrow.fs import FileSelector

from stabkit.cli import run
from stabkit.store.places import Bucket
from tests.store.conftest import s3  # noqa: F401

pytestmark = pytest.mark.xdist_group("s3")

TIMES = re.compile(r"[\d,.]+ (MB|s)\b")


@pytest.fixture
def here(tmp_path, monkeypatch, s3, notebook):  # noqa: F811
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    notebook("print(word)", parameters="word = 'a'", name="good.ipynb")
    notebook("raise KeyError('gone')", name="broken.ipynb")
    (tmp_path / "jobs.csv").write_text("notebook\ngood.ipynb\nbroken.ipynb\n")
    return tmp_path


@pytest.fixture
def address(request):
    return f"s3://evidence/{re.sub('[^a-z0-9]+', '-', request.node.name.lower())}/pages"


def objects(address):
    """The content of each object by its name; all that lies there, hidden or not."""
    place = Bucket.named(address.removeprefix("s3://"))
    infos = place._files.get_file_info(FileSelector(place._prefix, recursive=True, allow_not_found=True))
    return {info.base_name: place.read(info.base_name).decode() for info in infos if info.is_file}


def batch(capsys, *words):
    capsys.readouterr()
    code = run(["batch", "jobs.csv", "--format", "json", "--progress", "json", *words])
    out, err = capsys.readouterr()
    assert "stabkit-" not in out + err, "a folder of this machine that is gone"
    return code, json.loads(out), err


def test_a_batch_on_object_storage_is_that_of_a_folder(here, address, capsys):
    assert batch(capsys, "--output", "pages")[0] == 2
    code, answer, err = batch(capsys, "--output", address + "/")
    assert code == 2
    assert [one["state"] for one in answer["reports"]] == ["done", "failed"]
    assert answer["index"] == f"{address}/index.html"
    assert answer["reports"][0]["html"] == f"{address}/good.html"
    assert f"The page shows where: {address}/broken.html" in err
    remote = objects(address)
    assert set(remote) == {path.name for path in (here / "pages").iterdir()}
    for path in (here / "pages").iterdir():
        assert TIMES.sub("", remote[path.name]) == TIMES.sub("", path.read_text()), path.name
    assert not (here / "s3:").exists()

    code, answer, _ = batch(capsys, "--output", address)
    assert [one["state"] for one in answer["reports"]] == ["skipped", "failed"]
    (here / "jobs.csv").write_text("notebook\ngood.ipynb\n")
    code, answer, _ = batch(capsys, "--output", address)
    assert (code, answer["skipped"]) == (0, 1)
    assert run(["index", address]) == 0
    assert capsys.readouterr().out.strip() == f"{address}/index.html"
    index = json.loads(objects(address)["index.json"])
    assert {one["file"] for one in index["reports"]} == {"good.json", "broken.json"}


def test_a_report_on_object_storage(here, address, capsys):
    assert run(["report", "--notebook", "good.ipynb", "--output", address]) == 0
    assert capsys.readouterr().out.startswith(f"{address}/good.html")
    assert set(objects(address)) == {
        f"{name}.{suffix}" for name in ("good", "index") for suffix in ("html", "json", "md")
    }


def test_what_is_too_long_for_the_result_lies_there_beside_the_page(here, address, capsys, notebook):
    long = (
        "import pandas as pd\nfrom stabkit.report.display import Group, Statement\n"
        "frame = pd.DataFrame({{'test_id': [f't{{n}}' for n in range({rows})]}})\n"
        "Group((Statement(('Many.',)),), whole={{'tests': frame}} if len(frame) else {{}})"
    )
    notebook(long.format(rows=5), name="long.ipynb")
    (here / "jobs.csv").write_text("notebook\nlong.ipynb\n")
    assert batch(capsys, "--output", address)[0] == 0
    place = Bucket.named(address.removeprefix("s3://"))
    assert {"long.html", "long.json", "long.md", "long.tests.parquet"} <= set(place.names(""))
    assert json.loads(place.read("long.json"))["whole"] == {"tests": "long.tests.parquet"}
    content = place.read("long.tests.parquet")
    assert pd.read_parquet(io.BytesIO(content))["test_id"].tolist() == ["t0", "t1", "t2", "t3", "t4"]
    assert batch(capsys, "--output", address)[1]["skipped"] == 1

    place.remove("long.tests.parquet")  # it is not whole without: it is made again
    assert batch(capsys, "--output", address)[1]["skipped"] == 0
    assert place.read("long.tests.parquet") == content

    notebook(long.format(rows=0), name="long.ipynb")
    assert batch(capsys, "--output", address)[0] == 0
    assert "whole" not in json.loads(place.read("long.json"))
    assert "long.tests.parquet" not in place.names("")


def test_workers_of_a_cluster_write_there_without_a_folder_of_their_own(here, address, capsys, tmp_path):
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    from tests.pipeline.clusters import cluster

    assert batch(capsys, "--output", "pages")[0] == 2
    (tmp_path / "own").mkdir()
    with cluster(tmp_path / "own", workers=1) as one:
        code, answer, _ = batch(capsys, "--output", address, "--cluster", str(one.file))
        assert code == 2
        assert [report["state"] for report in answer["reports"]] == ["done", "failed"]
        remote = objects(address)
        assert set(remote) == {path.name for path in (here / "pages").iterdir()}
        for path in (here / "pages").iterdir():
            assert TIMES.sub("", remote[path.name]) == TIMES.sub("", path.read_text()), path.name
        code, answer, _ = batch(capsys, "--output", address, "--cluster", str(one.file))
        assert [report["state"] for report in answer["reports"]] == ["skipped", "failed"]


def test_what_cannot_be_reached_is_said_before_anything_runs(here, address, capsys, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-is-wrong")
    assert run(["batch", "jobs.csv", "--output", address]) == 2
    out, err = capsys.readouterr()
    assert "credentials" in err
    assert "started" not in err
    assert "hunter2" not in out + err
    assert run(["report", "--notebook", "good.ipynb", "--output", "s3://key:secret@evidence/x"]) == 2
    assert "secret@" not in capsys.readouterr().err
