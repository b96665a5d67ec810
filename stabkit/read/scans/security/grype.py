"""Grype's JSON: matches of packages with the vulnerabilities that are known of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, moment, text
from stabkit.read.scans._results import Result, Scan
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "grype"
KIND: Final = "scan"


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Grype's JSON."""
    keys = set(json_keys(head))
    return "matches" in keys and (b'"vulnerability"' in head or "descriptor" in keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    A package found in several places is a finding in each. Matches that a rule or a VEX document ignores are
    suppressed.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    about = mapped(report.get("descriptor"))
    scan = Scan(
        "grype",
        text(about.get("version")),
        warnings=list(content.warnings),
        scanned_at=moment(about.get("timestamp")),
    )
    for match in listed(report.get("matches"), "matches"):
        scan.results += _results(match, suppressed=False)
    for match in listed(report.get("ignoredMatches") or [], "ignoredMatches"):
        scan.results += _results(match, suppressed=True)
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _results(match: Mapping[str, Any], *, suppressed: bool) -> Iterator[Result]:
    known, package = mapped(match.get("vulnerability")), mapped(match.get("artifact"))
    rule, name = text(known.get("id")), text(package.get("name")) or "(?)"
    versions = [str(version) for version in entries(mapped(known.get("fix")).get("versions"))]
    said = f"{name} {text(package.get('version')) or '(?)'}{f', fixed in {versions[0]}' if versions else ''}"
    told = (text(mapped(place).get("path")) for place in entries(package.get("locations")))
    places: tuple[str | None, ...] = tuple(dict.fromkeys(place for place in told if place is not None))
    for place in places or (None,):
        own = f"{rule} {place or ''} {name}"
        yield Result(rule, place, None, said, text(known.get("severity")), own, suppressed=suppressed)
