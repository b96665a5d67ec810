"""Usage: help, misspelt words, versions, quiet and debug."""

import os
import re
import subprocess
import sys

import pytest

from stabkit.cli.application import app

COMMANDS = [command.name for command in app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_the_description_with_exit_codes_and_two_examples(stabkit, command):
    code, out, err = stabkit(command, "--help")
    assert (code, err) == (0, "")
    assert "Exit codes: 0" in out
    assert "\\b" not in out
    examples = re.findall(rf"^ {{4}}stabkit {command}\b.*$", out, re.MULTILINE)
    assert len(examples) >= 2, out


def test_the_bare_command_and_its_help_name_all_commands(stabkit):
    for words in ((), ("-h",), ("--help",)):
        code, out, _ = stabkit(*words)
        assert code == 0
        assert all(re.search(rf"^ {{2}}{command} ", out, re.MULTILINE) for command in COMMANDS)
        assert "Exit codes: 0 stable or done, 1 regressed, 2 error, 3 inconclusive" in " ".join(out.split())


def test_help_names_arguments_as_people_do(stabkit):
    for words in (("gate",), ("import",), ("diff",), ("init",), ("store", "export")):
        _, out, _ = stabkit(*words, "--help")
        assert not re.search(r"[{}]|list\[|<str>|<path>", out), out


def test_the_store_alone_lists_its_commands(stabkit):
    code, out, err = stabkit("store")
    assert (code, err) == (0, "")
    assert "compact" in out


def test_global_options_may_stand_anywhere(stabkit):
    words = ("import", "tests", "good.xml", "--label", "v1", "--data", "runs")
    assert "Next: " in stabkit(*words)[2]
    for quiet in ((*words, "--quiet"), ("-q", *words), (*words[:2], "-q", *words[2:])):
        assert stabkit(*quiet)[2] == ""


def test_a_failing_file_system_is_no_bug_of_ours(stabkit):
    code, _, err = stabkit("index", "x" * 300)
    assert code == 2
    assert err.startswith(f"error: {'x' * 300}: File name too long.\nhint: Check that path")


def test_version_is_that_of_the_package(stabkit):
    from importlib.metadata import version

    assert stabkit("--version") == (0, f"stabkit {version('stabkit')}\n", "")


@pytest.mark.parametrize(
    ("words", "said", "hinted"),
    [
        (["gaet"], "No such command 'gaet'", "gate"),
        (["gate"], "neither a stabkit.toml nor --data says where runs are stored", "stabkit init"),
        (["explain"], "Missing argument 'BASELINE'", "stabkit explain --help"),
        (["runs", "extra"], "There is a word too many: extra", "stabkit runs --help"),
        (["gate", "v1", ""], "'CANDIDATE': it is empty; is a variable of your shell not set?", "stabkit gate --help"),
        (["import", "tests", "good.xml", "--data", ""], "(env var: 'STABKIT_DATA'): it is empty", "--help"),
        (["runs", "--data", "http://a:b@x/y"], "http://x/y: A store is a folder, or s3://BUCKET", "one of"),
        (["trend", "api", "--limit", "x"], "'--limit': it is no integer.", "stabkit trend --help"),
        (["gate", "--fromat", "json", "a", "b"], "No such option: --fromat.", "Did you mean --format?"),
        (["gate", "a", "b", "--format", "xml"], "'xml' is not one of 'text', 'json'", "stabkit gate --help"),
        (["gate", "a", "b", "--fail-on", "regresed"], "'regresed' is not one of", "Did you mean 'regressed'?"),
        (["collect", "--rounds", "0"], "it is at least 1.", "stabkit collect --help"),
        (["collect", "--label"], "'--label' requires an argument", "stabkit collect --help"),
        (["import", "tets", "good.xml"], "There is no kind 'tets'", "Did you mean 'tests'?"),
    ],
)  # fmt: skip
def test_wrong_usage_is_an_error_with_a_hint(stabkit, words, said, hinted):
    code, out, err = stabkit(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert hinted in err
    assert "Value error" not in err


def test_help_loads_no_heavy_library():
    heavy = ["pandas", "numpy", "matplotlib", "duckdb", "pyarrow", "httpx", "papermill", "scipy"]
    code = (
        "import sys, io; from stabkit.cli import run; sys.stdout = io.StringIO(); run(['gate', '--help']);"
        f"sys.stderr.write(' '.join(m for m in {heavy!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""


def test_debug_shows_our_log_and_no_library_that_logs_headers(stabkit, folder, service, monkeypatch):
    (folder / "stabkit.toml").write_text(
        f'[http.api]\nurl = "{service}/?token=s3cr3tQQ"\nrequests = 2\nrate = 200\n'
        'headers_env = { Authorization = "MY_TOKEN" }\n[http.user]\nurl = "http://bob:hunter2ZZ@127.0.0.1:1/"\n'
    )
    monkeypatch.setenv("MY_TOKEN", "Bearer tOpSeCrEt99")
    code, out, err = stabkit("--debug", "collect", "--rounds", "1")
    assert code == 2
    assert "stabkit.probe.declared" in err
    for noisy in ("httpcore", "httpx", "s3cr3tQQ", "tOpSeCrEt99", "hunter2ZZ"):
        assert noisy not in out + err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_the_command_by_its_name(shell):
    # What --show-completion prints in that shell; the shell itself is found by who calls.
    environment = {**os.environ, "_STABKIT_COMPLETE": f"source_{shell}"}
    words = [sys.executable, "-m", "stabkit"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "_STABKIT_COMPLETE=complete_" + shell in done.stdout
    assert "python" not in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("stabkit ga", "gate"), ("stabkit gate a b --fail-on reg", "regressed"), ("stabkit demo --scenario no", "noisy"),
     ("stabkit import re", "records"), ("stabkit report -n test", "test_trends")],
)  # fmt: skip
def test_words_are_completed(typed, offered):
    variables = {"_STABKIT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    words = [sys.executable, "-m", "stabkit"]
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == [offered]


def test_labels_of_the_store_are_completed(folder):
    words = [sys.executable, "-m", "stabkit", "import", "tests", "good.xml", "--label", "v1.5", "--data", "runs"]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    variables = {"_STABKIT_COMPLETE": "complete_bash", "COMP_WORDS": "stabkit gate v", "COMP_CWORD": "2"}
    for data, offered in (("runs", ["v1.5"]), ("nowhere", [])):
        environment = {**os.environ, **variables, "STABKIT_DATA": data}
        done = subprocess.run(words[:3], env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == offered
        assert done.stderr == ""
