"""Test cases that several files tell: the shards and the aggregate made of them."""

from __future__ import annotations

from typing import Final

import pandas as pd

from stabkit.read.amounts import amount
from stabkit.schema import Evidence

__all__ = ["drop_repeats"]

_CONTENT: Final = ["suite", "class", "name", "test_id", "variant", "attempt", "status", "time_s", "message"]


def drop_repeats(evidence: Evidence, *, keep: bool = False) -> Evidence:
    """Return the evidence without the classes of test cases that an earlier file holds with equal content.

    All cases of a class, with results, times (some above 0) and messages, must be equal; then the later file's are dropped and the
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
    # Two jobs of which neither was timed may write the same, and be two jobs all the same.
    timed = tests["time_s"].fillna(0).gt(0).groupby([groups["source"], groups["class"]], sort=False).any()
    later = sums.duplicated(equal) & timed.to_numpy()
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
