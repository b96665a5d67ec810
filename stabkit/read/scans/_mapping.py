"""Findings in a JSON or CSV file that no reader knows, by the mapping that the configuration declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stabkit.config import FindingMapping
from stabkit.paths import MISSING, find_field
from stabkit.read.content import ReportError, read_head
from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import listed, whole
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.read.table_content import broken_rows, read_table
from stabkit.schema import Evidence

__all__ = ["FORMAT", "read_mapped"]

FORMAT: Final = "mapped"


def read_mapped(path: Path, mapping: FindingMapping, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the file, its ``scans`` and its ``sources`` row.

    A file that begins with a brace or a bracket is JSON, any other is CSV with a header.

    Raises
    ------
    ReportError
        Neither can be read; the declared list is none; or rule or path stand in none of its entries: then the mapping
        is wrong, and no finding must not be the answer.
    """
    scan = Scan(mapping.tool)
    if read_head(path).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        rows = _json_rows(path, mapping, scan)
    else:
        table = read_table(path)
        scan.unread += [cut for cut in [broken_rows(table)] if cut]
        rows = [
            {str(key): None if pd.isna(cell) else cell for key, cell in row.items()} for row in table.to_dict("records")
        ]
        _check_columns(table.columns, mapping)
    severities = {word.lower(): standard for word, standard in mapping.severities.items()}
    scan.results = [result for row in rows for result in _results(row, mapping, severities)]
    for key in ("rule", "path"):
        if rows and all(getattr(result, key) is None for result in scan.results):
            raise ReportError(f"the mapping of {key} finds nothing: no entry holds {getattr(mapping, key)!r}")
    unknown = {r.severity for r in scan.results if r.severity and severities and r.severity not in severities.values()}
    if unknown:
        scan.warnings.append(f"severities without a mapping: {', '.join(sorted(unknown)[:5])}")
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _json_rows(path: Path, mapping: FindingMapping, scan: Scan) -> list[dict[str, Any]]:
    content = load_json(path)
    scan.warnings += content.warnings
    found = content.value if mapping.findings is None else find_field(content.value, mapping.findings)
    if found is MISSING:
        raise ReportError(f"the mapping of findings finds nothing: the document holds no {mapping.findings!r}")
    if mapping.files is not None:
        files = find_field(content.value, mapping.files)
        if isinstance(files, list):
            scan.paths = [str(file) for file in files]
        elif (number := whole(files)) is not None:
            scan.files_scanned = number
        else:
            scan.warnings.append(f"the document holds no list or number of files at {mapping.files!r}")
    return listed(found, f"what stands at {mapping.findings!r}" if mapping.findings else "the document")


def _check_columns(columns: Iterable[object], mapping: FindingMapping) -> None:
    known = [str(column) for column in columns]
    wanted = (getattr(mapping, key) for key in ("rule", "path", "line", "message", "severity", "fingerprint"))
    missing = [name for name in wanted if name is not None and name not in known]
    if missing:
        raise ReportError(f"the table has no column {missing[0]!r}; its columns are {', '.join(known)[:200]}", line=1)


def _results(row: Mapping[str, Any], mapping: FindingMapping, severities: Mapping[str, str]) -> Iterator[Result]:
    """Yield the finding of an entry, one for each of its places: what names it names the first of them."""
    word = _text(row, mapping.severity)
    paths, lines = _values(row, mapping.path), _values(row, mapping.line)
    first = Result(
        _text(row, mapping.rule),
        None,
        None,
        _text(row, mapping.message),
        None if word is None else severities.get(word.lower(), word.lower()),
        _text(row, mapping.fingerprint),
    )
    # Several lines beside one path are lines of that file; else the two lists belong together.
    places = list(zip_longest(paths * (len(lines) or 1) if len(paths) == 1 else paths, lines))
    for number, (path, line) in enumerate(dict.fromkeys((_as_text(path), positive(line)) for path, line in places)):
        yield replace(first, path=path, line=line, fingerprint=None if number else first.fingerprint)


def _values(row: Mapping[str, Any], place: str | None) -> list[Any]:
    """Return what stands at a place, at least one value: each of a list, and at ``a[*].b`` the ``b`` of each ``a``."""
    if place is None:
        return []
    head, star, rest = place.replace("[*]", ".*").partition(".*")
    value = find_field(row, head)
    found = value if isinstance(value, list) else [value]
    if star and rest:
        found = [find_field(entry, rest.removeprefix(".")) for entry in found]
    return found or [MISSING]


def _text(row: Mapping[str, Any], place: str | None) -> str | None:
    return _as_text(MISSING if place is None else find_field(row, place))


def _as_text(value: object) -> str | None:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value).strip() or None
    return None
