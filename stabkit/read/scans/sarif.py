"""SARIF 2.1.0, the exchange format of static analysis: each of its runs is one scan.

A run without ``results`` is no scan, an empty list is a clean one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import pandas as pd

from stabkit.read.content import ReportError, normalise_path
from stabkit.read.fingerprints import computed_fingerprints, sha256_of
from stabkit.read.json_content import json_keys, load_json, without_collections
from stabkit.read.json_shapes import entries, mapped, moment
from stabkit.read.scans._results import UNPARSED, positive, snippet_sha256, unread
from stabkit.read.scans._sarif_execution import (
    invocations,
    refused_version,
    scanned_commit,
    switched_off,
    whole_scan_faults,
)
from stabkit.redact import redact_text
from stabkit.schema import Evidence
from stabkit.sources import source_evidence
from stabkit.text import amount, spelt

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "sarif"
KIND: Final = "scan"

_SIGN: Final = re.compile(rb'sarif|"driver"|"version"\s*:\s*"2\.', re.IGNORECASE)
_NO_PROBLEM: Final = frozenset({"pass", "notApplicable", "informational"})
# SARIF 2.1.0, 3.35.3: a suppression without a status is accepted; "underReview" and "rejected" are not.
_ACCEPTED: Final = (None, "accepted")
# SARIF 2.1.0, 3.27.10: a result that names no level takes its rule's, and without that "warning".
_DEFAULT_LEVEL: Final = "warning"
# What Semgrep writes for every finding where nobody has logged in: it identifies none.
_PLACEHOLDER: Final = "requires login"
_PLACEHOLDERS: Final = re.compile(r"\{(\d{1,6})\}")
_LONGEST: Final = 64 * 1024
_LEVELS: Final = frozenset({"none", "note", "warning", "error"})
_REMARKS: Final = frozenset({"none", "note"})
# CVSS's ratings of a score, as code scanning takes them from "security-severity".
_RATINGS: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a SARIF log: an object with runs and SARIF's version."""
    # In a long log with its keys in another order, the version lies beyond these bytes; its tool does not.
    return "runs" in json_keys(head) and _SIGN.search(head) is not None


