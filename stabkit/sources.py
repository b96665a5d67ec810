"""The ``sources`` row that every file and probe leaves, so that none disappears."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.text import spelt

__all__ = ["Fault", "FaultCode", "Status", "doubted", "fault_code", "named", "source_evidence", "source_frame"]

Status = Literal["ok", "repaired", "partial", "error"]
FaultCode = Literal[
    "unknown_authority", "expired_certificate", "certificate", "no_tls", "unreachable", "unexpected_status",
    "unknown_host", "timeout", "redirect", "unset_variable", "no_process", "not_startable", "no_report", "no_file",
    "html", "unknown_format", "cut_off", "no_permission", "repaired", "old", "same_address",
]  # fmt: skip


class Fault(str):
    """What is wrong, in words, with the code of its kind; advice goes by the code.

    Examples
    --------
    >>> fault = Fault("connection refused: nothing listens there", "unreachable")
    >>> fault.within("proxy: ").code, fault_code(fault.within("proxy: ")), fault_code("anything")
    ('unreachable', 'unreachable', None)
    """

    code: FaultCode | None

    def __new__(cls, words: str, code: FaultCode | None = None) -> Fault:
        """Return the words with their code."""
        made = super().__new__(cls, words)
        made.code = code
        return made

    def within(self, before: str) -> Fault:
        """Return the fault with words before it."""
        return Fault(before + self, self.code)


def fault_code(cause: object) -> FaultCode | None:
    """Return the code of a fault, or of the fault that an error tells of; None if none is known."""
    told = cause.args[0] if isinstance(cause, BaseException) and cause.args else cause
    return told.code if isinstance(told, Fault) else None


def source_frame(
    *,
    kind: str,
    path: Path | str,
    status: Status,
    form: str | None = None,
    rows: int = 0,
    messages: Iterable[str] = (),
    line: int | None = None,
    column: int | None = None,
    claimed: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return one ``sources`` row as a frame; messages are joined, credentials in them masked.

    A source that is whole but for what a message says was repaired is ``repaired``. ``line`` and ``column``
    count from 1. ``claimed`` is what a header says, beside what was counted.
    """
    # A fault keeps its code: most messages are well spelt, and stay what they are.
    known = list(dict.fromkeys(m if m.isascii() else _spelt(m) for m in messages if m))
    text = "; ".join(known)
    codes = [code for code in map(fault_code, known) if code]
    code = next((code for code in codes if code != "repaired"), None)
    status = "repaired" if status == "ok" and "repaired" in codes else status
    row = {
        "fault": code,
        "kind": kind,
        "format": form,
        "path": redact_text(spelt(path)),
        "status": status,
        "message": redact_text(text) or None,
        "cause": redact_text(known[0]) if len(known) > 1 else None,
        "claimed": json.dumps(claimed, sort_keys=True) if claimed else None,
    }
    counts = {"rows": rows, "line": line, "column": column}
    # Each with its dtype, and nulls left out: thousands of files have a row each, and a cast costs most of it.
    integers = {name: pd.array([value], dtype="Int64") for name, value in counts.items() if value is not None}
    return pd.DataFrame({name: [value] for name, value in row.items() if value is not None} | integers)


def _spelt(message: str) -> str:
    text = spelt(message)
    return message if text == message else Fault(text, fault_code(message))


def source_evidence(
    tables: Mapping[str, pd.DataFrame],
    *,
    kind: str,
    path: Path | str,
    status: Status,
    form: str | None = None,
    messages: Iterable[str] = (),
    line: int | None = None,
    column: int | None = None,
    claimed: Mapping[str, Any] | None = None,
    rows: int | None = None,
) -> Evidence:
    """Return the tables one source gave, together with its ``sources`` row; ``rows`` counts them unless it is given."""
    source = source_frame(
        kind=kind,
        path=path,
        status=status,
        form=form,
        rows=sum(len(frame) for frame in tables.values()) if rows is None else rows,
        messages=messages,
        line=line,
        column=column,
        claimed=claimed,
    )
    return Evidence.of(sources=source, **tables)


def named(evidence: Evidence, target: str) -> Evidence:
    """Return the evidence with its sources marked as those of one configured target, suite or scan.

    What fails then casts doubt on the conditions of that name alone.
    """
    if not len(evidence["sources"]):
        return evidence
    return Evidence({**evidence.tables, "sources": evidence["sources"].assign(target=target).astype({"target": "str"})})


def doubted(sources: pd.DataFrame, which: pd.Series, why: str) -> pd.DataFrame:
    """Return ``sources`` with some of its rows partial, for this reason; what was said of them before follows.

    A source that gave nothing stays as it is.
    """
    found = sources.copy()
    usable = which & sources["status"].ne("error")
    said = found.loc[usable, "message"]
    text = redact_text(why)
    found.loc[usable, "message"] = (text + "; " + said).fillna(text)
    found.loc[usable, "cause"] = text
    found.loc[usable, "status"] = "partial"
    if code := fault_code(why):
        found.loc[usable, "fault"] = code
    return found
