"""Whether a SARIF run is a whole scan: what it says of its own execution, and of results kept elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from stabkit.read.json_shapes import entries, mapped
from stabkit.text import amount

__all__ = ["invocations", "refused_version", "scanned_commit", "switched_off", "whole_scan_faults"]


_NOTIFIED: Final = {"error": ("error", "errors"), "warning": ("warning", "warnings")}

# Words of a tool for what it did not look at, whatever the level that it gives them.
_LEFT_OUT: Final = re.compile(
    r"\btime[ds]?[ -]?out|\btimeout|\bskipped (?:file|scan|anal|pars|target|because)|\bskipping\b"
    r"|\b(?:not|never|only partially|partially|partly) (?:be )?(?:scanned|analy[sz]ed|parsed|read|processed|checked)\b"
    r"|\b(?:could not|couldn't|cannot|can't|unable to|failed to) (?:be )?"
    r"(?:scan|analy[sz]e|parse|read|process|open|load)"
    r"|\b(?:parse|parsing|syntax|lexical|fatal|internal) ?errors?\b|\bPartialParsing\b|\btruncated\b|\bcrashed\b",
    re.IGNORECASE,
)


def refused_version(log: Mapping[str, Any]) -> str | None:
    """Return why a log is of another version than 2.1; None for 2.1, and for a log that states no version.

    Examples
    --------
    >>> refused_version({"version": "1.0.0"})
    "it is SARIF '1.0.0', of which the fields have other names; only 2.1.0 is read"
    >>> refused_version({"version": "2.1.0-rtm.5"}) is None
    True
    """
    version = log.get("version")
    if version is None or str(version).startswith("2.1"):
        return None
    return f"it is SARIF {str(version)[:40]!r}, of which the fields have other names; only 2.1.0 is read"


def invocations(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the invocations of a run that are objects."""
    return list(_objects(run.get("invocations")))


def whole_scan_faults(run: Mapping[str, Any], tool: str) -> list[str]:
    """Return the reasons why a run is no whole scan; none if it is one.

    Notes
    -----
    What a tool could not look at, it says in notifications: a timeout, a file that it parsed in part. SARIF 2.1.0,
    3.58.6: a notification without a level is a warning. Notes and those of level ``none`` say how it went, unless they
    hold an exception or their words say that something was left out. Who turned another tool's report into SARIF says
    in ``conversion`` what it lost.
    """
    found = []
    conversion = mapped(run.get("conversion")).get("invocation")
    for invocation in [*invocations(run), *_objects([conversion])]:
        if invocation.get("executionSuccessful") is False:
            found.append(f"{tool} says its execution was not successful")
        if signal := invocation.get("exitSignalName") or invocation.get("exitSignalNumber"):
            found.append(f"{tool} was ended by a signal: {str(signal)[:40]}")
        if refusal := invocation.get("processStartFailureMessage"):
            found.append(f"{tool} did not start: {str(refusal)[:300]}")
        notes = [
            note
            for key in ("toolExecutionNotifications", "toolConfigurationNotifications")
            for note in _objects(invocation.get(key))
        ]
        for level, words in _NOTIFIED.items():
            told = [note for note in notes if _level(note) == level]
            if told:
                found.append(f"{tool} reports {amount(len(told), *words)} of its own, such as: {_said(told[0])}")
    # SARIF 2.1.0, 3.14.2 and 3.15.3: large results may lie in a file of their own, and "results" is then empty here.
    elsewhere = run.get("externalPropertyFileReferences")
    if isinstance(elsewhere, dict) and elsewhere.get("results"):
        found.append(f"{tool} keeps results in another file, which is not read")
    return found


def _level(note: Mapping[str, Any]) -> str:
    """Return the level of a notification; one that nobody knows is a warning: it says nothing of how it went."""
    level = note.get("level")
    if level in ("note", "none"):
        told = f"{mapped(note.get('descriptor')).get('id')} {mapped(note.get('message')).get('text')}"
        return "warning" if note.get("exception") or _LEFT_OUT.search(told) else level
    return "error" if level == "error" else "warning"


def _said(note: Mapping[str, Any]) -> str:
    """Return the text of a notification, with the file it speaks of where the text does not name it."""
    message = note.get("message")
    text = " ".join(str((message.get("text") if isinstance(message, dict) else None) or "no text").split())
    places = [
        mapped(mapped(place.get("physicalLocation")).get("artifactLocation"))
        for place in _objects(note.get("locations"))
    ]
    names = [str(place["uri"]) for place in places if isinstance(place.get("uri"), str) and place["uri"] not in text]
    return f"{', '.join(names[:3])}: {text}"[:300] if names else text[:300]


def scanned_commit(runs: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the one commit that the runs say they looked at (``versionControlProvenance``), or None.

    Examples
    --------
    >>> scanned_commit([{"versionControlProvenance": [{"revisionId": "5f3c9d1"}]}])
    '5f3c9d1'
    """
    found = {
        str(entry["revisionId"])
        for run in runs
        for entry in _objects(run.get("versionControlProvenance"))
        if isinstance(entry.get("revisionId"), str) and entry["revisionId"].isalnum()
    }
    return found.pop() if len(found) == 1 else None


def switched_off(run: Mapping[str, Any]) -> set[str]:
    """Return the ids of the rules that the configuration of this run switched off (``ruleConfigurationOverrides``)."""
    return {
        str(descriptor.get("id"))
        for invocation in invocations(run)
        for override in _objects(invocation.get("ruleConfigurationOverrides"))
        for descriptor in _objects([override.get("descriptor")])
        for configuration in _objects([override.get("configuration")])
        if configuration.get("enabled") is False
    }


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in entries(value) if isinstance(entry, dict))
