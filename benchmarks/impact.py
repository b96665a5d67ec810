"""How long ``stabkit impact`` takes on a repository made for it, cold and warm, against its limits.

    python benchmarks/impact.py [--quick]

Two repositories are written by ``git fast-import`` into a temporary folder: 2,000 Python files that import each other
in 2,000 commits, and 10,000 files in 50,000 commits. The last commit of each changes 30 files. Cold is the first call,
without any cache; warm is the least of three more. Held against the limits is the CPU time of the command with git,
since other work on the machine only ever adds to the wall clock beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
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


def stream(files: int, commits: int) -> Iterator[bytes]:
    """Yield what fast-import reads: all files, then commits of a few, the last of them of thirty."""
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
    yield from commit(commits - 1, rng.sample(range(files), 30))
    yield b"done\n"


def made(folder: Path, files: int, commits: int) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    process = subprocess.Popen(["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as pipe:
        for part in stream(files, commits):
            pipe.write(part)
    if process.wait():
        sys.exit("git fast-import failed")
    return folder


def timed(repository: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run the command; return its wall clock and its CPU time, seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*COMMAND, str(repository)], env=environment, capture_output=True, text=True, check=False)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}\n{done.stderr}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smaller repository alone")
    sizes = [(2_000, 2_000, 10.0, 2.0), (10_000, 50_000, 45.0, 45.0)]
    print(f"{'files':>7}{'commits':>9}{'':6}{'wall, s':>9}{'CPU, s':>8}{'limit, s':>10}")
    for files, commits, cold_limit, warm_limit in sizes[: 1 if parser.parse_args().quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            repository = made(Path(folder) / "repository", files, commits)
            # Bytecode is written by installation, so it is no part of a cold start.
            environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache", "PYTHONPYCACHEPREFIX": f"{folder}/code"}
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
            subprocess.run([*COMMAND[:4], "--help"], env=environment, capture_output=True, check=True)
            cold = timed(repository, environment)
            warm = min(timed(repository, environment) for _ in range(WARM))
        for name, (took, cpu), limit in (("cold", cold, cold_limit), ("warm", warm, warm_limit)):
            said = "met" if cpu <= limit else "MISSED"
            print(f"{files:7}{commits:9}  {name:4}{took:9.2f}{cpu:8.2f}{limit:10.0f}  {said}", flush=True)


if __name__ == "__main__":
    main()
