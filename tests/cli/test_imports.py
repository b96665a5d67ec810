"""What a command may import: half of its time goes by before it reads anything."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAWING = ("matplotlib", "jinja2", "nbconvert", "nbformat", "papermill", "IPython", "jupyter_client")
PROBING = ("httpx", "httpcore", "websockets", "psutil", "cryptography", "jsonschema")
NEVER = ("changeforest", *DRAWING, *PROBING, "scipy.stats", "scipy.optimize", "statsmodels", "pandera", "duckdb")

# In one process, so that it takes seconds: what is not loaded after a command was loaded by none before it.
STAGES = (
    ("pandas numpy scipy pyarrow", ["--help"], ["gate", "--help"]),
    (
        "scipy",
        ["runs", "--data", "tests/data/demo_history"],
        ["read", "data/reference/before"],
        ["diff", "v1.4", "v1.5", "--data", "tests/data/demo_history"],
    ),
    (
        "",
        ["gate", "v1.4", "v1.5", "--data", "tests/data/demo_history"],
        ["compare", "v1.4", "v1.5", "--data", "tests/data/demo_history"],
        ["explain", "v1.4", "v1.5", "chat response time", "--data", "tests/data/demo_history"],
    ),
    ("", ["trend", "backend", "--data", "tests/data/demo_history"]),
)
CODE = """
import contextlib, io, json, sys
from stabkit.cli import run
stages, never = json.loads(sys.argv[1])
found = []
for spared, *commands in stages:
    for words in commands:
        with contextlib.redirect_stdout(io.StringIO()):
            code = run(words)
        loaded = [name for name in (*spared.split(), *never) if name in sys.modules]
        found.append([words[0], code in (0, 3), loaded])
print(json.dumps(found))
"""


def test_a_command_imports_nothing_heavy_that_it_does_not_need():
    given = json.dumps([STAGES, NEVER])
    done = subprocess.run([sys.executable, "-c", CODE, given], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [entry for entry in json.loads(done.stdout) if entry[1:] != [True, []]] == []


def test_running_notebooks_compiles_no_grammars():
    """They take seconds, and serve a format of jsonschema that no notebook uses."""
    code = "import sys, stabkit.pipeline.notebooks; print('jsonschema' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
