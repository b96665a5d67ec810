"""How targets were reached: what they spoke, and the hops of redirected requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from stabkit.case import Case
from stabkit.numbers import amount_text, measure
from stabkit.report.display import Column, Table
from stabkit.samples import counted
from stabkit.text import joined, plain

__all__ = ["hops", "protocols"]

_USUAL: Final = {"HTTP/1.1"}


def protocols(case: Case, target: str) -> str | None:
    """Return what a target spoke on both sides; None if nothing but HTTP/1.1, or unknown."""
    spoken: set[str] = set()
    for evidence in (case.before, case.after):
        samples = evidence["samples"]
        spoken |= set(samples.loc[samples["target"] == target, "protocol"].dropna())
    return joined([plain(name) for name in sorted(spoken)]) if spoken - _USUAL else None


def hops(case: Case, targets: Sequence[str]) -> Table | None:
    """Return the median time of each hop on both sides; None if no request was redirected."""
    parts = [
        evidence["samples"].assign(side=side)
        for side, evidence in (("baseline", case.before), ("candidate", case.after))
    ]
    samples = pd.concat(parts, ignore_index=True)
    samples = counted(samples[samples["target"].isin(list(targets)) & samples["hop"].notna()])
    if samples.empty:
        return None
    rows, records = [], []
    for (target, hop), group in samples.groupby(["target", "hop"], sort=True):
        statuses = joined([str(status) for status in sorted(group["status"].dropna().unique())])
        row: dict[str, Any] = {"hop": (f"{plain(target)}, hop {hop}", f"HTTP {statuses}")}
        record: dict[str, Any] = {"target": target, "hop": int(hop)}
        for side in ("baseline", "candidate"):
            times = group.loc[group["side"] == side, "service_ms"].dropna()
            median = float(times.median()) if len(times) else None
            row[side] = None if median is None else (measure(median, "ms"), f"n {amount_text(len(times))}")
            record |= {f"{side}_ms": median, f"{side}_n": len(times)}
        rows.append(row)
        records.append(record)
    columns = (
        Column("hop", "Hop", "head"),
        Column("baseline", "Median before", "number"),
        Column("candidate", "Median now", "number"),
    )
    return Table(columns, tuple(rows), "Redirects, hop by hop, not judged", records=tuple(records))
