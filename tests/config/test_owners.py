"""A configuration that belongs to another user, and one that is no file at all."""

import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from stabkit.config import find_config, load_config, nearest_config
from stabkit.errors import ConfigError
from stabkit.paths import other_owner

OTHER = 54_321  # no user of this machine has to exist for a file to be theirs

rooted = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A folder of everybody's with a configuration of another user, and one's own folder below it."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    file = tmp_path / "stabkit.toml"
    file.write_text("[tests.unit]\ncommand = ['touch', 'trace']\n")
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    return file


@rooted
@pytest.mark.parametrize("below", [".", "mine", "mine/deep"])
def test_a_configuration_of_another_user_is_not_taken_by_itself(shared, below):
    os.chown(shared, OTHER, OTHER)

    with pytest.raises(ConfigError, match="another user, number 54321") as caught:
        find_config(shared.parent / below)

    assert caught.value.where == str(shared)
    assert "--config" in str(caught.value.hint)
    assert load_config(shared).tests["unit"].command == ("touch", "trace")  # named, it is trusted


@rooted
def test_a_link_of_another_user_is_no_more_trusted_than_their_file(shared):
    shared.rename(shared.parent / "mine" / "real.toml")
    shared.symlink_to(shared.parent / "mine" / "real.toml")
    assert find_config(shared.parent) == shared
    os.chown(shared, OTHER, OTHER, follow_symlinks=False)

    with pytest.raises(ConfigError, match="another user"):
        find_config(shared.parent)


@rooted
def test_what_whoever_called_sudo_owns_is_theirs(shared, monkeypatch):
    os.chown(shared, OTHER, OTHER)
    monkeypatch.setenv("SUDO_UID", str(OTHER))

    assert find_config(shared.parent) == shared


@rooted
def test_what_belongs_to_root_may_be_taken_by_anybody_else(shared):
    with tempfile.TemporaryDirectory() as name:  # folders of a test are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(shared, folder)
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.setresuid(OTHER, OTHER, OTHER)
            os.write(writing, str(find_config(folder)).encode())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        os.close(writing)
        assert os.read(reading, 4_096).decode() == str(folder / "stabkit.toml")
        os.close(reading)


def test_one_that_a_folder_is_called_like_is_passed_by(shared):
    (shared.parent / "mine" / "stabkit.toml").mkdir()

    assert find_config(shared.parent / "mine" / "deep") == nearest_config(shared.parent) == shared


def test_a_pipe_a_device_and_a_socket_are_told_at_once(tmp_path):
    pipe, device, door = (tmp_path / name for name in ("pipe.toml", "device.toml", "s"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door)) if len(str(door)) < 100 else door.mkdir()
        for file in (pipe, device, door):
            with pytest.raises(ConfigError, match="cannot be read"):
                load_config(file)


def test_a_loop_of_links_and_one_to_nowhere_are_told(tmp_path):
    loop, nowhere = tmp_path / "stabkit.toml", tmp_path / "below" / "stabkit.toml"
    loop.symlink_to(loop)
    nowhere.parent.mkdir()
    nowhere.symlink_to(tmp_path / "gone.toml")

    for file in (find_config(tmp_path), find_config(nowhere.parent)):
        with pytest.raises(ConfigError):
            load_config(file)


def test_what_a_shell_puts_in_place_of_a_file_is_read():
    """``--config <(command)`` is a pipe with a name, which ends."""
    reading, writing = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(writing, b"[project]\nname = 'piped'\n"), os.close(writing)))
    thread.start()
    try:
        assert load_config(f"/dev/fd/{reading}").project.name == "piped"
    finally:
        thread.join()
        os.close(reading)


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 50_000 + "]" * 50_000, "a = " + "{b=" * 50_000 + "1" + "}" * 50_000, "[" + "a." * 50_000 + "b]"],
)
def test_depth_beyond_measure_is_told(tmp_path, text):
    file = tmp_path / "stabkit.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_config(file)

    assert len(str(caught.value)) < 1_000


def test_a_file_without_end_is_not_read_whole(tmp_path):
    file = tmp_path / "stabkit.toml"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 34)

    with pytest.raises(ConfigError, match="larger than"):
        load_config(file)


@rooted
def test_nothing_is_said_of_what_is_not_there(tmp_path):
    assert other_owner(tmp_path / "none") is None
    os.chown(tmp_path, OTHER, OTHER)
    assert other_owner(tmp_path) == "number 54321"
