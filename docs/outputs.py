"""Write under each command of a console block what the command really prints.

    python docs/outputs.py

A fence of the kind ``console`` in README or handbook holds lines ``$ command``, each with its output. Commands run on
the recorded evidence of ``data/``, in a folder of their own, so that the same comes out on every machine; a test
compares. What is measured anew each time, as by ``stabkit demo``, cannot stand in such a fence.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Wide enough for every table, as in a file or a pipe.
ENVIRONMENT = {"NO_COLOR": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


def pages(root: Path = ROOT) -> list[Path]:
    """Return the pages that show commands with their output."""
    return [root / "README.md", *sorted((root / "docs" / "handbook").glob("*.md"))]


def commands(block: str) -> Iterator[str]:
    r"""Yield the commands of a console block.

    Examples
    --------
    >>> list(commands("$ stabkit gate a b\n? INCONCLUSIVE\n$ stabkit runs\n"))
    ['stabkit gate a b', 'stabkit runs']
    """
    yield from re.findall(r"^\$ (.+)$", block, re.MULTILINE)


def output_of(command: str) -> str:
    """Return what a command prints on stdout, run beside the recorded evidence.

    Raises
    ------
    RuntimeError
        It ended with an error (exit code 2 or more, 3 excepted, which is a verdict).
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The package beside this file, not one that happens to be installed.
    environment = {**os.environ, **ENVIRONMENT, "PATH": path, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").symlink_to(ROOT / "data")
        # The commands are those of our own pages.
        words = [shutil.which("bash") or "bash", "-c", command]
        answer = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode not in (0, 1, 3):
        raise RuntimeError(f"{command}: exit code {answer.returncode}\n{answer.stderr}")
    return answer.stdout


def filled(block: str) -> str:
    """Return a console block with the present output of its commands."""
    return "".join(f"$ {command}\n{output_of(command).rstrip()}\n" for command in commands(block))


def main() -> int:
    """Write every page again whose outputs have changed, and name it."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        renewed = CONSOLE.sub(lambda found: f"```console\n{filled(found[1])}```", text)
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(page.relative_to(ROOT))  # noqa: T201  # a script, no library
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
