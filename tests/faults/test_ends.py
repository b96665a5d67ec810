"""Commands ended at each of their steps on disk, and disks that take no more: nothing acknowledged is lost.

A child process runs the command and is killed before its first change on disk, then before its second, and so on to the
end. Whatever is left must read as it did before or as it would afterwards, and the command must work the next time.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import resource
import signal
import sqlite3
import sys
import time

import pytest

from stabkit import open as open_store
from stabkit.change import steps
from stabkit.change.steps import Step
from stabkit.cli import main, run
from stabkit.errors import StabkitError
from stabkit.pipeline import open_output, write_survey
from stabkit.pipeline.made_of import recorded
from stabkit.pipeline.reports import Job, report_failure
from stabkit.report.attestation.pages import read_attested
from stabkit.report.display import Statement
from stabkit.report.page import UNFINISHED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are forked, and limits are those of Linux")

GOOD = '<testsuite name="unit" tests="1"><testcase classname="a" name="x" time="0.1"/></testsuite>'
CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
LONGEST_S = 120


def in_child(work, before=lambda: None):
    """Run something in a child and return how that ended: its exit code, or the negative number of a signal."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            before()
            code = int(work() or 0)
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os._exit(code)
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("it hangs")


def ending(step, how, root):
    """Return what lets this process end before its so many-th change below a folder."""
    seen = itertools.count(1)

    def look(event, arguments):
        changes = event in CHANGES or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if changes and os.fsdecode(str(arguments[0])).startswith(str(root)) and next(seen) == step:
            how()

    return lambda: sys.addaudithook(look)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def terminated():
    os.kill(os.getpid(), signal.SIGTERM)


def full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def at_each_step(work, root, check, how=killed):
    """End some work at each of its steps, and ask after each whether all is well.

    What cannot be written may be something that the work can do without: it goes on then.
    """
    for step in range(1, 13 if how is full else 60):
        code = in_child(work, ending(step, how, root))
        check(code)
        if code == 0 and how is not full:
            assert step > 1, "it changes nothing on disk"
            return
        assert code != 99, "it ended in an error that nobody foresaw"
    assert how is full, "it has no end"


def labels(store):
    return [label for label in open_store(store).runs()["label"].tolist() if label]


