"""Where kernels come from, what they must not take from there, and what happens when it fails."""

import contextlib
import itertools
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from stabkit.errors import UsageError
from stabkit.pipeline.execute import execute_notebook
from stabkit.pipeline.kernels import kernel_environment, likeness, starting, warm
from stabkit.pipeline.kernels.zygote import LENGTH
from stabkit.pipeline.watch import Watch

from .conftest import forking, forking_in, until

PARENT = "import os, sys\nopen(f'/proc/{os.getppid()}/cmdline').read().replace('\\0', ' ')"
FORKED = "stabkit.pipeline.kernels.zygote"


def test_kernels_are_forked_from_one_process_and_leave_it_alone(answers, shared):
    first, second = answers(PARENT, "os.getpid(), os.getppid()"), answers(PARENT, "os.getpid(), os.getppid()")

    assert FORKED in first[0]
    assert FORKED in second[0]
    assert first[1] != second[1]
    assert first[1].split(",")[1] == second[1].split(",")[1]
    zygote = psutil.Process(int(first[1].split(",")[1][:-1]))
    assert until(lambda: not zygote.children())
    assert zygote.num_threads() == 1
    assert zygote.terminal() is None
    assert zygote.cwd() == str(shared)


def test_off_starts_them_plainly(answers, own, monkeypatch):
    monkeypatch.setenv(starting.SETTING, "off")

    assert FORKED not in answers(PARENT)[0]
    assert not own.exists()


@pytest.mark.parametrize("value", ["on", "nan", "-1", "inf", "1e9"])
def test_a_setting_that_says_nothing_is_named(value, monkeypatch):
    monkeypatch.setenv(starting.SETTING, value)

    with pytest.raises(UsageError, match="STABKIT_WARM_KERNELS"):
        starting.is_wanted()


@pytest.mark.parametrize("runtime", ["/run/user/987654", "/proc", ""])
def test_without_a_runtime_folder_the_temporary_one_is_taken(runtime, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:  # a socket's path is short
        monkeypatch.setattr("tempfile.tempdir", temporary)
        assert starting._place([sys.executable], {}).parent == Path(temporary, f"stabkit-{os.getuid()}")


def test_nobody_else_can_enter_where_it_listens(answers, own):
    answers("1")

    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert {path.suffix for path in own.iterdir()} == {".sock", ".log", ".lock"}


def test_a_folder_open_to_others_is_not_used_and_that_is_said_once(answers, own, caplog):
    own.mkdir(mode=0o700)
    own.chmod(0o770)

    assert FORKED not in answers(PARENT)[0]
    assert FORKED not in answers(PARENT)[0]
    assert [record.message for record in caplog.records if "open to others" in record.message] == [
        f"Kernels are started one by one, which takes longer: {own} is open to others."
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_answered(answers, own):
    answers("1")
    (place,) = own.glob("*.sock")
    for folder in (own, own.parent):
        folder.chmod(0o711)
    place.chmod(0o777)
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.settimeout(5); print(s.recv(1))"
    )

    asked = subprocess.run(
        [sys.executable, "-c", script, str(place)], capture_output=True, text=True, timeout=30, check=False
    )
    own.chmod(0o700)

    assert asked.stdout.strip() == "b''", asked.stderr
    assert FORKED in answers(PARENT)[0]


def test_random_numbers_are_each_kernels_own(answers, shared):
    source = "import random, numpy as np, uuid\nrandom.random(), np.random.random(), uuid.uuid4()"

    first, second = answers(source)[0], answers(source)[0]

    assert all(one != other for one, other in zip(first.split(","), second.split(","), strict=True))


@pytest.mark.parametrize("backend", ["agg", "svg", "module://matplotlib_inline.backend_inline", "template"])
def test_an_own_backend_is_the_kernels(shared, backend):
    process, answer = _asked_directly(shared, "matplotlib.rcParams._get('backend')", MPLBACKEND=backend)

    assert (process, answer) == (0, backend)


def _asked_directly(shared, expression, **environment):
    """Fork, as a kernel, a process that only writes the value of an expression."""
    place = shared.parent / "said"
    source = f"import matplotlib; open({str(place)!r}, 'w').write(str({expression})); import os; os._exit(0)"
    command = [
        sys.executable,
        "-m",
        "ipykernel_launcher",
        f"--IPKernelApp.code_to_run={source}; import os; os._exit(0)",
    ]
    with Path(os.devnull).open("r+b") as nothing:
        process = warm.start(
            command,
            folder=shared.parent,
            environment=kernel_environment() | environment,
            streams=[nothing.fileno()] * 3,
        )
        code = process.wait(30)
    return code, place.read_text() if place.exists() else None


def test_settings_of_matplotlib_in_the_working_folder_are_read(answers, shared, tmp_path):
    source = "import matplotlib\nmatplotlib.rcParams['lines.linewidth']"
    assert answers(source, folder=tmp_path)[0] != "7.5"

    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 7.5\n")

    assert answers(source, folder=tmp_path)[0] == "7.5"


def test_settings_of_matplotlib_that_change_are_read_anew(answers, own, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "settings"))
    source = "import matplotlib\nmatplotlib.rcParams['lines.linewidth']"
    assert answers(source)[0] == "1.5"

    (tmp_path / "settings").mkdir(exist_ok=True)
    (tmp_path / "settings" / "matplotlibrc").write_text("lines.linewidth: 6.5\n")

    assert answers(source, PARENT)[0] == "6.5"


