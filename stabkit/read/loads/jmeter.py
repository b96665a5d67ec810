"""JMeter's JTL, as CSV and as XML: a row a sample, whole milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.content import ReportError, read_head, xml_root
from stabkit.read.loads._parts.requests import REGION_TAGS, Load, ToolCheck, milliseconds
from stabkit.read.table_content import broken_rows, first_fields, read_table
from stabkit.read.xml_tree import Element, read_tree
from stabkit.schema import Evidence
from stabkit.text import amount

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "jmeter"
KIND: Final = "load"
_SAMPLES: Final = ("httpSample", "sample")
_COLUMNS: Final = ("timeStamp", "elapsed", "label", "success", "responseCode", "Latency", "Connect", "allThreads")
_ATTRIBUTES: Final = ("ts", "t", "lb", "s", "rc", "lt", "ct", "na")  # the same columns in XML
_MOST: Final = 1e9  # users; more are none
_ASSERTIONS: Final = "assertions"
_TRANSACTION: Final = "Number of samples in transaction"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a JTL, by its columns or its root element."""
    return {"timeStamp", "elapsed", "label"} <= set(first_fields(head)) or (
        xml_root(head) == "testResults" and (b"Sample" in head or b"<sample" in head or b"version=" in head)
    )


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the file and the ``sources`` row.

    Transactions and parents of other samples repeat the time of those and may fail by themselves: they are a metric of
    their own, ``transaction_time``. Assertions are checks. JMeter measures from the send, so its times are
    ``service_ms``; they are whole milliseconds.

    Raises
    ------
    ReportError
        Malformed, cut off, or of another shape.
    """
    load = _xml(path) if xml_root(read_head(path)) == "testResults" else _table(path)
    load.resolution_ms = 1.0
    return load.evidence(path, form=FORMAT, suite=suite)


def _table(path: Path) -> Load:
    table = read_table(path)
    if "success" not in table:
        raise ReportError("not a JTL that can be judged: it has no column success")
    said = table["responseMessage"] if "responseMessage" in table else pd.Series("", index=table.index)
    load = _load(table, said.fillna("").str.startswith(_TRANSACTION))
    load.unread = broken_rows(table)
    if "failureMessage" in table:
        broken = table[table["failureMessage"].notna()]
        load.checks = _assertions(
            table, [(row["label"], _ASSERTIONS, True, row["failureMessage"]) for row in broken.to_dict("records")]
        )
    return load


def _xml(path: Path) -> Load:
    tree, sound = read_tree(path, "testResults")
    samples = [e for e in tree.walk() if e.name in _SAMPLES]
    parents = [
        any(child.name in _SAMPLES for child in e.children) or (e.get("rm") or "").startswith(_TRANSACTION)
        for e in samples
    ]
    rows = pd.DataFrame([[e.get(key) for key in _ATTRIBUTES] for e in samples], columns=list(_COLUMNS), dtype="str")
    results = [list(_results(e)) for e in samples]
    rows["failureMessage"] = [next((why for *_, bad, why in own if bad and why), None) for own in results]
    load = _load(rows, pd.Series(parents, dtype="bool"))
    load.warnings += sound.warnings
    load.status = sound.status
    load.checks = _assertions(rows, [result for own in results for result in own])
    return load


def _results(sample: Element) -> Iterator[tuple[str | None, str, bool, str | None]]:
    """Yield what a sample says of each of its assertions: label, name, whether it failed, and why."""
    for result in sample.children:
        if result.name == "assertionResult":
            said = {child.name: (child.text or "").strip() for child in result.children}
            bad = "true" in (said.get("failure", "").lower(), said.get("error", "").lower())
            yield sample.get("lb"), said.get("name") or _ASSERTIONS, bad, said.get("failureMessage") or None


def _assertions(rows: pd.DataFrame, results: Sequence[tuple[str | None, str, bool, str | None]]) -> list[ToolCheck]:
    """Return each assertion of each label as a check; a sample that went well passed all of those of its label.

    JMeter mostly writes down those that failed alone.
    """
    good = rows.loc[rows["success"].fillna("").str.lower() == "true", "label"].fillna("(?)").value_counts()
    listed: dict[tuple[str, str], list[tuple[bool, str | None]]] = {}
    for label, name, bad, why in results:
        listed.setdefault((label or "(?)", name), []).append((bad, why))
    found = []
    for (label, name), outcomes in listed.items():
        failed = sum(bad for bad, _ in outcomes)
        passed = max(len(outcomes) - failed, int(good.get(label, 0)))
        why = next((why for bad, why in outcomes if bad and why), None)
        check = name if name == _ASSERTIONS else f"assertion {name}"
        found.append(ToolCheck(label, check, passed, failed, observed=why if failed else None))
    return found


def _load(rows: pd.DataFrame, parents: pd.Series) -> Load:
    def column(name: str) -> pd.Series:
        return rows[name] if name in rows else pd.Series(None, index=rows.index, dtype="str")

    ok = column("success").fillna("").str.lower() == "true"
    code = pd.to_numeric(column("responseCode"), errors="coerce")
    stamps = pd.to_numeric(column("timeStamp"), errors="coerce")
    order = stamps.argsort(kind="stable")
    why = column("failureMessage").where(column("failureMessage").notna(), _codes(column("responseCode")))
    columns: dict[str, Any] = {
        "target": column("label").fillna("(?)"),
        "metric": parents.map({True: "transaction_time", False: "response_time"}),
        "service_ms": pd.Series(milliseconds(column("elapsed")), dtype="float64"),
        "first_byte_ms": pd.Series(milliseconds(column("Latency")), dtype="float64"),
        "connect_ms": pd.Series(milliseconds(column("Connect")), dtype="float64"),
        "ok": ok,
        "status": code.where(code.between(100, 999)),
        "error": why.where(~ok),
    }
    # JMeter writes 0 for a latency or a connect that it did not measure.
    for name in ("first_byte_ms", "connect_ms"):
        columns[name] = columns[name].where(columns[name] > 0)
    load = Load({name: values.iloc[order].reset_index(drop=True) for name, values in columns.items()})
    load.at = (stamps / 1000).iloc[order].to_numpy()
    load.regions = set().union(*(rows[name].dropna().unique() for name in REGION_TAGS if name in rows))
    users = pd.to_numeric(column("allThreads"), errors="coerce").max()
    load.users = int(users) if 0 < users < _MOST else None
    if parents.any():
        load.warnings.append(
            amount(
                int(parents.sum()),
                "transaction repeats the time of the samples in it and is judged by itself",
                "transactions repeat the time of the samples in them and are judged by themselves",
            )
        )
    return load


def _codes(codes: pd.Series) -> pd.Series:
    return codes.fillna("no code").map(lambda code: f"response code {code}")
