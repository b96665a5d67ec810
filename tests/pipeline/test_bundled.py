"""What comes with stabkit, copied to where its user works: whole, and never over anything."""

import filecmp
import json
import stat

import papermill
import pytest

from stabkit.errors import NotebookError, StoreError, UsageError
from stabkit.pipeline import (
    BUNDLED,
    bundled,
    bundled_folder,
    copy_notebooks,
    copy_sample,
    sample_folder,
    write_own_notebook,
)
from stabkit.store import open_store


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_sample_is_copied_whole_and_is_a_store(tmp_path):
    copy_sample(tmp_path / "data" / "sample")
    assert files(tmp_path / "data" / "sample") == files(sample_folder())
    same, different, lost = filecmp.cmpfiles(
        sample_folder(), tmp_path / "data" / "sample", files(sample_folder()), shallow=False
    )
    assert (len(same), different, lost) == (len(files(sample_folder())), [], [])
    assert str(open_store(tmp_path / "data" / "sample").run("latest")["label"]) == "v1.5"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sample"]


def test_the_notebooks_are_copied_and_nothing_that_was_left_beside_them(tmp_path, monkeypatch):
    copy_notebooks(tmp_path / "notebooks")
    assert files(tmp_path / "notebooks") == sorted(f"{name}.ipynb" for name in BUNDLED)
    assert all(filecmp.cmp(path, bundled_folder() / path.name) for path in (tmp_path / "notebooks").iterdir())


@pytest.mark.parametrize("copy", [copy_sample, copy_notebooks])
def test_an_empty_folder_is_filled_the_working_folder_too(tmp_path, monkeypatch, copy):
    monkeypatch.chdir(tmp_path)
    copy(bundled.Path())
    assert files(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".stabkit-")]


def a_folder(place):
    place.mkdir()
    (place / "mine.txt").write_text("mine")


def hidden(place):
    place.mkdir()
    (place / ".keep").write_text("mine")


def a_file(place):
    place.write_text("mine")


def a_link_to_nowhere(place):
    place.symlink_to("nowhere")


@pytest.mark.parametrize("copy", [copy_sample, copy_notebooks])
@pytest.mark.parametrize("put", [a_folder, hidden, a_file, a_link_to_nowhere])
def test_nothing_is_ever_overwritten(tmp_path, copy, put):
    put(tmp_path / "there")
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(UsageError, match="there"):
        copy(tmp_path / "there")
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_what_lies_below_a_file_or_in_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        copy_sample(tmp_path / "file" / "sample")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundled.shutil, "copyfile", full)
    with pytest.raises(UsageError, match="No space left"):
        copy_sample(tmp_path / "sample")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_copies_of_what_may_only_be_read_can_be_changed(tmp_path, monkeypatch):
    (tmp_path / "stabkit" / "_sample" / "commits").mkdir(parents=True)
    (tmp_path / "stabkit" / "_sample" / "commits" / "a.json").write_text("{}")
    (tmp_path / "stabkit" / "_sample" / "commits" / "a.json").chmod(0o444)
    monkeypatch.setattr(bundled, "_package", lambda: tmp_path / "stabkit")
    copy_sample(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out" / "commits" / "a.json").stat().st_mode) & stat.S_IWUSR


def test_an_installation_without_them_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "_package", lambda: tmp_path / "stabkit")
    with pytest.raises(StoreError, match="not installed"):
        copy_sample(tmp_path / "out")
    with pytest.raises(NotebookError, match="not installed"):
        copy_notebooks(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_of_ones_own_has_its_name_and_parameters_and_takes_nobodys_place(tmp_path):
    file = tmp_path / "analysis" / "slow-checkout.ipynb"
    write_own_notebook(file, {"data": "", "target": 'the "shop"'})
    cells = json.loads(file.read_text())["cells"]
    assert cells[0]["source"] == "# Slow checkout"
    values = {}
    exec(cells[1]["source"], values)
    assert (values["data"], values["baseline"], values["target"]) == ("", "v1.4", 'the "shop"')
    before = file.read_bytes()
    with pytest.raises(UsageError, match="there already"):
        write_own_notebook(file, {})
    assert file.read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_own_notebook(tmp_path / "file" / "mine.ipynb", {})


def test_a_notebook_of_ones_own_runs_whole_by_papermill(tmp_path):
    """Its verdict, frame, comparison and figure, on the recorded history."""
    write_own_notebook(tmp_path / "mine.ipynb", {"data": str(sample_folder())})
    done = papermill.execute_notebook(str(tmp_path / "mine.ipynb"), str(tmp_path / "out.ipynb"), progress_bar=False)
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = [set(output.get("data", {})) for output in outputs]
    assert all("text/html" in kind for kind in kinds[:-1])
    assert "image/png" in kinds[-1]
    assert not [output for output in outputs if output.output_type == "error"]
