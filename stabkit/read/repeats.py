"""What several files tell: test cases of shards and of the aggregate made of them, a scan written in two formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import pandas as pd

from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["drop_repeats", "scans_once"]

_CONTENT: Final = ["suite", "class", "name", "test_id", "variant", "attempt", "status", "time_s", "message"]


def drop_repeats(evidence: Evidence, *, keep: bool = False) -> Evidence:
    """Return the evidence without the classes of test cases that an earlier file holds with equal content.

    All cases of a class, with results, times and messages, must be equal; then the later file's are dropped and the
    message of its ``sources`` row says how many. Cases that differ are all kept. With ``keep`` all are, and only the
    message is added: for a look at each file by itself.
    """
    tests = evidence["tests"]
    if tests["source"].nunique() < 2:
        return evidence
    content = tests[_CONTENT].astype({"time_s": "str"}).fillna("")
    rows = pd.util.hash_pandas_object(content, index=False)
    groups = pd.DataFrame({"source": tests["source"], "class": tests["class"].fillna(""), "row": rows})
    grouped = groups.groupby(["source", "class"], sort=False)["row"]
    sums = grouped.agg(["sum", "size"]).reset_index()
    equal = ["class", "sum", "size"]
    # Two jobs write files of one name into folders of their own; without times what they write may well be the same.
    timed = tests["time_s"].fillna(0).gt(0).groupby([groups["source"], groups["class"]], sort=False).any()
    job = sums["source"].str.replace("\\", "/").str.rpartition("/")[2]
    later = sums.duplicated(equal) & ~(sums.assign(job=job).duplicated([*equal, "job"]) & ~timed.to_numpy())
    if not later.any():
        return evidence
    repeats = sums.assign(first=sums.groupby(equal, sort=False)["source"].transform("first"))[later]
    ends = ("counts once in a run", "count once in a run") if keep else ("is left out", "are left out")
    counts = repeats.groupby("source")["size"].sum()
    origins = repeats.groupby("source")["first"].agg(lambda first: ", ".join(first.unique()))
    notes = {
        source: amount(
            int(counts[source]),
            f"case equal to those of {names} {ends[0]}",
            f"cases equal to those of {names} {ends[1]}",
        )
        for source, names in origins.items()
    }
    sources = evidence["sources"].copy()
    own = (sources["kind"] == "tests") & sources["path"].isin(list(notes))
    before, note = sources.loc[own, "message"], sources.loc[own, "path"].map(notes).astype("str")
    sources.loc[own, "message"] = (before + "; " + note).where(before.notna(), note)
    if keep:
        return Evidence({**evidence.tables, "sources": sources})
    sources.loc[own, "rows"] = sources.loc[own, "rows"] - sources.loc[own, "path"].map(counts).astype("Int64")
    dropped = later.to_numpy()[grouped.ngroup().to_numpy()]
    return Evidence({**evidence.tables, "sources": sources, "tests": tests[~dropped].reset_index(drop=True)})


def scans_once(contents: Iterable[Evidence]) -> Iterator[Evidence]:
    """Return each file's evidence, a scan that an earlier file tells in another format without its rows.

    A tool may write what it found twice, as SARIF and in a format of its own. Equal are two whole scans of one tool
    whose open findings have the same rules and places; the message of the later file's ``sources`` row says so.
    """
    told: dict[tuple[object, ...], tuple[str, str]] = {}
    for evidence in contents:
        key = _told(evidence)
        if key is None:
            yield evidence
            continue
        sources = evidence["sources"]
        form, path = str(sources["format"].iloc[0]), str(sources["path"].iloc[0])
        first_form, first = told.setdefault(key, (form, path))
        if form == first_form:
            yield evidence
        else:
            message = f"the scan of {first} in another format: left out"
            yield Evidence.of(sources=sources.assign(rows=0, message=message, claimed=None))


def _told(evidence: Evidence) -> tuple[object, ...] | None:
    """Return what makes the one scan of a file known again; None where there is not one, or it is not whole."""
    scans, findings = evidence["scans"], evidence["findings"]
    if len(evidence["sources"]) != 1 or len(scans) != 1 or not scans["complete"].iloc[0]:
        return None
    places = findings.loc[~findings["suppressed"], ["rule", "path", "line"]].astype(object)
    found = Counter(places.where(places.notna(), None).itertuples(index=False, name=None))
    return str(scans["tool"].iloc[0]).casefold(), frozenset(found.items())
