"""A run's evidence by reference: a run of the store, or a folder of evidence files read as it stands."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.analyze import RunEvidence
from stabkit.case.earlier_runs import until
from stabkit.errors import EvidenceError, UnknownRunError
from stabkit.runs import claimed_run
from stabkit.schema import Evidence, conform
from stabkit.store import Store
from stabkit.text import spelt

__all__ = ["existing", "files_alone", "load_run", "renamed", "run_before", "sketches_of", "states_its_start"]

_OF_FILES: Final = "files-"
# Where a folder says when it was made: the first of these columns that holds a time.
_TIMES: Final = (("samples", "due_at"), ("scans", "scanned_at"))


def existing(text: str) -> Path | None:
    """Return the file or folder that a text names; None if there is none, or none that could be called so.

    Examples
    --------
    >>> existing("~nobody-of-this-name/reports"), existing(""), existing(500 * "v1.5")
    (None, None, None)
    """
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a null character, an unknown user
        return None


def files_alone(baseline: str | None, candidate: str | None) -> bool:
    """Say whether both sides name evidence files, so that no store is needed."""
    return all(side and existing(side) for side in (baseline, candidate))


def load_run(reference: str, store: Store | None = None) -> RunEvidence:
    """Return a run and its evidence.

    Parameters
    ----------
    reference : str
        A run of the store (label, run id or unique prefix, ``latest``, ``latest~1``), or the path of a folder of
        evidence files, or of one file. A run of the store wins over a folder of the same name.
    store : Store, optional
        Where runs are looked up; without one only paths are known.

    Returns
    -------
    RunEvidence
        For a folder, the run is named by its records file, else by the folder, and is complete only if every file
        was read whole.

    Raises
    ------
    UnknownRunError
        Neither a run nor a path; names the nearest run.
    EvidenceError
        The folder holds no file.
    StoreError
        The store is damaged, or a prefix fits several runs.
    """
    path = existing(reference)
    if store is not None:
        try:
            run_id = store.resolve(reference)
        except UnknownRunError as error:
            if path is None:
                error.hint = f"{error.hint}; a folder of evidence files may be named too."
                raise
        else:
            return RunEvidence(store.run(run_id), store.evidence(run_id))
    if path is None:
        raise UnknownRunError(reference, [], where=None)
    return _read_folder(path)


def run_before(run: pd.Series, store: Store) -> str | None:
    """Return the id of the newest earlier run of the same environment; None if this is the first one.

    A run that was collected together with the given one (its interleaved baseline) is preferred. The same version
    collected before, under the same label at the same commit, is none; nor is it where no commit is known, nor a run
    of which nothing could be read.
    """
    runs = store.runs()
    earlier = runs[until(runs, run) & (runs["run_id"] != run["run_id"])]
    same = earlier[_equal(earlier["environment"], run["environment"])]
    if pd.notna(run["label"]):
        same = same[~((same["label"] == run["label"]).fillna(value=False) & _equal(same["commit"], run["commit"]))]
    if pd.notna(run["collection_id"]):
        together = same[same["collection_id"] == run["collection_id"]]
        same = together if len(together) else same
    return next((run_id for run_id in map(str, same["run_id"][::-1]) if not _unreadable(run_id, same, store)), None)


def _unreadable(run_id: str, runs: pd.DataFrame, store: Store) -> bool:
    """Say whether there is nothing of a run: an import that left its error and no more, a collection that was ended."""
    if runs.loc[runs["run_id"] == run_id, "complete"].all() or not store.tables(run_id) <= {"sources"}:
        return False
    return bool(store.read("sources", [run_id], ["status"])["status"].eq("error").all())


def sketches_of(store: Store, runs: pd.DataFrame, samples: pd.DataFrame, metric: str) -> pd.DataFrame | None:
    """Return the percentiles of the runs that keep no samples, as ``run_history`` takes them; None if there are none.

    Parameters
    ----------
    runs, samples : DataFrame
        The runs of a history, and all samples that they keep.
    """
    bare = runs.loc[~runs["run_id"].isin(samples["run_id"].unique()), "run_id"].tolist()
    found = store.quantiles(metric=metric, by=("run_id", "target"), runs=bare) if bare else None
    return found if found is not None and len(found) else None


def renamed(side: RunEvidence, run_id: str) -> RunEvidence:
    """Return the same evidence as a run of another id."""
    return RunEvidence(pd.Series({**dict(side.run), "run_id": run_id}), _with_run_id(side.evidence, run_id))


def _equal(values: pd.Series, wanted: Any) -> pd.Series:
    return values.isna() if pd.isna(wanted) else (values == wanted).fillna(value=False)


def _read_folder(path: Path) -> RunEvidence:
    from stabkit.read import read_paths  # a run of the store needs no reader

    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and _is_evidence(p, path))
    if not files:
        raise EvidenceError("The folder holds no evidence file.", where=str(path), hint="Put reports into it.")
    evidence = read_paths(files)
    run = _run_row(path, evidence)
    return RunEvidence(run, _with_run_id(evidence, str(run["run_id"])))


def _is_evidence(path: Path, root: Path) -> bool:
    # Hidden files and prose beside evidence are no evidence; anything else is read, and refused by name if foreign.
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.suffix.lower() not in (".md", ".rst") and path.name.lower() != "stabkit.toml"


def _run_row(path: Path, evidence: Evidence) -> pd.Series:
    sources = evidence["sources"]
    facts = claimed_run(sources)
    digest = hashlib.sha256("\n".join(sorted(sources["sha256"].dropna())).encode()).hexdigest()
    row = {
        "label": spelt(path.resolve().stem if path.is_file() else path.resolve().name),
        "started_at": _started_at(path, evidence),
        **facts,
        # From the content, so that equal files give an equal page.
        "run_id": f"{_OF_FILES}{digest[:12]}",
        "complete": bool(facts.get("complete", True)) and not evidence.failed,
    }
    return conform("runs", pd.DataFrame([row])).iloc[0]


def _started_at(path: Path, evidence: Evidence) -> pd.Timestamp:
    for table, column in _TIMES:
        known = evidence[table][column].dropna()
        if len(known):
            return known.min()
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return pd.Timestamp(max(p.stat().st_mtime for p in files), unit="s", tz="UTC")


def states_its_start(side: RunEvidence) -> bool:
    """Say whether a run's start is recorded: a folder may leave nothing but the times of its files."""
    if not str(side.run["run_id"]).startswith(_OF_FILES):
        return True
    known = any(side.evidence[table][column].notna().any() for table, column in _TIMES)
    return known or "started_at" in claimed_run(side.evidence["sources"])


def _with_run_id(evidence: Evidence, run_id: str) -> Evidence:
    return Evidence(
        {
            name: evidence[name].assign(run_id=pd.Series(run_id, index=evidence[name].index, dtype="str"))
            for name in evidence
        }
    )
