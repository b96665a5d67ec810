"""Rows of a changed range, as collecting writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from stabkit.schema import conform
from stabkit.vocabulary import CHANGE_FACTS

FILE: dict[str, Any] = {
    "path": "app/core.py",
    "status": "modified",
    "added": 3,
    "deleted": 1,
    "category": "internal",
    "area": "app",
    "importers": 4,
    "churn_percentile": 50.0,
}


def rank(percentile: float | None, **inputs: Any) -> str:
    told = {"compared": 400, "steps": 1, "lines_added": 3, "files": 1, "folders": 1, "experience": 9}
    return json.dumps({"percentile": percentile, **told, **inputs})


def changes(*rows: Mapping[str, Any], percentile: float | None = 50.0, **inputs: Any) -> pd.DataFrame:
    shared = {"rank": rank(percentile, **inputs)}
    return conform("changes", pd.DataFrame([{**FILE, **shared, **row} for row in rows or ({},)]))


def fact(path: str = "app/core.py", **values: Any) -> dict[str, Any]:
    told = {"path": path, "line": 3, "what": "pay", "change": "removed", "noun": "function", "before": None}
    return {**told, "after": None, "proven": True, "scope": "production", **values}


def checks(**outcomes: str | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return checks by what they look for: an outcome, or the facts that one found."""
    rows = []
    for name, found in outcomes.items():
        facts = [] if isinstance(found, str) else list(found)
        told = {"examined": 2, "noun": "files", "why": None, "open": None, "total": len(facts), "facts": facts}
        outcome = found if isinstance(found, str) else "fail"
        if outcome == "not_checked":
            told |= {"why": "a.py cannot be parsed", "open": "a.py cannot be parsed"}
        row = {"target": "changes", "check": CHANGE_FACTS[name], "outcome": outcome, "facts": json.dumps(told)}
        rows.append(row)
    return conform("checks", pd.DataFrame(rows, columns=["target", "check", "outcome", "facts"]))


def named_tests(name: str, *statuses: str) -> pd.DataFrame:
    rows = [
        {"suite": "unit", "name": name, "test_id": f"tests/{name}.py::test_a", "attempt": number, "status": status}
        for number, status in enumerate(statuses, 1)
    ]
    return conform("tests", pd.DataFrame(rows))
