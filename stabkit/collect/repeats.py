"""Test cases that several files tell: the shards and the aggregate made of them."""

from __future__ import annotations

from typing import Final

import pandas as pd

from stabkit.collect.amounts import amount
from stabkit.schema import Evidence

__all__ = ["drop_repeats"]

_CONTENT: Final = ["suite", "class", "name", "test_id", "attempt", "status", "time_s", "message"]


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
    sums = groups.groupby(["source", "class"], sort=False)["row"].agg(["sum", "size"]).reset_index()
    later = sums[sums.duplicated(["class", "sum", "size"])]
    if later.empty:
        return evidence
    first = sums.drop_duplicates(["class", "sum", "size"]).set_index(["class", "sum", "size"])["source"]
    dropped = pd.Series(data=False, index=tests.index)
    notes: dict[str, list[str]] = {}
    for row in later.itertuples():
        dropped |= (tests["source"] == row.source) & (groups["class"] == row[2])
        notes.setdefault(str(row.source), []).append(str(first[(row[2], row.sum, row.size)]))
    sources = evidence["sources"].copy()
    for source, origins in notes.items():
        count = int((dropped & (tests["source"] == source)).sum())
        equal = f"equal to those of {', '.join(dict.fromkeys(origins))}"
        ends = ("counts once in a run", "count once in a run") if keep else ("is left out", "are left out")
        text = amount(count, f"case {equal} {ends[0]}", f"cases {equal} {ends[1]}")
        own = (sources["path"] == source) & (sources["kind"] == "tests")
        before = sources.loc[own, "message"]
        sources.loc[own, "message"] = (before + "; " + text).where(before.notna(), text)
        if not keep:
            sources.loc[own, "rows"] = sources.loc[own, "rows"] - count
    if keep:
        return Evidence({**evidence.tables, "sources": sources})
    return Evidence({**evidence.tables, "sources": sources, "tests": tests[~dropped].reset_index(drop=True)})
