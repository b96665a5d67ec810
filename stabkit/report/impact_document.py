"""The impact of a change as JSON values: a contract that other programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from stabkit.analyze.change import Line, assess_changes, missing_commits
from stabkit.case import Case
from stabkit.report.sections import overall
from stabkit.report.words import fact_text, file_reason_text, risk_texts

__all__ = ["impact_document"]

_ITEM: Final = ("path", "line", "what", "change", "noun", "before", "after", "confidence", "scope", "accepted")


def impact_document(case: Case, *, repository: str | None = None) -> dict[str, Any]:
    """Return the impact of the case's change; see :meth:`stabkit.report.impact.ChangeImpact.document`."""
    changes, checks = case.after["changes"], case.after["checks"]
    risk = case.risk
    files = assess_changes(changes, checks=checks, tests=case.after["tests"], gate=case.gate)
    ends = [None if changes.empty or pd.isna(changes[name].iloc[0]) else str(changes[name].iloc[0]) for name in _ENDS]
    sources = case.after["sources"]
    return {
        "schema": 1,
        "base": ends[0],
        "head": ends[1],
        "risk": {
            "level": risk.level,
            "percentile": risk.percentile,
            "inputs": dict(risk.inputs),
            "reasons": list(risk_texts(risk)),
        },
        "files": [_file(row) for row in files.to_dict("records")],
        "checklist": [_line(line) for line in case.lines],
        "missing_in_candidate": [dict(one) for one in missing_commits(checks)],
        "recommendations": [
            {"do": step.what, "because": step.because, "command": step.command, "when": step.when}
            for step in overall.change_steps(case, repository=repository)
        ],
        "notes": [str(text) for text in sources.loc[sources["kind"] == "changes", "message"].dropna()],
    }


_ENDS: Final = ("base_commit", "head_commit")


def _file(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "path": row["path"],
        "old_path": None if pd.isna(row["old_path"]) else row["old_path"],
        "status": row["status"],
        "added": None if pd.isna(row["added"]) else int(row["added"]),
        "deleted": None if pd.isna(row["deleted"]) else int(row["deleted"]),
        "category": row["category"],
        "area": row["area"],
        "owner": row["owner"],
        "criticality": row["criticality"],
        "level": row["level"],
        "reasons": [file_reason_text([reason]) for reason in row["reasons"]],
        "functions": _listed(row["functions"]),
        "importers": None if pd.isna(row["importers"]) else int(row["importers"]),
        "tests_changed_alongside": _listed(row["tests_alongside"]),
        "usually_changes_with": _listed(row["partners"]),
    }


def _listed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else None


def _line(line: Line) -> dict[str, Any]:
    return {
        "line": line.line,
        "answer": line.answer,
        "items": [{name: one[name] for name in _ITEM} | {"text": fact_text(one)} for one in line.items],
        "examined": line.examined,
        "examined_what": line.noun,
        "why": line.why,
        "method": line.method,
        "total": line.total,
    }
