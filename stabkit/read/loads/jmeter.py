"""JMeter's JTL, as CSV and as XML: a row a sample, whole milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.amounts import amount
from stabkit.read.content import ReportError, read_head, xml_root
from stabkit.read.loads._requests import Load, milliseconds
from stabkit.read.table_content import broken_rows, first_fields, read_table
from stabkit.read.xml_tree import read_tree
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "jmeter"
KIND: Final = "load"
_SAMPLES: Final = ("httpSample", "sample")
_COLUMNS: Final = ("timeStamp", "elapsed", "label", "success", "responseCode", "Latency", "Connect")
_ATTRIBUTES: Final = ("ts", "t", "lb", "s", "rc", "lt", "ct")  # the same columns in XML
_TRANSACTION: Final = "Number of samples in transaction"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a JTL, by its columns or its root element."""
    return {"timeStamp", "elapsed", "label"} <= set(first_fields(head)) or (
        xml_root(head) == "testResults" and (b"Sample" in head or b"<sample" in head or b"version=" in head)
    )


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:  # noqa: ARG001 - no paths here
    """Return the ``samples`` of the file and the ``sources`` row.

    Transactions and parents of other samples repeat what those hold and are left out. JMeter measures from the send,
    so its times are ``service_ms``; they are whole milliseconds.

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
    transaction = said.fillna("").str.startswith(_TRANSACTION)
    rows = table[~transaction].reset_index(drop=True)
    load = _load(rows)
    load.unread = broken_rows(table)
    if transaction.any():
        load.warnings.append(_left_out(int(transaction.sum()), "transaction"))
    return load


def _xml(path: Path) -> Load:
    tree, sound = read_tree(path, "testResults")
    samples = [e for e in tree.walk() if e.name in _SAMPLES]
    own = [e for e in samples if not any(child.name in _SAMPLES for child in e.children)]
    leaves = [e for e in own if not (e.get("rm") or "").startswith(_TRANSACTION)]
    rows = pd.DataFrame([[e.get(key) for key in _ATTRIBUTES] for e in leaves], columns=list(_COLUMNS), dtype="str")
    load = _load(rows)
    load.warnings += sound.warnings
    load.status = sound.status
    if len(own) < len(samples):
        load.warnings.append(_left_out(len(samples) - len(own), "parent"))
    if len(leaves) < len(own):
        load.warnings.append(_left_out(len(own) - len(leaves), "transaction"))
    return load


def _load(rows: pd.DataFrame) -> Load:
    def column(name: str) -> pd.Series:
        return rows[name] if name in rows else pd.Series(None, index=rows.index, dtype="str")

    ok = column("success").fillna("").str.lower() == "true"
    code = pd.to_numeric(column("responseCode"), errors="coerce")
    order = pd.to_numeric(column("timeStamp"), errors="coerce").argsort(kind="stable")
    columns: dict[str, Any] = {
        "target": column("label").fillna("(?)"),
        "service_ms": pd.Series(milliseconds(column("elapsed")), dtype="float64"),
        "first_byte_ms": pd.Series(milliseconds(column("Latency")), dtype="float64"),
        "connect_ms": pd.Series(milliseconds(column("Connect")), dtype="float64"),
        "ok": ok,
        "status": code.where(code.between(100, 999)),
        "error": column("responseCode").fillna("no code").map(lambda c: f"response code {c}").where(~ok),
    }
    # JMeter writes 0 for a latency or a connect that it did not measure.
    for name in ("first_byte_ms", "connect_ms"):
        columns[name] = columns[name].where(columns[name] > 0)
    return Load({name: values.iloc[order].reset_index(drop=True) for name, values in columns.items()})


def _left_out(number: int, noun: str) -> str:
    return amount(
        number,
        f"{noun} repeats the samples in it and is left out",
        f"{noun}s repeat the samples in them and are left out",
    )
