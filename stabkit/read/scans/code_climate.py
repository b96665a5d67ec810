"""Code Climate's issues, which GitLab calls a code quality report: a list of issues with fingerprints of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import array_keys, entries, listed, mapped, text
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "code-climate"
KIND: Final = "scan"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a list of such issues."""
    keys = array_keys(head)
    return "location" in keys and bool({"fingerprint", "check_name"} & keys) and "code" not in keys


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    The format names neither the tool nor its version: the tool is the first engine that an issue names, else
    ``code-climate``.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    issues = listed(content.value, "the report")
    engines = [engine for issue in issues if (engine := text(issue.get("engine_name"))) is not None]
    scan = Scan(engines[0] if engines else "code-climate", warnings=list(content.warnings))
    if len(set(engines)) > 1:
        scan.warnings.append(f"issues of {len(set(engines))} engines stand in one report")
    found = [issue for issue in issues if issue.get("type") != "measurement"]
    scan.results = [_result(issue, mapped(issue.get("location"))) for issue in found]
    scan.results += _other_places(found, scan.results)
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _other_places(issues: Sequence[Mapping[str, Any]], results: Sequence[Result]) -> Iterator[Result]:
    """Yield the further places of issues, unless an issue of their own speaks of them: each place is a finding."""
    seen = {(result.rule, result.path, result.line) for result in results}
    for issue in issues:
        for place in entries(issue.get("other_locations")):
            other = replace(_result(issue, mapped(place)), fingerprint=None)
            key = (other.rule, other.path, other.line)
            if other.path is not None and key not in seen:
                seen.add(key)
                yield other


def _result(issue: Mapping[str, Any], location: Mapping[str, Any]) -> Result:
    line = positive(mapped(location.get("lines")).get("begin"))
    if line is None:
        line = positive(mapped(mapped(location.get("positions")).get("begin")).get("line"))
    return Result(
        text(issue.get("check_name")),
        text(location.get("path")),
        line,
        text(issue.get("description")),
        text(issue.get("severity")),
        text(issue.get("fingerprint")),
    )