def contents(store):
    opened = open_store(store)
    return {
        label: opened.evidence(run)["tests"][["test_id", "status"]].to_dict("list")
        for run, label in opened.runs()[["run_id", "label"]].itertuples(index=False)
    }


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A store with two acknowledged runs, and evidence for a third."""
    monkeypatch.chdir(tmp_path)
    for name in ("STABKIT_CONFIG", "STABKIT_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "good.xml").write_text(GOOD)
    for label in ("v1", "v2"):
        assert run(["import", "good.xml", "--label", label, "--data", "data"]) == 0
    return tmp_path / "data"


@pytest.mark.parametrize("how", [killed, terminated, full])
def test_an_import_ended_anywhere_is_there_whole_or_not_at_all(stored, how):
    before = contents(stored)
    words = ["import", "good.xml", "--label", "v3", "--data", "data"]

    def check(code):
        now = contents(stored)
        assert {label: now[label] for label in before} == before
        assert set(now) - set(before) <= {"v3"}
        assert now.get("v3", before["v1"]) == before["v1"]
        assert code != 0 or "v3" in now  # acknowledged: it is there
        assert run(["store", "check", "--data", "data"]) == 0

    def work():
        sys.argv = ["stabkit", *words]
        main()  # which answers a termination

    at_each_step(work, stored, check, how)
    assert run(["import", "good.xml", "--label", "v4", "--data", "data"]) == 0


@pytest.mark.parametrize("words", [["compact"], ["prune", "--keep-days", "1"]])
def test_caring_for_a_store_ended_anywhere_changes_nothing_that_is_read(stored, words):
    before = contents(stored)

    def check(_code):
        assert contents(stored) == before
        assert run(["store", "check", "--data", "data"]) == 0

    # What is pruned are samples: of these runs nothing is left out.
    with contextlib.suppress(AssertionError) if words[0] == "prune" else contextlib.nullcontext():
        at_each_step(lambda: run(["store", *words, "--data", "data"]), stored, check)
    check(0)


@pytest.mark.parametrize("how", [killed, full])
def test_a_report_ended_in_its_writes_is_whole_or_none(tmp_path, how):
    job, pages = Job("stability_report", name="one"), tmp_path / "pages"

    def check(code):
        found = recorded(job, pages)
        assert code != 0 or found is not None
        if found is not None:
            page = read_attested(pages / "one.html")
            assert page.content.rstrip().endswith(b"</html>")
            for whole in (page, read_attested(pages / "one.json")):
                assert whole.statement is not None  # the last line of a page, the last key of its result
                (subject,) = whole.statement["subject"]
                assert subject["digest"]["sha256"] == hashlib.sha256(whole.content).hexdigest()
            assert (pages / "one.md").read_text()
            assert found["exit_code"] == 2
        for left in pages.glob("one.*") if pages.exists() else ():
            assert left.suffix in (".html", ".json", ".md"), left
            assert left.stat().st_size, left
        assert not pages.exists() or run(["index", str(pages)]) in (0, 2)

    def work():
        try:
            report_failure(job, pages, ValueError("no such thing"))
        except StabkitError:
            return 2
        return 0

    at_each_step(work, pages, check, how)


@pytest.mark.parametrize("how", [killed, full])
def test_an_index_ended_in_its_writes_is_the_old_or_the_new_one(tmp_path, how):
    pages = tmp_path / "pages"
    report_failure(Job("stability_report", name="one"), pages, ValueError("no such thing"))
    assert run(["index", str(pages)]) in (0, 2)
    report_failure(Job("stability_report", name="two"), pages, ValueError("no such thing"))

    def check(_code):
        listed = [one["file"] for one in json.loads((pages / "index.json").read_text())["reports"]]
        assert sorted(listed) in (["one.json"], ["one.json", "two.json"])
        assert (pages / "index.html").read_text().rstrip().endswith("</html>")

    at_each_step(lambda: run(["index", str(pages)]), pages, check, how)


@pytest.mark.parametrize("how", [killed, full])
def test_a_page_of_what_moved_ended_in_its_writes_is_the_old_or_the_new_one(tmp_path, how):
    pages = tmp_path / "pages"
    shown = {"": Statement(("Nothing moved in 1 history.",))}
    with open_output(pages) as place:
        write_survey(shown, place)
    new = {"": Statement(("Nothing moved in 2 histories.",))}

    def check(code):
        said = [(pages / f"trend.{suffix}").read_text() for suffix in ("html", "md", "json")]
        assert said[0].rstrip().endswith("</html>")
        assert json.loads(said[2])["notebook"] == "trend"
        for text in said:
            assert ("1 history" in text) != ("2 histories" in text)
        assert code != 0 or all("2 histories" in text for text in said)
        for left in pages.glob(f"{UNFINISHED}*") if how is full else ():
            raise AssertionError(f"{left} was left behind")

    def work():
        with open_output(pages) as place:
            try:
                write_survey(new, place)
            except (StabkitError, OSError):
                return 2
        return 0

    at_each_step(work, pages, check, how)


def test_a_cache_of_steps_killed_in_its_write_is_read_without_half_of_it(tmp_path):
    cache = tmp_path / "history.sqlite3"
    first = [Step(f"{number:040x}", "a", False, (("app.py", number, 0),)) for number in range(50)]
    more = [Step(f"{number:040x}", "b", True, (("x" * 500, number, 0),)) for number in range(50, 5_000)]
    steps._keep(cache, first)

    def dying():
        connection = sqlite3.connect(cache)
        connection.execute("PRAGMA cache_size = 1")  # pages go to the disk before all is written
        rows = [(step.commit, json.dumps([step.author, step.fix, step.files])) for step in more]
        connection.executemany("INSERT INTO steps_2 VALUES (?, ?)", rows)
        killed()

    before = cache.stat().st_size
    assert in_child(dying) == -signal.SIGKILL
    assert cache.stat().st_size > before, "nothing was half written"
    asked = [step.commit for step in (*first, *more)]
    assert list(steps._kept(cache, asked).values()) == first
    steps._keep(cache, more)
    assert len(steps._kept(cache, asked)) == 5_000


@pytest.mark.parametrize("words", [["init"], ["sample", "copied"], ["notebooks", "thin"]])
def test_what_is_copied_is_there_whole_or_not_at_all(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / (words[1] if len(words) > 1 else "stabkit.toml")
    for step in (1, 2, 5):
        code = in_child(lambda: run(words), ending(step, killed, tmp_path))
        if code == 0:
            break
        if place.is_dir():
            assert not any(place.iterdir())
    if not place.exists():
        assert run(words) == 0


def test_files_that_may_not_grow_are_an_error_and_no_half_run(stored):
    before = contents(stored)
    (stored.parent / "many.xml").write_text(
        "<testsuite>" + "".join(f'<testcase classname="c{n}" name="t{n}"/>' for n in range(20_000)) + "</testsuite>"
    )

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    code = in_child(lambda: run(["import", "many.xml", "--label", "v3", "--data", "data"]), limited)

    assert code == 2
    assert contents(stored) == before
    assert run(["store", "check", "--data", "data"]) == 0
    code = in_child(lambda: run(["report", "--notebook", "no_such_thing", "--output", "pages"]), limited)
    assert code == 2


def test_a_clock_set_back_loses_no_run_and_keeps_the_order_of_storing(stored, tmp_path):
    os.utime(tmp_path / "good.xml", (0, 0))
    (tmp_path / "old.xml").write_text(GOOD.replace('tests="1"', 'tests="1" timestamp="1990-01-01T00:00:00Z"'))

    assert run(["import", "old.xml", "--label", "v0", "--data", "data"]) == 0

    assert sorted(labels(stored)) == ["v0", "v1", "v2"]
    assert run(["store", "check", "--data", "data"]) == 0


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "tr_TR.UTF-8"}, {"TZ": "America/St_Johns"}])
def test_locale_and_zone_change_no_result(stored, environment, monkeypatch, capsys):
    words = ["gate", "v1", "v2", "--data", "data", "--format", "json"]
    capsys.readouterr()
    code = run(words)
    here = json.loads(capsys.readouterr().out)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    try:
        assert run(words) == code
        assert json.loads(capsys.readouterr().out) == here
    finally:
        monkeypatch.undo()
        time.tzset()
