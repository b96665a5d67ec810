"""How long ``stabkit impact`` takes on a repository made for it, cold and warm, against its limits.

    python benchmarks/impact.py [--quick]

Three repositories are written by ``git fast-import`` into a temporary folder: 2,000 Python files that import each other
in 2,000 commits, 10,000 files in 50,000 commits, and 100,000 files in 2,000 commits. The last commit of the first two
changes 30 files, that of the last 10,000, a tenth of all. Cold is the first call, without any cache; warm is the least
of three more, of the last of one. Held against the limits are the CPU time of the command with git, since other work on
the machine only ever adds to the wall clock beside it, and the largest memory of one process.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SEED = 20_261_130
COMMAND = [sys.executable, "-m", "stabkit", "impact", "HEAD~1..HEAD", "--format", "json", "--repository"]
WARM = 3


def module(number: int, version: int, files: int) -> str:
    """Return a module of some forty lines that imports two others."""
    rng = random.Random(number)
    names = [rng.randrange(files) for _ in range(2)]
    imports = "".join(f"from app.p{name % 50}.m{name} import f{name}_0\n" for name in names if name != number)
    bodies = "".join(
        f"\n\ndef f{number}_{at}(value: int, other: int = {at}) -> int:\n"
        f'    """Return a number."""\n    total = value * {at + 1} + other + {version if at == 0 else 0}\n'
        "    if total > 10:\n        total -= 1\n    return total\n"
        for at in range(5)
    )
    return f'"""Module {number}."""\n\nimport os\n\n{imports}\nHOME = os.environ.get("HOME_{number}")\n{bodies}'


def stream(files: int, commits: int, changed: int) -> Iterator[bytes]:
    """Yield what fast-import reads: all files, then commits of a few, the last of them of ``changed``."""
    rng = random.Random(SEED)
    versions = dict.fromkeys(range(files), 0)

    def commit(number: int, changed: list[int]) -> Iterator[bytes]:
        author = f"a{number % 17} <a{number % 17}@example.org> {1_600_000_000 + 600 * number} +0000"
        subject = f"{'Fix' if number % 7 == 0 else 'Change'} {number}"
        head = f"commit refs/heads/main\nauthor {author}\ncommitter {author}\ndata {len(subject)}\n{subject}\n"
        yield head.encode()
        for one in changed:
            text = module(one, versions[one], files).encode()
            yield f"M 100644 inline app/p{one % 50}/m{one}.py\ndata {len(text)}\n".encode() + text + b"\n"
            versions[one] += 1

    yield b"feature done\nreset refs/heads/main\n"
    yield from commit(0, list(range(files)))
    for number in range(1, commits - 1):
        yield from commit(number, [rng.randrange(files) for _ in range(rng.choice((1, 1, 2, 3, 8)))])
    yield from commit(commits - 1, rng.sample(range(files), changed))
    yield b"done\n"


def made(folder: Path, files: int, commits: int, changed: int) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    process = subprocess.Popen(["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as pipe:
        for part in stream(files, commits, changed):
            pipe.write(part)
    if process.wait():
        sys.exit("git fast-import failed")
    return folder


def timed(repository: Path, environment: dict[str, str]) -> tuple[float, float, float]:
    """Run the command; return its wall clock and its CPU time, seconds, and its memory, GB."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*COMMAND, str(repository)], env=environment, stdout=out)
        # Of this child alone: the memory of all children is that of the largest so far, fast-import among them.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"exit code {process.returncode}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smaller repository alone")
    sizes = [
        (2_000, 2_000, 30, 10.0, 2.0, 1.0),
        (10_000, 50_000, 30, 45.0, 45.0, 1.0),
        (100_000, 2_000, 10_000, 120.0, 120.0, 1.0),
    ]
    print(f"{'files':>7}{'commits':>9}{'changed':>9}{'':6}{'wall, s':>9}{'CPU, s':>8}{'limit, s':>10}"
          f"{'memory, GB':>12}{'limit, GB':>11}")  # fmt: skip
    for files, commits, changed, cold_limit, warm_limit, most in sizes[: 1 if parser.parse_args().quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            repository = made(Path(folder) / "repository", files, commits, changed)
            # Bytecode is written by installation, so it is no part of a cold start.
            environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache", "PYTHONPYCACHEPREFIX": f"{folder}/code"}
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
            subprocess.run([*COMMAND[:4], "--help"], env=environment, capture_output=True, check=True)
            cold = timed(repository, environment)
            warm = min(timed(repository, environment) for _ in range(WARM if files < 100_000 else 1))
        for name, (took, cpu, memory), limit in (("cold", cold, cold_limit), ("warm", warm, warm_limit)):
            said = "met" if cpu <= limit and memory <= most else "MISSED"
            print(f"{files:7}{commits:9}{changed:9}  {name:4}{took:9.2f}{cpu:8.2f}{limit:10.0f}"
                  f"{memory:12.2f}{most:11.1f}  {said}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