def test_a_module_of_the_working_folder_that_hides_an_installed_one_is_imported(answers, shared, tmp_path):
    (tmp_path / "duckdb.py").write_text("hidden = True\n")

    assert answers("import duckdb\nduckdb.hidden", folder=tmp_path)[0] == "True"
    (tmp_path / "duckdb.py").unlink()
    (tmp_path / "duckdb").mkdir()
    (tmp_path / "duckdb" / "__init__.py").write_text("hidden = 2\n")
    assert answers("import duckdb\nduckdb.hidden", folder=tmp_path)[0] == "2"


def _put_first(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))


def test_a_path_that_depends_on_the_working_folder_is_the_kernels(answers, shared, tmp_path, monkeypatch):
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "found_here.py").write_text("where = 'beside'\n")
    _put_first("beside", monkeypatch)

    assert answers("import found_here\nfound_here.where", folder=tmp_path)[0] == "'beside'"


def test_edited_code_is_run_as_it_is_now(answers, own, tmp_path, monkeypatch):
    copy = tmp_path / "copied" / "stabkit"
    shutil.copytree(Path(warm.__file__).parents[2], copy, ignore=shutil.ignore_patterns("_*.pyc"))
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))
    source = "import stabkit.numbers\nstabkit.numbers.__file__, getattr(stabkit.numbers, 'edited', None)"
    assert eval(answers(source)[0]) == (str(copy / "numbers.py"), None)
    before = {process.pid for process in forking()}

    with (copy / "numbers.py").open("a") as file:
        file.write("edited = 1\n")

    edited, parent = answers(source, PARENT)
    assert eval(edited) == (str(copy / "numbers.py"), 1)
    assert FORKED in parent
    assert {process.pid for process in forking()} - before


