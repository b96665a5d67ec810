"""CPU time of each command, children included, beside that of ``import pandas`` in the same run.

    python benchmarks/commands.py [--repeat 3]

The least of the repeats counts, since other work on the machine only ever adds time. A first, uncounted pass writes
the bytecode, as an installation does. ``report`` starts a kernel, and draws.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ["--data", "data/sample"]
SIDES = ["v1.4", "v1.5", *SAMPLE]
STABKIT = [sys.executable, "-m", "stabkit"]


def commands(folder: str) -> dict[str, list[str]]:
    """Return what is measured, by the name that the table shows; the first is the floor."""
    return {
        "import pandas": [sys.executable, "-c", "import pandas"],
        "--help": [*STABKIT, "--help"],
        "runs": [*STABKIT, "runs", *SAMPLE],
        "read (a folder)": [*STABKIT, "read", "data/reference/before"],
        "diff (two runs)": [*STABKIT, "diff", *SIDES],
        "gate (two runs)": [*STABKIT, "gate", *SIDES],
        "gate (two folders)": [*STABKIT, "gate", "data/reference/before", "data/reference/after",
                               "--config", "data/reference/stabkit.toml"],
        "compare": [*STABKIT, "compare", *SIDES],
        "explain": [*STABKIT, "explain", "v1.4", "v1.5", "chat response time", *SAMPLE],
        "trend": [*STABKIT, "trend", "backend", *SAMPLE],
        "report": [*STABKIT, "report", *SIDES, "--output", folder],
    }  # fmt: skip


def cpu_s(command: list[str], environment: dict[str, str]) -> float:
    """Run a command and return the seconds of CPU that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command; the least time counts")
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        measured = commands(f"{folder}/reports")
        for command in measured.values():
            cpu_s(command, environment)
        # Round by round, so that a busy spell of the machine meets every command.
        rounds = [{name: cpu_s(command, environment) for name, command in measured.items()} for _ in range(repeat)]
    least = {name: min(times[name] for times in rounds) for name in measured}
    floor = least["import pandas"]
    print(f"{'':20}{'CPU, s':>8}{'x pandas':>10}")
    for name, seconds in least.items():
        print(f"{name:20}{seconds:8.2f}{seconds / floor:10.1f}")


if __name__ == "__main__":
    main()
