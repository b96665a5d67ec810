"""Clocks that are set back, between commands and within one: no run is lost, and their order is that of storing."""

import os
import shutil
import subprocess
import sys

import pytest

from stabkit import open as open_store
from stabkit.cli import run

GOOD = '<testsuite name="unit" tests="1"><testcase classname="a" name="x" time="0.1"/></testsuite>'
# Loaded before the C library: every clock that tells the time of day is off by as many seconds as the file says.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long moved(void) {
    const char *path = getenv("CLOCK_MOVED_BY");
    long by = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) { if (fscanf(file, "%ld", &by) != 1) by = 0; fclose(file); }
    return by;
}
int clock_gettime(clockid_t id, struct timespec *found) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, found);
    if (!code && id == CLOCK_REALTIME) found->tv_sec += moved();
    return code;
}
int gettimeofday(struct timeval *restrict found, void *restrict zone) {
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return code;
}
time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}
"""
CONFIG = """
[project]
name = "shop"
data = "data"
[tests.unit]
command = ["sh", "-c", "cp good.xml $0; echo {by} > moved", "{{output}}"]
"""

compiler = shutil.which("cc") or shutil.which("gcc")
pytestmark = pytest.mark.skipif(sys.platform != "linux" or compiler is None, reason="a clock is made of C, for Linux")


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    made = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, folder / "clock.c", "-ldl"], check=True)
    return made


@pytest.fixture
def command(clock, tmp_path, monkeypatch):
    """Run a command on a machine whose clock is off by so many seconds, and return what it said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.xml").write_text(GOOD)

    def called(*words, by):
        (tmp_path / "moved").write_text(str(by))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STABKIT_")}
        moved = {"LD_PRELOAD": str(clock), "CLOCK_MOVED_BY": str(tmp_path / "moved")}
        done = subprocess.run(
            [sys.executable, "-m", "stabkit", *words], env=kept | moved, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return called


def test_set_back_between_commands(command, capsys):
    command("import", "good.xml", "--label", "v1", "--data", "data", by=0)
    said = command("import", "good.xml", "--label", "v2", "--data", "data", by=-90_000)
    assert "the clock of one of their machines is wrong, and v2 counts as the newer run" in said
    assert "Next: stabkit gate v1 v2 --data data" in said
    command("import", "good.xml", "--label", "v3", "--data", "data", by=-3_600)

    store = open_store("data")
    assert store.runs()["label"].tolist() == ["v1", "v2", "v3"]
    assert store.run("latest")["label"] == "v3"
    assert store.check().whole
    capsys.readouterr()
    assert run(["gate", "--data", "data"]) == 3
    assert "v3 against v2" in capsys.readouterr().out


def test_set_back_within_a_command(command, tmp_path):
    (tmp_path / "stabkit.toml").write_text(CONFIG.format(by=-7_200))
    said = command("collect", "--label", "v1", by=0)
    assert "The clock was set back while this run was made: when it ended is not known." in said
    command("collect", "--label", "v2", by=-7_200)

    store = open_store("data")
    runs = store.runs()
    assert runs["label"].tolist() == ["v1", "v2"]
    assert runs["finished_at"].isna().tolist() == [True, False]
    assert len(store.evidence("v1")["tests"]) == 1
    assert store.check().whole


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_the_hour_that_comes_twice_is_told_apart(tmp_path, monkeypatch, zone):
    """Times of the night in which clocks go back, as reports state them with and without their zone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", zone)
    for label, at in (("first", "2025-10-26T02:30:00+02:00"), ("second", "2025-10-26T02:30:00+01:00")):
        (tmp_path / "good.xml").write_text(GOOD.replace('time="0.1"', f'time="0.{len(label)}"'))
        assert run(["import", "good.xml", "--label", label, "--at", at, "--data", "data"]) == 0
    runs = open_store("data").runs()
    assert runs["label"].tolist() == ["first", "second"]
    assert [str(at) for at in runs["started_at"]] == ["2025-10-26 00:30:00+00:00", "2025-10-26 01:30:00+00:00"]
