"""What the handbook shows is typed: a strict run of mypy over its programs, against the types that stabkit ships."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The programs of the page on extending are parts of stabkit, and are put in their places by the tests of that page.
HANDBOOK = ROOT / "docs" / "handbook"
PAGES = [ROOT / "README.md", *sorted(set(HANDBOOK.glob("*.md")) - {HANDBOOK / "extending.md"})]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OURS = re.compile(r"^(import|from) stabkit\b", re.MULTILINE)
# What a reader has measured before.
PRELUDE = "before_ms = after_ms = [10.0, 11.0, 12.0] * 40\n"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    for page in PAGES:
        for number, body in enumerate(FENCE.findall(page.read_text(encoding="utf-8"))):
            if not OURS.search(body):
                continue  # of another tool, such as a scheduler, which runs stabkit as a command
            (folder / f"{page.stem.lower().replace('-', '_')}_{number}.py").write_text(PRELUDE + body, encoding="utf-8")
    return sorted(folder.glob("*.py"))


def check(*files):
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def test_every_program_of_the_handbook_passes_a_strict_check(programs):
    assert len(programs) > 15
    answer = check(*programs)
    assert answer.returncode == 0, answer.stdout


def test_the_check_would_tell_a_call_that_there_is_not(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text(
        "import stabkit\n\nresult = stabkit.compare_latency([1.0], [1.0], margn=0.05)\nresult.outcom\n"
        'stabkit.open("data").sample("v1")\nstabkit.plot.shft(result)\n'
    )
    told = check(program).stdout
    for word in ("margn", "outcom", '"sample"', "shft"):
        assert word in told, told


def test_the_types_and_the_notebook_that_begins_ones_own_ship(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"stabkit/py.typed", "stabkit/pipeline/own_notebook.ipynb", "stabkit/report/frames/__init__.pyi"} <= names
