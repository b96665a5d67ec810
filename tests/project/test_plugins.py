"""Plugins by entry points: one that is sound, installed from its folder, and many that are not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.environments import ROOT, build

EXAMPLE = ROOT / "docs" / "examples" / "stabkit-example-plugin"
CHECKFILE = "# checkfile\nPASS one 0.1\n{} two 0.2\n"
CONFIG = """
[project]
name = "shop"
data = "runs"

[tests.unit]
files = ["*.check"]

[scans.ruff]
files = ["*.sarif"]

[[condition]]
name = "unit tests"
kind = "tests"
target = "unit"

[[condition]]
name = "nothing hidden"
kind = "suppressions"
target = "ruff"
"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plugins")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip makes of the example's folder."""
    folder = tmp_path_factory.mktemp("plugin")
    wheel = build("wheel", EXAMPLE, folder / "wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*pip, "--target", str(folder / "site"), str(wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


class Shell:
    """Runs stabkit in a project, with the packages of some folders."""

    def __init__(self, folder: Path, *sites: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STABKIT_")}
        self.environment = {**kept, "PYTHONPATH": os.pathsep.join(map(str, (*sites, ROOT)))}

    def __call__(self, *words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "stabkit", *words],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        assert "bug in stabkit" not in done.stderr
        return done.returncode, done.stdout, done.stderr


def scan(*, hidden: bool) -> str:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}
    result = {"ruleId": "F401", "message": {"text": "unused"}, "level": "error", "locations": [place]}
    driver = {"name": "ruff", "version": "1", "rules": [{"id": "F401"}]}
    looked = [{"location": {"uri": "a.py"}, "roles": ["analysisTarget"]}]
    given = [{**result, "suppressions": [{"kind": "inSource"}]}] if hidden else []
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": given, "artifacts": looked}]}
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for side, word in (("before", "PASS"), ("after", "PASS")):
        (folder / side).mkdir(parents=True)
        (folder / side / "unit.check").write_text(CHECKFILE.format(word) + f"# {side}\n")
        (folder / side / "ruff.sarif").write_text(scan(hidden=side == "after"))
    (folder / "stabkit.toml").write_text(CONFIG)
    return folder


def test_reader_condition_and_notebook_of_a_plugin_are_seen(site: Path, project: Path) -> None:
    stabkit = Shell(project, site)
    code, said, _ = stabkit("--version", "--verbose")
    assert code == 0
    named = [line for line in said.splitlines() if line.startswith("stabkit-example-plugin 1.0.0: ")]
    assert [line.partition(": ")[2] for line in named] == [
        "reader checkfile", "notebook suite_sizes", "condition suppressions"]  # fmt: skip

    code, said, _ = stabkit("read", "before", "--format", "json")
    assert code == 0
    assert {source["format"] for source in json.loads(said)["sources"]} == {"checkfile", "sarif"}

    code, said, _ = stabkit("gate", "before", "after", "--format", "json")
    assert code == 1
    outcomes = {one["name"]: one for one in json.loads(said)["gate"]["conditions"]}
    assert outcomes["nothing hidden"]["outcome"] == "regressed"
    assert outcomes["nothing hidden"]["items"] == [{"state": "new", "what": "F401 a.py"}]
    code, said, _ = stabkit("explain", "before", "after", "nothing hidden")
    assert code == 0
    assert "Is no finding newly suppressed?" in said
    for side, label in (("before", "v1"), ("after", "v2")):
        code, _, err = stabkit("import", "tests", f"{side}/unit.check", "--suite", "unit", "--label", label)
        assert code == 0, err
        assert stabkit("import", "scan", f"{side}/ruff.sarif", "--run", label)[0] == 0
    reports = ["--output", "pages", "--notebook", "suite_sizes", "--notebook", "stability_report"]
    code, said, err = stabkit("report", "v1", "v2", *reports, "--data", "runs")
    assert code == 1, err
    gate = json.loads((project / "pages" / "stability_report.json").read_text())["summary"]["gate"]
    assert {one["name"]: one["outcome"] for one in gate["conditions"]} == {
        "unit tests": "stable", "nothing hidden": "regressed"}  # fmt: skip
    page = (project / "pages" / "stability_report.html").read_text()
    assert "The reader checkfile comes from stabkit-example-plugin 1.0.0" in page
    assert "F401 a.py" in page
    assert "Tests of each suite" in (project / "pages" / "suite_sizes.html").read_text()


def test_without_the_plugin_its_names_are_unknown(project: Path) -> None:
    stabkit = Shell(project)
    assert stabkit("--version", "--verbose")[1].splitlines()[-1] == "no plugins"
    assert stabkit("read", "before/unit.check")[0] == 2
    code, _, err = stabkit("gate", "before", "after")
    assert code == 2
    assert "suppressions" in err
    (project / "stabkit.toml").unlink()
    code, _, err = stabkit("report", "--notebook", "suite_sizes")
    assert code == 2
    assert "There is no notebook 'suite_sizes'" in err


READER = "FORMAT = {name!r}\nKIND = 'tests'\ndef recognise(head): return head.startswith(b'# bad')\n"
BAD = {
    # name of the package: (group, entry point, module's text, what is said)
    "raising": ("readers", "raising", "raise RuntimeError('no\\nluck')", "it cannot be loaded: RuntimeError: no luck"),
    "leaving": ("readers", "leaving", "import sys; sys.exit(3)", "it cannot be loaded: SystemExit"),
    "gone": ("readers", "gone", "import nothing_of_that_name", "it cannot be loaded: ModuleNotFoundError"),
    "bare": ("readers", "bare", "FORMAT = 'bare'", "it has no KIND, recognise, read"),
    "odd": ("readers", "odd", READER.format(name="odd").replace("'te", "'po") + "read = print", "its KIND is none"),
    "other": ("readers", "other", READER.format(name="else") + "read = print", "its FORMAT is 'else'"),
    "idle": ("readers", "idle", READER.format(name="idle") + "read = None", "recognise or read cannot be called"),
    "hiding": ("readers", "junit", READER.format(name="junit") + "read = print", "its name is one of stabkit's own"),
    "second": ("readers", "checkfile", READER.format(name="checkfile") + "read = print", "brings one of that name"),
    "nokind": ("conditions", "nokind", "value = 3", "it is no stabkit.kinds.Kind"),
    "usual": ("conditions", "latency", "value = 3", "its name is one of stabkit's own"),
    "nobook": ("notebooks", "nobook", "", "nobook.ipynb is not in the package"),
    "nopackage": ("notebooks", "plain", "", "its entry point names no package"),
    "seen": ("notebooks", "explore", "", "its name is one of stabkit's own"),
}  # fmt: skip


def install(site: Path, package: str, group: str, name: str, text: str) -> None:
    """Put a package and what pip would note of it into a folder."""
    module = f"plugin_{package}"
    folder = site / module if group == "notebooks" and package != "nopackage" else None
    if folder is not None:
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text)
    else:
        site.mkdir(exist_ok=True)
        (site / f"{module}.py").write_text(text)
    value = f"{module}:value" if group == "conditions" else module
    noted = site / f"{package}-0.1.dist-info"
    noted.mkdir()
    (noted / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    (noted / "entry_points.txt").write_text(f"[stabkit.{group}]\n{name} = {value}\n")


def test_what_is_not_what_it_says_is_named_and_left_out(site: Path, project: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for package, (group, name, text, _) in BAD.items():
        install(bad, package, group, name, text)
    stabkit = Shell(project, bad, site)
    code, said, err = stabkit("--version", "--verbose")
    assert code == 0
    lines = {line.partition(" ")[0]: line for line in said.splitlines()}
    for package, (_, name, _, problem) in BAD.items():
        if package != "second":
            assert re.search(rf" {name}, left out: .*{re.escape(problem)}", lines[package]), package
        assert f" of {package} is left out: " in err or package == "second"
    assert "second brings one of that name" in said or "stabkit-example-plugin brings one of that name" in said
    # Of the same name one counts, the first by its package; all else works on.
    code, said, err = stabkit("gate", "before", "after", "--format", "json")
    assert code in (1, 2, 3)
    code, said, _ = stabkit("read", "before/ruff.sarif", "--format", "json")
    assert code == 0, "what stabkit reads itself asks no plugin"
    assert json.loads(said)["sources"][0]["format"] == "sarif"
    code, _, err = stabkit("report", "--notebook", "nobook")
    assert code == 2
    assert "nobook.ipynb is not in the package" in err


READS = {
    "raises": "raise OSError('a stranger')",
    "nothing": "return None",
    "no_source": "from stabkit.readers import Evidence; return Evidence()",
    "leaves": "raise KeyError('x')",
}


@pytest.mark.parametrize("body", READS.values(), ids=READS)
def test_a_reader_that_fails_costs_its_file_alone(project: Path, tmp_path: Path, body: str) -> None:
    bad = tmp_path / "bad"
    text = READER.format(name="lame") + f"def read(path, *, suite=None, root=None):\n    {body}\n"
    install(bad, "lame", "readers", "lame", text)
    install(
        bad, "blind", "readers", "blind", text.replace("lame", "blind").replace("return head", "return 1 / 0 or head")
    )
    (project / "before" / "x.check").write_text("# bad\n")
    stabkit = Shell(project, bad)
    code, said, err = stabkit("read", "before/x.check", "before/ruff.sarif", "--format", "json")
    assert code == 2
    lame, sound = json.loads(said)["sources"]
    assert (lame["format"], lame["status"], sound["status"]) == ("lame", "error", "ok")
    assert "the reader of lame did not expect such content" in lame["message"]
    assert "the reader blind fails where it looks at a file" in err


@pytest.mark.parametrize("body", ["raise ValueError('a stranger')", "return 7", "return None"])
def test_a_judge_that_fails_gives_no_verdict(project: Path, tmp_path: Path, body: str) -> None:
    bad = tmp_path / "bad"
    text = (EXAMPLE / "stabkit_example_plugin" / "kinds.py").read_text()
    text = text.replace("SUPPRESSIONS", "value").replace("stabkit_example_plugin.suppressions", "lame.judging")
    install(bad, "lame", "conditions", "suppressions", text)
    (bad / "lame").mkdir()
    (bad / "lame" / "__init__.py").touch()
    (bad / "lame" / "judging.py").write_text(f"def judge(condition, sides):\n    {body}\n")
    (project / "stabkit.toml").write_text(CONFIG.replace('files = ["*.check"]', 'files = ["*.xml"]'))
    code, said, err = Shell(project, bad)("gate", "before/ruff.sarif", "after/ruff.sarif")
    assert (code, said) == (2, "")
    assert "The judge of 'suppressions', which a plugin brings, failed" in err


def test_nothing_is_looked_up_where_no_plugin_can_matter(site: Path, project: Path) -> None:
    """Entry points are looked up in every installed package, which takes as long as a command."""
    stabkit = Shell(project, site)
    code = (
        "import sys; from stabkit.cli import run\n"
        "from stabkit.installation import plugins\n"
        "run(['gate', 'before/ruff.sarif', 'after/ruff.sarif', '--config', 'none.toml'])\n"
        "run(['read', 'before/ruff.sarif']); run(['gate', '--help']); run(['--version'])\n"
        "sys.exit(plugins.known_plugins.cache_info().currsize)"
    )
    (project / "none.toml").write_text('[project]\nname = "shop"\n')
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=stabkit.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_handbook_shows_the_reader_and_the_kind_as_they_are() -> None:
    """The example holds what the handbook's own sections put into a copy of stabkit."""
    page = (ROOT / "docs" / "handbook" / "extending.md").read_text()
    shown = re.search(r"checkfile\.py`, reads it:\n\n```python\n(.*?)```", page, re.DOTALL)
    assert shown
    code = (EXAMPLE / "stabkit_example_plugin" / "checkfile.py").read_text()
    assert code.partition("from __future__")[2] == shown[1].partition("from __future__")[2]
