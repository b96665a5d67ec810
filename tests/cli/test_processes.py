"""Real processes: interrupts, closed pipes, full disks, terminals."""

import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stabkit as library

STABKIT = [sys.executable, "-m", "stabkit"]


def start(folder, *words, **options):
    return subprocess.Popen(
        [*STABKIT, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("signals", "code"), [([signal.SIGINT], 130), ([signal.SIGTERM], 143), ([signal.SIGINT, signal.SIGINT], 130)]
)
def test_an_interrupted_collection_keeps_what_was_measured(folder, service, signals, code):
    (folder / "stabkit.toml").write_text(
        f'[project]\ndata = "runs"\n[collect]\nrounds = 200\n[http.api]\nurl = "{service}/slow"\nrequests = 2\n'
    )
    process = start(folder, "collect", "--label", "v1")
    deadline = time.monotonic() + 30
    while not (folder / "runs" / "commits").is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.5)  # some requests are through
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert out.startswith("stored run v1")
    assert "marked incomplete" in err
    store = library.open(folder / "runs")
    assert not store.run("v1")["complete"]
    assert len(store.read("samples")) > 0


def test_an_interrupt_while_the_commands_are_loaded_is_no_traceback(folder):
    # The signal comes at the very first import of the application, which is deep inside the start.
    code = (
        "import sys, os, signal, importlib.abc\n"
        "class Early(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Early())\n"
        "from stabkit.cli import main\n"
        "main()\n"
    )
    words = [sys.executable, "-c", code, "gate", "a", "b"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_reader_that_leaves_changes_no_exit_code(folder):
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [*STABKIT, "diff", "good.xml", "broken.xml"], cwd=folder, stdout=write, stderr=subprocess.PIPE, timeout=60,
        check=False,
    )  # fmt: skip
    os.close(write)
    assert (process.returncode, process.stderr) == (0, b"")


def test_a_full_disk_behind_stdout_is_an_error(folder):
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [*STABKIT, "read", "good.xml"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr.startswith("error: standard output: The result cannot be written: No space left")
    assert "Exception ignored" not in process.stderr


def test_closed_streams_are_as_good_as_none_that_listens(folder):
    for closed, file, code in ((">&-", "good.xml", 0), ("<&- >&- 2>&-", "missing.xml", 2)):
        words = ["sh", "-c", f'"$@" {closed}', "sh", *STABKIT, "read", file]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (code, "")


def test_a_script_can_end_what_it_started_in_the_background(folder):
    # Such a process ignores Ctrl-C from birth; a termination must reach it all the same.
    words = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *STABKIT, "batch", "-"]
    process = subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(3)  # it waits for its list
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, "interrupted\n")


@pytest.mark.parametrize("change", [{"PYTHONIOENCODING": "ascii"}, {"HOME": None, "LC_ALL": "C"}])
def test_any_surrounding_will_do(folder, change):
    variables = {key: value for key, value in {**os.environ, **change}.items() if value is not None}
    process = subprocess.run(
        [*STABKIT, "read", "good.xml", "--format", "json"], cwd=folder, capture_output=True, timeout=60, env=variables,
        check=False,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, b"")


def on_a_terminal(folder, variables, *words):
    leader, follower = pty.openpty()
    process = subprocess.Popen([*STABKIT, *words], cwd=folder, stdout=follower, stderr=follower, env=variables)
    os.close(follower)
    shown = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not block:
            break
        shown += block
    os.close(leader)
    process.wait(timeout=30)
    return shown.decode("utf-8", "replace")


def test_colour_is_for_terminals_that_want_it(folder):
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    terminal = {**plain, "TERM": "xterm-256color"}
    words = ("diff", "good.xml", "broken.xml")
    assert "\x1b[1;38;5;166m✗" in on_a_terminal(folder, terminal, *words)
    assert "\x1b" not in on_a_terminal(folder, {**terminal, "NO_COLOR": "1"}, *words)
    assert "\x1b" not in on_a_terminal(folder, {**plain, "TERM": "dumb"}, *words)


OPEN = "from pathlib import Path; from stabkit.cli.terminal import Terminal; Terminal().open_page(Path('a page.html'))"


def test_open_gives_the_page_to_the_browser(folder):
    browser = folder / "browser.sh"
    browser.write_text('#!/bin/sh\necho "$1" > opened.txt\n')
    browser.chmod(0o755)
    variables = {**os.environ, "BROWSER": f"'{browser}' %s"}
    done = subprocess.run([sys.executable, "-c", OPEN], cwd=folder, env=variables, capture_output=True, check=True)
    assert done.stderr == b""
    assert (folder / "opened.txt").read_text().strip() == (folder / "a page.html").as_uri()


def test_open_says_that_there_is_no_browser(folder):
    gone = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    variables = {key: value for key, value in os.environ.items() if key not in gone} | {"PATH": str(folder)}
    words = [sys.executable, "-c", OPEN]
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "warning: there is no browser to open the page with",
        "hint: Copy it to a machine that has one: a page.html",
    ]


@pytest.mark.parametrize("kilobytes", [60_000, 300_000, 1_000_000])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_an_address_space_too_small_for_the_libraries_is_said(folder, kilobytes):
    limit = (1_024 * kilobytes,) * 2

    done = subprocess.run(
        [sys.executable, "-m", "stabkit", "read", "good.xml"],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )

    assert done.returncode == 2
    assert "its libraries need" in done.stderr
    assert "bug in stabkit" not in done.stderr
