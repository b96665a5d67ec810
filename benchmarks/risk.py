"""What the rank and the level of a change say of the trouble that followed, on repositories that you name.

    python benchmarks/risk.py REPOSITORY [REPOSITORY ...] [--commits 1000] [--checklist 0]

Of each repository the last first-parent commits that had 30 days to go wrong. A commit is labelled if, within 30 days,
it was reverted ("This reverts commit ..."), or a first-parent commit whose subject speaks of a fix or a revert
changed or deleted lines of code that it had added (SZZ: the lines that the fix removes are blamed in its first parent,
white space aside). AUC .5 is chance, 1 the right order throughout; ties count half; the interval is DeLong's, 95 %.
Every commit is ranked in what came before it. The level is that of its rank and its categories of files; with
``--checklist K``, the last K are told as ``stabkit impact`` tells them, checklist and all, whatever their age.

A label is no proof of harm: a larger change has more lines that a fix can touch, subjects are what people write, and a
fault in lines that were deleted or never written has no line to blame.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stabkit.analyze.change import change_risk
from stabkit.change import Git, collect_changes
from stabkit.change.history import History, rank_of
from stabkit.change.paths import categorise, is_code
from stabkit.change.steps import Step, read_steps, speaks_of_a_fix
from stabkit.schema import conform, empty
from stabkit.vocabulary import RISK_LEVELS

WITHIN_S = 30 * 86_400
WINDOW = 2_000
CUTS = ((50, 90), (25, 50, 75), (20, 40, 60, 80))
REVERTED = re.compile(r"This reverts commit ([0-9a-f]{40})")
HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? ")
ORIGIN = re.compile(rb"([0-9a-f]{40}) \d+ \d+ \d+")


@dataclass(frozen=True)
class Told:
    """What a commit says of itself: its time, and the commits that it reverts."""

    at: int
    fix: bool
    reverts: tuple[str, ...]


def told_of(git: Git, head: str, limit: int) -> dict[str, Told]:
    arguments = ("log", "-z", "--first-parent", f"--max-count={limit}", "--format=%H%x01%ct%x01%s%x01%B", head, "--")
    entries = git.read(*arguments).decode("utf-8", "replace").split("\0")
    parts = [entry.split("\x01", 3) for entry in entries if entry.strip()]
    return {
        commit.strip(): Told(int(at), speaks_of_a_fix(subject), tuple(REVERTED.findall(text)))
        for commit, at, subject, text in parts
    }


def removed_lines(git: Git, step: Step) -> Mapping[str, list[str]]:
    """Return the code lines that a commit changes or deletes, as blame's ranges in its first parent."""
    paths = [path for path, _, deleted in step.files if deleted and is_code(path)]
    found: dict[str, list[str]] = defaultdict(list)
    if not paths:
        return found
    options = ("-U0", "-w", "--no-renames", "--no-ext-diff", "--no-textconv", "--src-prefix=a/")
    patch = git.read("diff", *options, f"{step.commit}^1", step.commit, "--", *paths)
    path = None
    for line in patch.split(b"\n"):
        if line.startswith(b"--- "):
            path = line[6:].rstrip(b"\t").decode("utf-8", "replace") if line.startswith(b"--- a/") else None
        elif path and (match := HUNK.match(line)) and (lines := int(match[2] or 1)):
            found[path] += ["-L", f"{int(match[1])},+{lines}"]
    return found


def blamed(git: Git, step: Step, since: int) -> Iterator[str]:
    """Yield the commits of the last weeks that wrote what a fix removes."""
    for path, ranges in removed_lines(git, step).items():
        options = ("--first-parent", "-w", "--incremental", f"--since={since}")
        entries = git.read("blame", *options, *ranges, f"{step.commit}^1", "--", path).split(b"\n")
        origin = ""
        found, older = set(), set()
        for line in entries:
            if match := ORIGIN.fullmatch(line):
                origin = match[1].decode()
                found.add(origin)
            elif line == b"boundary":  # written before the time asked for
                older.add(origin)
        yield from found - older


def labelled(git: Git, steps: Sequence[Step], told: Mapping[str, Told]) -> set[str]:
    """Return the commits that were reverted, or some of whose lines were fixed, within 30 days."""
    found: set[str] = set()
    for step in steps:
        one = told[step.commit]
        causes = set(one.reverts)
        if one.fix:
            causes |= set(blamed(git, step, one.at - WITHIN_S))
        found |= {c for c in causes if c in told and c != step.commit and 0 <= one.at - told[c].at <= WITHIN_S}
    return found


def measured(step: Step, before: Sequence[Step]) -> dict[str, float]:
    """Return what can be known of a commit when it is made."""
    history = History(before)
    rank = rank_of([step.files], [step.author], history)
    rows = [{"path": p, "status": "modified", "category": categorise(p), "rank": rank.json()} for p, _, _ in step.files]
    risk = change_risk(conform("changes", pd.DataFrame(rows)) if rows else empty("changes"), empty("checks"))
    code = [path for path, _, _ in step.files if is_code(path)]
    return {
        "code lines added": rank.lines_added,
        "churn": sum(added + deleted for _, added, deleted in step.files),
        "files": len(step.files),
        "code files": rank.files,
        "code folders": rank.folders,
        "earlier fixes of its files": sum(history.fixes[path] for path in code),
        "newness of the author": -(rank.experience or 0),
        "our percentile": -1.0 if rank.percentile is None else rank.percentile,
        "our level": RISK_LEVELS.index(risk.level or "NONE"),
    }


