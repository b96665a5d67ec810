"""The source text at a finding, hashed: by it a finding is known again when lines or files move.

Of a scan that ran here the files are those it looked at. A report made elsewhere may speak of other files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.read.fingerprints import sha256_of
from stabkit.schema import Evidence

__all__ = ["with_context"]

CHARACTERS: Final = 100
"""Non-blank ones from the line on, as GitHub's code scanning takes them for its own fingerprints."""

_LARGEST: Final = 4 * 1024**2


def with_context(evidence: Evidence, folder: Path) -> Evidence:
    """Return the evidence with ``context_sha256`` of each finding whose line can be read beneath ``folder``.

    What the report gives itself stays. A path that leads out of the folder, also by a link, is not opened.
    """
    findings = evidence["findings"]
    if findings.empty:
        return evidence
    sources: dict[str, list[str] | None] = {}
    found = [_context(row, folder, sources) for row in findings.to_dict("records")]
    context = findings["context_sha256"].fillna(pd.Series(found, index=findings.index, dtype="str"))
    return Evidence({**evidence.tables, "findings": findings.assign(context_sha256=context)})


def _context(row: dict[Any, Any], folder: Path, sources: dict[str, list[str] | None]) -> str | None:
    path, line = row["path"], row["line"]
    if pd.isna(path) or pd.isna(line):
        return None
    if path not in sources:
        sources[path] = _lines(folder, path)
    lines = sources[path]
    if lines is None or line > len(lines):
        return None
    text = ""
    for following in lines[int(line) - 1 :]:
        text += "".join(following.split())
        if len(text) >= CHARACTERS:
            break
    return sha256_of([text[:CHARACTERS]]) if text else None


def _lines(folder: Path, path: str) -> list[str] | None:
    try:
        place = (folder / path).resolve()
        if not place.is_relative_to(folder.resolve()) or not place.is_file() or place.stat().st_size > _LARGEST:
            return None
        return place.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return None
