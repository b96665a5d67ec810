"""The verdict on two sets of evidence files, through the functions that ``stabkit gate a b`` uses, in this process.

What a folder says of itself, when it was made and how it is called, is left out: no verdict on two folders rests on it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.analyze.gate import evaluate_gate
from stabkit.config import Config
from stabkit.read import read_paths

__all__ = ["Files", "Judge"]

Files = Mapping[str, str]
"""Evidence files of one side: name -> content."""

# Columns that say where something was read and in what words: no verdict rests on them.
_ASIDE = {"sources": ("sha256", "line", "column", "message"), "tests": ("message", "time_s"), "findings": ()}


class Judge:
    """Judges candidates against baselines; one folder on disk serves them all.

    A verdict follows from the evidence that the readers find and from nothing else: where two candidates hold equal
    evidence it is computed once, and where they are equal files they are read once.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    config : Config, optional
        Without one, the conditions that follow from the evidence.
    trusting : bool
        Take it from the gate that evidence with a failed or partial source is not STABLE (a test holds it to that),
        and do not ask it.

    Attributes
    ----------
    read, judged : int
        Candidates that differ in their files, and those of them that differ in the evidence that a gate was asked of.
    """

    def __init__(self, folder: Path, config: Config | None = None, *, trusting: bool = False) -> None:
        self.folder = folder
        self.config = config or Config()
        self.trusting = trusting
        self.read = 0
        self.judged = 0
        self._files: dict[tuple[tuple[tuple[str, str], ...], ...], str] = {}
        self._known: dict[tuple[str, ...], str] = {}
        self._before = lru_cache(64)(self._read_baseline)

    def verdict(self, before: Files, after: Files) -> str:
        """Return the verdict on a candidate; ``error`` where it holds no file at all."""
        if not after:
            return "error"
        key = tuple(sorted(before.items())), tuple(sorted(after.items()))
        if key not in self._files:
            self._files[key] = self._verdict(*key)
        return self._files[key]

    def _verdict(self, before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]) -> str:
        self.read += 1
        baseline, own = self._before(before)
        candidate = self._read("candidate", dict(after))
        if self.trusting and candidate.evidence.failed:
            return "inconclusive"
        key = (own, *_content(candidate))
        if key not in self._known:
            self.judged += 1
            self._known[key] = evaluate_gate(self.config, baseline=baseline, candidate=candidate).verdict
        return self._known[key]

    def _read_baseline(self, files: tuple[tuple[str, str], ...]) -> tuple[RunEvidence, str]:
        side = self._read("baseline", dict(files))
        return side, "\n".join(_content(side))

    def _read(self, name: str, files: Files) -> RunEvidence:
        place = self.folder / name
        if place.exists() and {path.name for path in place.iterdir()} != set(files):
            shutil.rmtree(place)
        place.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (place / file).write_bytes(content.encode("utf-8", "surrogateescape"))
        evidence = read_paths(sorted(place.iterdir()))
        return RunEvidence(pd.Series({"run_id": name, "complete": not evidence.failed}), evidence)


def _content(side: RunEvidence) -> tuple[str, ...]:
    tables = side.evidence.tables
    return (str(side.complete), *(f"{name}:{_text(name, tables[name])}" for name in sorted(tables)))


def _text(name: str, frame: pd.DataFrame) -> str:
    kept = frame.drop(columns=["run_id", *_ASIDE.get(name, ())])
    return str(kept.astype(object).to_numpy().tolist())