@without_collections()
def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``scans`` and ``findings`` of a SARIF log and its ``sources`` row.

    Parameters
    ----------
    path : Path
        The log, plain or gzip.
    suite : str, optional
        The configured scan; it becomes the ``scan_id`` (of several runs: ``name#2``, ``name#3``), else the path does.
    root : Path, optional
        Absolute paths beneath it become relative.

    Raises
    ------
    ReportError
        Not JSON, or not a SARIF log.
    """
    content = load_json(path)
    log = content.value
    if not isinstance(log, dict) or not isinstance(log.get("runs"), list):
        raise ReportError("not a SARIF log: it has no list of runs")
    if (refused := refused_version(log)) is not None:
        raise ReportError(refused)
    warnings = list(content.warnings)
    scans: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    lacking: set[str] = set()  # tools of which a run is no scan: what their other runs lack proves nothing
    for number, run in enumerate(log["runs"], start=1):
        scan_id = (suite or redact_text(spelt(path))) + (f"#{number}" if number > 1 else "")
        if not isinstance(run, dict):
            raise ReportError(f"run {number} is no object")
        reader = _Run(run, scan_id, root)
        if run.get("results") is None:
            warnings.append(f"run {number} of {reader.tool} has no results (null): it is no scan")
            lacking.add(reader.tool)
            continue
        findings += reader.findings(warnings)
        scans.append(reader.scan(warnings))
    if not log["runs"]:
        warnings.append("it holds no run")
    if log.get("inlineExternalProperties"):
        warnings.append("it keeps properties of runs outside them, which are not read")
        lacking |= {scan["tool"] for scan in scans}
    for scan in scans:
        scan["complete"] = scan["complete"] and scan["tool"] not in lacking
    whole = bool(scans) and not lacking and all(scan["complete"] for scan in scans)
    return source_evidence(
        {"scans": pd.DataFrame(scans), "findings": pd.DataFrame(findings)},
        kind=KIND,
        path=path,
        form=FORMAT,
        status="ok" if whole else "partial",
        messages=warnings,
        claimed={"commit": commit} if (commit := scanned_commit(log["runs"])) is not None else None,
    )


class _Place(NamedTuple):
    """Where a finding is: its file, its line, and the location as the log has it."""

    path: str | None
    line: int | None
    physical: Mapping[str, Any]


class _Run:
    """One run of a SARIF log, read with a distrust of every field."""

    def __init__(self, run: Mapping[str, Any], scan_id: str, root: Path | None) -> None:
        self.run = run
        self.scan_id = scan_id
        self.root = root
        driver = mapped(mapped(run.get("tool")).get("driver"))
        self.tool = str(driver.get("name") or "(?)")
        self.version = driver.get("semanticVersion") or driver.get("version")
        self.components = [driver, *map(mapped, entries(mapped(run.get("tool")).get("extensions")))]
        self.rules = [rule for rule in map(mapped, entries(driver.get("rules"))) if rule]
        self._by_id = {
            str(rule.get("id")): rule for part in self.components for rule in map(mapped, entries(part.get("rules")))
        }
        self._paths: dict[tuple[str, str | None], str] = {}
        self._used_rules: set[str] = set()
        self._switched_off = switched_off(run)
        self.unread: list[str] = []
        self.artifacts = [mapped(artifact) for artifact in entries(run.get("artifacts"))]
        self.bases = mapped(run.get("originalUriBaseIds"))
        places = [mapped(base).get("uri") for base in self.bases.values()]
        # An absolute base is the checkout's place on one machine: paths stay relative to it.
        self._absolute_bases = sorted(
            (
                unquote(urlsplit(p).path)
                for p in places
                if isinstance(p, str) and p.startswith("file:") and p.endswith("/")
            ),
            key=len,
            reverse=True,
        )

    def scan(self, warnings: list[str]) -> dict[str, Any]:
        faults = whole_scan_faults(self.run, self.tool)
        if self.unread:
            faults.append(unread(self.unread))
        warnings += faults
        active = self._active_rules()
        # Only a tool that states what it looked at says so by "analysisTarget"; other artifacts are mere mentions.
        paths = sorted(
            {self._uri(a.get("location")) or "" for a in self.artifacts if "analysisTarget" in entries(a.get("roles"))}
            - {""}
        )
        started = next((i.get("startTimeUtc") for i in invocations(self.run)), None)
        return {
            "scan_id": self.scan_id,
            "tool": self.tool,
            "version": str(self.version) if self.version is not None else None,
            "scope": "all",
            "scope_sha256": sha256_of(paths) if paths else None,
            "rules_sha256": sha256_of(active) if active else None,
            "files_scanned": len(paths) or None,
            "complete": not faults,
            "scanned_at": moment(started),
            "paths": json.dumps(paths) if paths else None,
            "rules": json.dumps(active) if active else None,
            "rules_off": json.dumps(off) if (off := self._rules_off()) else None,
            "category": redact_text(category) if (category := _category(self.run)) else None,
        }

    def _active_rules(self) -> list[str]:
        """Return the active rules with their levels; none if the tool lists only those that found something.

        Such a list (ruff's, for one) changes with the findings, and would make two scans of equal rules look unlike.
        """
        if all(rule in self._used_rules for rule in self._by_id):
            return []
        return sorted(f"{name}:{self._level(rule)}" for name, rule in self._by_id.items() if self._enabled(name, rule))

    def _rules_off(self) -> list[str]:
        return sorted({*self._switched_off, *(n for n, r in self._by_id.items() if not self._enabled(n, r))})

    def findings(self, warnings: list[str]) -> list[dict[str, Any]]:
        rows = []
        names = []
        broken = 0
        if not isinstance(self.run["results"], list):
            raise ReportError(f"the results of {self.tool} are no list")
        for result in self.run["results"]:
            if not isinstance(result, dict):
                broken += 1
                continue
            name, rule = self._rule(result)
            self._used_rules.add(name)
            if _word(result.get("kind")) in _NO_PROBLEM or result.get("baselineState") == "absent":
                continue
            own, partial = _keys(result.get("fingerprints")), _keys(result.get("partialFingerprints"))
            for place in self._places(result):
                names.append("; ".join([f"{key}={text}" for key, text in own.items()]))
                rows.append(self._finding(result, name, rule, place, own=own, partial=partial))
                # What names the result names one of its places; the others are told apart by where they are.
                own, partial = {}, {}
            # Before ruff named the rule of a file that it cannot parse, it left it away.
            if name in UNPARSED or (name == "(?)" and self.tool == "ruff"):
                self.unread.append(f"{rows[-1]['path']}: {rows[-1]['message']}")
        if broken:
            raise ReportError(f"{broken} of the results of {self.tool} are no objects")
        unnamed = sum(row["rule"] == "(?)" for row in rows)
        if unnamed:
            warnings.append(amount(unnamed, "finding names no rule", "findings name no rule"))
        texts = ((row["rule"], row["path"], row["context_sha256"] or row["message"]) for row in rows)
        for row, name, computed in zip(rows, names, computed_fingerprints(texts), strict=True):
            row["fingerprint"] = name or computed
        return rows

    def _places(self, result: Mapping[str, Any]) -> list[_Place]:
        """Return the places of a result, in order; without any, the one that is not stated.

        SARIF 2.1.0, 3.27.12: several locations are places that all have to be changed. Each is a finding: a tool that
        puts ten calls into one result has found ten.
        """
        stated = entries(result.get("locations"))
        if len(stated) < 2:
            return [self._place(stated[0] if stated else None)]
        known = {}
        for location in reversed(stated):
            place = self._place(location)
            # What is in no file, a resource of a cluster say, has a name at least.
            named = "" if place.path else _logical(location)
            if place.path or named:
                known[place.path or "", place.line or 0, named] = place
        return [known[key] for key in sorted(known)] or [self._place(stated[0])]

    def _place(self, location: object) -> _Place:
        physical = mapped(mapped(location).get("physicalLocation"))
        line = positive(mapped(physical.get("region")).get("startLine"))
        return _Place(self._uri(physical.get("artifactLocation")), line, physical)

    def _finding(
        self, result: Mapping[str, Any], name: str, rule: Mapping[str, Any], place: _Place,
        *, own: Mapping[str, str], partial: Mapping[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        physical = place.physical
        region = mapped(physical.get("region"))
        context = mapped(mapped(physical.get("contextRegion")).get("snippet")).get("text")
        snippet = mapped(region.get("snippet")).get("text")
        source = snippet or context
        level = stated if (stated := _word(result.get("level"))) in _LEVELS else self._level(rule)
        if level in _REMARKS:
            level = _security_severity(rule) or level
        return {
            "scan_id": self.scan_id,
            "tool": self.tool,
            "rule": name,
            "severity": str(level).lower(),
            "scope": "all",
            "path": place.path,
            "line": place.line,
            "message": redact_text(self._message(result, rule)),
            "fingerprints": _json_of(own),
            "partial_fingerprints": _json_of(partial),
            "context_sha256": sha256_of(["".join(source.split())]) if isinstance(source, str) and source else None,
            "snippet_sha256": snippet_sha256(snippet),
            "suppressed": _suppressed(result),
        }

    def _rule(self, result: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        reference = mapped(result.get("rule"))
        identity = result.get("ruleId") or reference.get("id")
        index = result.get("ruleIndex", reference.get("index"))
        component = self._component(mapped(reference.get("toolComponent")).get("index"))
        rules = entries(component.get("rules"))
        indexed = mapped(rules[index]) if _is_index(index, rules) else {}
        if identity is None:
            identity = indexed.get("id")
        text = str(identity) if identity else "(?)"
        # A hierarchical id such as CA1000/1 is described by its rule CA1000.
        rule = indexed or self._by_id.get(text) or self._by_id.get(text.rpartition("/")[0]) or {}
        return text, rule

    def _component(self, index: object) -> Mapping[str, Any]:
        extensions = self.components[1:]
        if isinstance(index, int) and _is_index(index, extensions):
            return extensions[index]
        return self.components[0]

    def _level(self, rule: Mapping[str, Any]) -> str:
        level = mapped(rule.get("defaultConfiguration")).get("level")
        return str(level) if _word(level) in _LEVELS else _DEFAULT_LEVEL

    def _enabled(self, name: str, rule: Mapping[str, Any]) -> bool:
        return name not in self._switched_off and mapped(rule.get("defaultConfiguration")).get("enabled") is not False

    def _message(self, result: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
        message = mapped(result.get("message"))
        text = message.get("text") or message.get("markdown")
        if text is None and message.get("id"):
            text = mapped(mapped(rule.get("messageStrings")).get(str(message["id"]))).get("text")
        return _filled(str(text or ""), entries(message.get("arguments")))

    def _uri(self, location: object) -> str | None:
        """Return the path of an artifact location: by index, along the chain of its bases, percent-decoded."""
        place = mapped(location)
        index = place.get("index")
        if not place.get("uri") and isinstance(index, int) and _is_index(index, self.artifacts):
            place = mapped(self.artifacts[index].get("location"))
        uri = place.get("uri")
        if not isinstance(uri, str) or not uri:
            return None
        base = place.get("uriBaseId")
        key = (uri, base if isinstance(base, str) else None)
        if key not in self._paths:
            self._paths[key] = self._resolve_path(*key)
        return self._paths[key]

    def _resolve_path(self, uri: str, base: str | None) -> str:
        uri = self._based(uri, base)
        parts = urlsplit(uri) if not re.match(r"[A-Za-z]:[\\/]", uri) else None
        path = parts.path if parts is not None and parts.scheme in ("", "file") else uri
        clean = normalise_path(redact_text(unquote(path)), root=self.root)
        for folder in self._absolute_bases:
            clean = clean.removeprefix(folder)
        return clean

    def _based(self, uri: str, base: object) -> str:
        seen: set[str] = set()
        while isinstance(base, str) and base in self.bases and base not in seen:
            seen.add(base)
            entry = mapped(self.bases[base])
            prefix = entry.get("uri")
            if not isinstance(prefix, str) or "://" in prefix or prefix.startswith(("/", "file:")):
                break
            uri = urljoin(prefix if prefix.endswith("/") else prefix + "/", uri)
            base = entry.get("uriBaseId")
        return uri


def _logical(location: object) -> str:
    """Return the name of what a location is in, where that is no file; empty without one."""
    named = [mapped(part) for part in entries(mapped(location).get("logicalLocations"))]
    return "; ".join(str(part.get("fullyQualifiedName") or part.get("name") or "") for part in named)


def _filled(text: str, arguments: list[Any]) -> str:
    """Return a text with its placeholders filled, once: an argument may look like one, and is text."""
    if not arguments:
        return text
    parts, size = [], 0
    for number, part in enumerate(_PLACEHOLDERS.split(text)):
        if number % 2:
            part = str(arguments[int(part)]) if int(part) < len(arguments) else f"{{{part}}}"  # noqa: PLW2901
        parts.append(part)
        size += len(part)
        if size > _LONGEST:  # a long argument in a thousand places
            break
    return "".join(parts)[:_LONGEST]


def _security_severity(rule: Mapping[str, Any]) -> str | None:
    """Return what a security rule says of its severity beside its level, ``unknown`` if that is nothing; else None.

    Scanners of packages write ``note`` for what is low and for what nobody has rated yet.
    """
    properties = mapped(rule.get("properties"))
    tags = {str(tag).lower() for tag in entries(properties.get("tags"))}
    if "security-severity" not in properties and not tags & {"vulnerability", "unknown"}:
        return None
    try:
        score = float(properties.get("security-severity") or 0)
    except (TypeError, ValueError):
        score = 0.0
    return next((word for least, word in _RATINGS if score >= least), "unknown")


def _category(run: Mapping[str, Any]) -> str | None:
    """Return the id of the run's automation, which tells the runs of one tool apart."""
    return _word(mapped(run.get("automationDetails")).get("id"))


def _suppressed(result: Mapping[str, Any]) -> bool:
    stated = [s for s in entries(result.get("suppressions")) if isinstance(s, dict)]
    return any(suppression.get("status") in _ACCEPTED for suppression in stated)


def _keys(value: object) -> dict[str, str]:
    """Return the fingerprints that identify something, by name in order."""
    if not isinstance(value, dict):
        return {}
    return {str(key): str(text) for key, text in sorted(value.items()) if text not in (None, "", _PLACEHOLDER)}


def _json_of(keys: Mapping[str, str]) -> str | None:
    """Return what json.dumps does, which makes an encoder a call: findings come in hundreds of thousands."""
    if not keys:
        return None
    return "{" + ", ".join([f"{_quoted(key)}: {_quoted(text)}" for key, text in keys.items()]) + "}"


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _is_index(index: object, items: list[Any]) -> bool:
    return isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(items)
