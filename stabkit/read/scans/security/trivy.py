"""Trivy's JSON: targets with vulnerable packages, wrong settings, secrets and licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import entries, listed, mapped, moment, text, whole
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "trivy"
KIND: Final = "scan"
_LISTS: Final = ("Vulnerabilities", "Misconfigurations", "Secrets", "Licenses")


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is Trivy's JSON."""
    keys = set(json_keys(head))
    return "SchemaVersion" in keys and bool({"ArtifactName", "ArtifactType", "Results"} & keys)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    Targets are what was scanned. The packages of an image's system are called by the system (``debian``), since the
    target's own name holds the tag of the image. A report that names no target scanned nothing.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    report = mapped(content.value)
    version = text(mapped(report.get("Trivy")).get("Version"))
    scan = Scan("trivy", version, warnings=list(content.warnings), scanned_at=moment(report.get("CreatedAt")))
    targets = listed(report.get("Results") or [], "Results")
    if not targets:
        scan.unread.append("it names no target: nothing was scanned")
    for target in targets:
        for key in _LISTS:
            listed(target.get(key) or [], key)
        scan.results += _results(target)
        failures = whole(mapped(target.get("MisconfSummary")).get("Failures")) or 0
        if failures > sum(one.get("Status") != "PASS" for one in entries(target.get("Misconfigurations"))):
            scan.unread.append(f"{text(target.get('Target'))}: more failed checks are counted than stand here")
    if mapped(mapped(report.get("Metadata")).get("OS")).get("EOSL") is True:
        scan.warnings.append("the system has reached its end of life: new vulnerabilities are not told of it any more")
    scan.paths = [_place(target) for target in targets]
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _place(target: Mapping[str, Any]) -> str:
    name = text(target.get("Target")) or "(?)"
    system = text(target.get("Type"))
    return system if system is not None and target.get("Class") == "os-pkgs" else name


def _results(target: Mapping[str, Any]) -> Iterator[Result]:
    place = _place(target)
    for one in entries(target.get("Vulnerabilities")):
        yield _vulnerability(one, place, suppressed=False)
    for one in entries(target.get("Misconfigurations")):
        if one.get("Status") != "PASS":
            yield _misconfiguration(one, place, suppressed=one.get("Status") == "EXCEPTION")
    for one in entries(target.get("Secrets")):
        yield Result(
            text(one.get("RuleID")), place, positive(one.get("StartLine")), text(one.get("Title")), _severity(one)
        )
    for one in entries(target.get("Licenses")):
        said = " ".join(filter(None, (text(one.get("PkgName")), text(one.get("Category")))))
        yield Result(text(one.get("Name")), text(one.get("FilePath")) or place, None, said or None, _severity(one))
    for changed in (mapped(entry) for entry in entries(target.get("ExperimentalModifiedFindings"))):
        finding = mapped(changed.get("Finding"))
        if "VulnerabilityID" in finding:
            yield _vulnerability(finding, place, suppressed=True)
        elif "ID" in finding:
            yield _misconfiguration(finding, place, suppressed=True)


def _severity(one: Mapping[str, Any]) -> str | None:
    return text(one.get("Severity"))


def _vulnerability(one: Mapping[str, Any], place: str, *, suppressed: bool) -> Result:
    package = text(one.get("PkgName")) or "(?)"
    inner = text(one.get("PkgPath")) or ""
    rule = text(one.get("VulnerabilityID"))
    fixed = text(one.get("FixedVersion"))
    said = f"{package} {text(one.get('InstalledVersion')) or '(?)'}{f', fixed in {fixed}' if fixed else ''}"
    title = text(one.get("Title"))
    # A version that changes leaves the vulnerability of the package what it was.
    own = f"{rule} {place} {inner} {package}"
    return Result(rule, place, None, f"{said}: {title}" if title else said, _severity(one), own, suppressed=suppressed)


def _misconfiguration(one: Mapping[str, Any], place: str, *, suppressed: bool) -> Result:
    line = positive(mapped(one.get("CauseMetadata")).get("StartLine"))
    said = text(one.get("Message")) or text(one.get("Title"))
    return Result(text(one.get("ID")), place, line, said, _severity(one), suppressed=suppressed)