def auc(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the area under the curve, and half of its 95 % interval: DeLong et al., doi:10.2307/2531595."""
    hit, miss = np.sort(values[labels]), np.sort(values[~labels])
    if len(hit) < 2 or len(miss) < 2:
        return np.nan, np.nan

    def above(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = (np.searchsorted(others, ones, side) for side in ("left", "right"))
        return (low + high) / 2 / len(others)

    of_hits, of_misses = above(hit, miss), 1 - above(miss, hit)
    variance = of_hits.var(ddof=1) / len(hit) + of_misses.var(ddof=1) / len(miss)
    return float(of_hits.mean()), 1.96 * float(np.sqrt(variance))


def spread(levels: Sequence[Any]) -> str:
    counts = Counter("unknown" if level is None else level for level in levels)
    names = [name for name in (*RISK_LEVELS, "unknown") if counts[name]]
    return ", ".join(f"{name} {100 * counts[name] / len(levels):.0f}" for name in names)


def by_checklist(repository: Path, steps: Sequence[Step], labels: set[str]) -> None:
    """Print the levels as the command tells them, and what raised them."""
    levels, raised = [], Counter[str]()
    began = time.perf_counter()
    for step in steps:
        found = collect_changes(repository, f"{step.commit}^1", step.commit)
        risk = change_risk(found["changes"], found["checks"])
        levels.append(risk.level)
        raised.update({" ".join(reason.names[:1]) or reason.code for reason in risk.reasons if reason.raises})
    seconds = (time.perf_counter() - began) / len(steps)
    print(f"  the last {len(steps)}, with the checklist ({seconds:.1f} s each): {spread(levels)} %")
    below = sum(level in ("NONE", "MINIMAL", "LOW") for level in levels) / len(levels)
    print(f"    below MEDIUM {100 * below:.0f} %; raised by: {dict(raised.most_common()) or 'nothing'}")
    mine = np.array([step.commit in labels for step in steps])
    if mine.sum() >= 2:
        area, half = auc(np.array([RISK_LEVELS.index(level or "NONE") for level in levels], float), mine)
        print(f"    labelled {mine.sum()}, AUC of the level {area:.3f} ± {half:.3f}")


def print_areas(rows: pd.DataFrame, mine: NDArray[np.bool_]) -> None:
    for name in rows:
        area, half = auc(rows[name].to_numpy(float), mine)
        print(f"  {name:28}{area:6.3f} ± {half:.3f}")
    ranks = rows["our percentile"].to_numpy(float)
    for cuts in CUTS:  # what other levels of the same rank would say, changes without code the lowest
        area, half = auc(np.digitize(ranks, cuts) + (rows["code files"].to_numpy() > 0), mine)
        print(f"  {f'levels cut at {cuts}':28}{area:6.3f} ± {half:.3f}")


def measure(repository: Path, commits: int, checklist: int) -> None:
    git = Git(repository, deadline_s=600)
    head = git.commit("HEAD")
    steps = read_steps(git, head, limit=commits + WINDOW + 1_000)
    told = told_of(git, head, commits + WINDOW + 1_000)
    settled = told[head].at - WITHIN_S
    numbers = [number for number, step in enumerate(steps) if told[step.commit].at <= settled][:commits]
    # The first commit of all has no parent to compare with, and the first fifty no history.
    numbers = [number for number in numbers if number < len(steps) - 50]
    if not numbers:
        print(f"\n{repository}: too little history")
        return
    labels = labelled(git, steps[: numbers[-1]], told)
    rows = pd.DataFrame([measured(steps[n], steps[n + 1 : n + 1 + WINDOW]) for n in numbers])
    mine = np.array([steps[n].commit in labels for n in numbers])
    print(f"\n{repository}: n {len(mine)}, labelled {mine.sum()} ({100 * mine.mean():.1f} %)")
    if mine.sum() >= 2:
        print_areas(rows, mine)
    levels = [RISK_LEVELS[int(level)] for level in rows["our level"]]
    print(f"  levels: {spread(levels)} %")
    risky = {name: mine[[level == name for level in levels]] for name in RISK_LEVELS}
    shares = [f"{name} {100 * found.mean():.1f}" for name, found in risky.items() if len(found)]
    print(f"  labelled of each: {', '.join(shares)} %", flush=True)
    if checklist:
        by_checklist(repository, steps[: min(checklist, len(steps) - 1)], labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY", help="a repository on this disk")
    parser.add_argument("--commits", type=int, default=1000, help="the last so many that are 30 days old")
    parser.add_argument("--checklist", type=int, default=0, metavar="K", help="tell the last K as the command does")
    options = parser.parse_args()
    for repository in options.repositories:
        measure(repository, options.commits, options.checklist)


if __name__ == "__main__":
    main()
