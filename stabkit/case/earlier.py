"""What a new collection takes from the runs before it: which tests failed already, and where its git range starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from stabkit.analyze.tests import failing_tests
from stabkit.store import Store

__all__ = ["Earlier", "known_deploys", "look_back"]

_LOOKED_AT: Final = 60  # runs back; what failed longer ago is no baseline


@dataclass(frozen=True)
class Earlier:
    """What the baseline says.

    Attributes
    ----------
    failing : mapping
        Suite -> ids of the tests that ended badly in the baseline.
    failing_in : str or None
        The run that says so; None if no stored run does.
    base : str or None
        The commit that changes are counted from; None if no stored run has one.
    base_of : str or None
        The run whose commit it is.
    tried : mapping
        As ``failing``, only the tests that failed there when they were tried again too.
    """

    failing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failing_in: str | None = None
    base: str | None = None
    base_of: str | None = None
    tried: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)


def look_back(
    store: Store,
    environment: str | None,
    baseline_label: str | None = None,
    *,
    again: tuple[str | None, str | None] = (None, None),
) -> Earlier:
    """Return what the stored baseline says to a collection that is about to start.

    Parameters
    ----------
    store : Store
        The runs so far.
    environment : str or None
        Where the new run is collected; runs of other environments say nothing.
    baseline_label : str, optional
        The baseline's label. Runs that carry it are the baseline, the newest first.
    again : tuple of str or None
        Label and commit of the collection that is about to start. Runs with both are the same version collected
        before: no baseline, but what this collection replaces.

    Returns
    -------
    Earlier
        Failing tests of the newest run with that label that has tests; without such a run, of the newest complete one
        that has. The commit likewise, of the newest run that has one: a label whose runs all lack a commit gives none,
        since the commit of another run would describe another change.

    Examples
    --------
    >>> import tempfile
    >>> from stabkit.store import open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     look_back(open_store(folder, create=True), "local").base is None
    True
    """
    runs = store.runs()
    same = runs[runs["environment"].isna() if environment is None else runs["environment"] == environment]
    if None not in again:
        same = same[(same["label"] != again[0]) | (same["commit"].fillna("") != again[1])]
    labelled = same[same["label"] == baseline_label] if baseline_label is not None else same.iloc[:0]
    with_commit = (labelled if len(labelled) else same).dropna(subset=["commit"])
    base = None if with_commit.empty else str(with_commit["commit"].iloc[-1])
    base_of = None if with_commit.empty else str(with_commit["run_id"].iloc[-1])
    complete = same[same["complete"].fillna(value=False).astype(bool)]
    for run_id in [*labelled["run_id"][::-1], *complete["run_id"][::-1][:_LOOKED_AT]]:
        tests = store.read("tests", runs=[run_id])
        if len(tests):
            return Earlier(failing_tests(tests), str(run_id), base, base_of, failing_tests(tests, tried=True))
    return Earlier({}, None, base, base_of)


def known_deploys(store: Store, environment: str | None, label: str | None) -> tuple[datetime, ...]:
    """Return when versions went live, as far as runs tell it: as stated, and when each was first seen.

    Parameters
    ----------
    store : Store
        The runs so far.
    environment : str or None
        Where; runs of other environments say nothing.
    label : str or None
        Of the version that is about to be collected: when its runs began says nothing of its deploy.
    """
    runs = store.runs()
    runs = runs[runs["environment"].isna() if environment is None else runs["environment"] == environment]
    stated = runs["deployed_at"].dropna()
    others = runs[runs["label"].fillna("") != (label or "")]
    version = others["commit"].fillna(others["label"])
    seen = others.groupby(version)["started_at"].min()
    return tuple(sorted({moment.to_pydatetime() for moment in (*stated, *seen)}))