def test_an_installation_that_changes_is_another_likeness(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    one = likeness.likeness([sys.executable], {})
    (tmp_path / "notes.txt").write_text("no module")
    assert likeness.likeness([sys.executable], {}) == one

    (tmp_path / "new-1.0.dist-info").mkdir()

    assert likeness.likeness([sys.executable], {}) != one


@pytest.mark.parametrize(
    "name", ["LC_ALL", "PYTHONHASHSEED", "OMP_NUM_THREADS", "TZ", "MPLCONFIGDIR", "TMPDIR", "HOME"]
)
def test_what_is_read_at_import_tells_processes_apart(name):
    assert likeness.likeness(["python"], {}) != likeness.likeness(["python"], {name: "1"})


def test_what_is_not_read_at_import_reaches_the_same_one(answers, shared, monkeypatch):
    source = "import os\nos.environ.get('TOKEN_OF_MINE'), os.getppid()"
    monkeypatch.setenv("TOKEN_OF_MINE", "one")
    one = answers(source)[0]
    monkeypatch.setenv("TOKEN_OF_MINE", "two")
    two = answers(source)[0]

    assert (one.split(",")[0], two.split(",")[0]) == ("('one'", "('two'")
    assert one.split(",")[1] == two.split(",")[1]
    zygotes = {zygote.pid: zygote for zygote in forking_in(shared)}
    assert int(one.split(",")[1].strip(" )")) in zygotes
    assert all("TOKEN_OF_MINE" not in zygote.environ() for zygote in zygotes.values())


SEARCH = """
import re
word, found = ''.join(['can', 'ary']).encode(), 0
for line in open('/proc/self/maps'):
    begin, end = (int(part, 16) for part in line.split()[0].split('-'))
    if ' r' in line and end - begin < 1 << 30 and not re.search('vvar|vsyscall', line):
        with open('/proc/self/mem', 'rb', 0) as memory:
            try:
                memory.seek(begin)
                found += memory.read(end - begin).count(word + b'-of-the-first')
            except OSError:
                pass
found
"""


def test_nothing_of_one_environment_is_left_for_the_next_kernel(answers, shared, monkeypatch):
    """What the process that forks them had read lay in the memory of each kernel after it."""
    monkeypatch.setenv("OF_THE_FIRST", "canary-of-the-first " * 2000)
    first = answers("import os\nos.environ['OF_THE_FIRST'][:6]", "import os\nos.getppid()", SEARCH)
    monkeypatch.delenv("OF_THE_FIRST")
    second = answers("import os\nos.environ.get('OF_THE_FIRST', 'gone')", "import os\nos.getppid()", SEARCH)

    assert first[1] == second[1]  # the same process has forked both
    assert (first[0], int(first[2]) > 0) == ("'canary'", True)
    assert (second[0], second[2]) == ("'gone'", "0")


def test_limits_are_the_callers(answers, own):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    source = "import resource\nresource.getrlimit(resource.RLIMIT_NOFILE)[0]"
    assert answers(source)[0] == str(soft)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    try:
        assert answers(source)[0] == str(soft - 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_kernel_killed_is_told_as_any_other(notebook, shared):
    found = execute_notebook(notebook("1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))

    assert "was killed by SIGKILL in this cell" in str(found.notebook.cells[-1].outputs)


def test_its_exit_code_is_told(notebook, shared):
    found = execute_notebook(notebook("import os\nos._exit(3)"))

    assert "ended itself with exit code 3" in str(found.notebook.cells[-1].outputs)


def test_zygote_killed_in_mid_notebook_runs_it_again_plainly_and_says_so(notebook, own, tmp_path, caplog):
    marks = tmp_path / "marks"
    path = notebook(
        f"import os, time\nwith open({str(marks)!r}, 'a') as file:\n    print(os.getpid(), file=file)",
        "time.sleep(1.0)\n'whole'",
    )
    watch = Watch()
    done = []
    runner = threading.Thread(target=lambda: done.append(execute_notebook(path, watch=watch)))
    runner.start()
    assert until(marks.exists)
    assert until(lambda: marks.read_text().strip())
    zygote = forking(int(marks.read_text()))
    zygote.kill()
    runner.join(60)

    first, second = map(int, marks.read_text().split())
    assert done[0].notebook.cells[-1].outputs[0]["data"]["text/plain"] == "'whole'"
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
    assert first != second
    assert len([record for record in caplog.records if "is run again, plainly" in record.message]) == 1


def test_zygote_that_hangs_is_not_waited_for(answers, own, monkeypatch, caplog):
    answers("1")
    (zygote,) = forking_in(own)
    monkeypatch.setattr(warm, "_ANSWER_S", 0.3)
    zygote.suspend()

    assert FORKED not in answers(PARENT)[0]
    assert FORKED not in answers(PARENT)[0]
    assert len([record for record in caplog.records if "cannot be reached" in record.message]) == 1


def test_zygote_that_does_not_start_is_told_with_its_last_words(answers, own, tmp_path, monkeypatch, caplog):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "duckdb.py").write_text("raise ImportError('no such thing here')\n")
    monkeypatch.setenv(
        "PYTHONPATH", f"{tmp_path / 'broken'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    )

    assert FORKED not in answers(PARENT)[0]
    assert [record.message for record in caplog.records if "does not start" in record.message] == [
        "Kernels are started one by one, which takes longer: the process that forks them does not start: "
        "ImportError: no such thing here."
    ]


def test_a_thread_in_it_is_no_clean_fork(answers, own, tmp_path, monkeypatch):
    (tmp_path / "threaded").mkdir()
    (tmp_path / "threaded" / "sitecustomize.py").write_text(
        "import sys, threading, time\n"
        "if 'stabkit.pipeline.kernels.zygote' in ' '.join(sys.orig_argv):\n"
        "    import os\n"
        "    def sleep():\n        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
        "    os.register_at_fork(after_in_child=sleep)\n"
    )
    monkeypatch.setenv(
        "PYTHONPATH", f"{tmp_path / 'threaded'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    )

    assert FORKED not in answers(PARENT)[0]


def test_requester_killed_leaves_no_kernel(notebook, shared, tmp_path):
    pids = tmp_path / "pids"
    path = notebook(f"import os, time, subprocess\nchild = subprocess.Popen(['sleep', '300'])\n"
                    f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(300)")  # fmt: skip
    script = (
        "import sys; from pathlib import Path; from stabkit.pipeline.execute import execute_notebook;"
        "execute_notebook(Path(sys.argv[1]))"
    )
    asker = subprocess.Popen([sys.executable, "-c", script, str(path)])
    try:
        assert until(lambda: pids.exists() and len(pids.read_text().split()) == 2, 60)
        kernel, child = map(int, pids.read_text().split())
        assert forking(kernel)
    finally:  # one left behind would fail whatever test runs when it is collected
        asker.kill()
        asker.wait()

    assert until(lambda: not psutil.pid_exists(kernel) and not psutil.pid_exists(child), 5)


def test_it_leaves_when_nobody_asks_and_takes_its_files(answers, own, monkeypatch):
    monkeypatch.setenv(starting.SETTING, "0.2")
    answers("1")
    (zygote,) = forking_in(own)
    assert zygote.is_running()

    for name in [name for name in starting._kept if any(name in path.name for path in own.iterdir())]:
        starting._kept.pop(name).close()

    assert until(lambda: not zygote.is_running() or zygote.status() == psutil.STATUS_ZOMBIE, 10)
    assert list(own.iterdir()) == []


def test_two_that_ask_at_once_start_one(notebook, shared):
    path = notebook("import os\nos.getppid()")
    found = []
    threads = [threading.Thread(target=lambda: found.append(execute_notebook(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    parents = {done.notebook.cells[-1].outputs[0]["data"]["text/plain"] for done in found}
    assert len(found) == 4
    assert len(parents) == 1


def test_nonsense_on_the_socket_is_closed_and_others_are_served(answers, shared):
    answers("1")
    places = list(shared.glob("*.sock"))
    assert places
    deep = b'{"folder": ' + b"[" * 100_000
    nonsenses = (
        b"\xff\xff\xff\xff",
        b"\0\0\0\2{}",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\4null",
        LENGTH.pack(len(deep)) + deep,
    )
    for place, nonsense, descriptors in itertools.product(places, nonsenses, (0, 4)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(place))
            with contextlib.suppress(BrokenPipeError):
                socket.send_fds(connection, [nonsense[:4]], [connection.fileno()] * descriptors)
                connection.sendall(nonsense[4:])
            with contextlib.suppress(ConnectionResetError):  # of what it did not even read
                assert connection.recv(1) == b""

    assert FORKED in answers(PARENT)[0]


def test_many_in_a_row_leave_nothing(answers, shared):
    (pid,) = answers("import os\nos.getppid()")
    (zygote,) = (one for one in forking_in(shared) if one.pid == int(pid))
    assert until(lambda: not zygote.children())
    before = zygote.num_fds(), zygote.memory_info().rss

    for _ in range(12):
        answers("1")

    assert until(lambda: not zygote.children())
    assert until(lambda: zygote.num_fds() <= before[0])
    assert zygote.memory_info().rss < before[1] + 5_000_000
    assert {path.suffix for path in shared.iterdir()} == {".sock", ".log", ".lock"}


def test_what_bundled_notebooks_import_is_there_already(shared, answers):
    sample = Path(__file__).parents[3] / "tests" / "data" / "demo_history"
    (names,) = answers(
        "import sys\nbefore = set(sys.modules)\nimport stabkit\n"
        f"stabkit.stability_report(data={str(sample)!r}).verdict()._repr_html_()\n"
        "sorted(name for name in set(sys.modules) - before if name.partition('.')[0] in "
        "('stabkit', 'pandas', 'numpy', 'scipy', 'matplotlib', 'duckdb', 'pyarrow', 'pydantic', 'jinja2'))"
    )

    assert len(eval(names)) < 12, names


def test_jupyter_takes_it_where_it_is_asked_to(shared):
    script = (
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel()\n"
        "client.execute_interactive('import os; print(open(f\"/proc/{os.getppid()}/cmdline\").read())')\n"
        "manager.interrupt_kernel(); manager.restart_kernel(now=True); client.wait_for_ready(timeout=30)\n"
        "client.execute_interactive('print(6 * 7)')\n"
        "manager.shutdown_kernel(); print(manager.is_alive())\n"
    )
    environment = os.environ | {"JUPYTER_DEFAULT_PROVISIONER_NAME": "stabkit-warm"}

    said = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert FORKED in said.stdout, said.stderr
    assert said.stdout.endswith("\n42\nFalse\n")
