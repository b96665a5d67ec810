"""eslint's JSON formatter: one entry a file, clean files too, so that the scanned files are known exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.read.json_content import load_json
from stabkit.read.json_shapes import array_keys, listed, text, whole
from stabkit.read.scans._results import Result, Scan, positive
from stabkit.schema import Evidence

__all__ = ["FORMAT", "KIND", "read", "recognise"]

FORMAT: Final = "eslint"
KIND: Final = "scan"
_SEVERITIES: Final = {1: "warning", 2: "error"}


def recognise(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is eslint's JSON."""
    return {"filePath", "messages"} <= array_keys(head)


def read(path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
    """Return the ``findings`` of the report, its ``scans`` and its ``sources`` row.

    A fatal message, which has no rule, is a file that could not be parsed.

    Raises
    ------
    ReportError
        Not JSON, cut off, or of another shape.
    """
    content = load_json(path)
    files = listed(content.value, "the report")
    scan = Scan("eslint", warnings=list(content.warnings))
    looked_at: list[str] = []
    for entry in files:
        file = text(entry.get("filePath"))
        messages = listed(entry.get("messages"), "messages")
        remarks = 0
        for message in messages:
            if message.get("fatal") is True:
                scan.unread.append(f"{file}: {text(message.get('message')) or 'no message'}")
            elif message.get("ruleId") is not None or positive(message.get("line")) is not None:
                scan.results.append(_result(message, file, suppressed=False))
            else:  # about the file as a whole, such as one that is ignored by configuration
                scan.warnings.append(f"{file}: {text(message.get('message')) or 'no message'}"[:300])
                remarks += 1
        scan.results += _suppressed(entry, file)
        fatal = sum(message.get("fatal") is True for message in messages)
        counts = [whole(entry.get(key)) or 0 for key in ("errorCount", "warningCount", "fatalErrorCount")]
        if sum(counts[:2]) > len(messages) or counts[2] > fatal:
            scan.unread.append(f"{file}: more messages are counted than stand here")
        if file is not None and not (remarks and remarks == len(messages)):  # nothing else: nobody looked at it
            looked_at.append(file)
    scan.paths = looked_at
    return scan.evidence(path, form=FORMAT, suite=suite, root=root)


def _suppressed(entry: Mapping[str, Any], file: str | None) -> Iterator[Result]:
    for message in listed(entry.get("suppressedMessages", []), "suppressedMessages"):
        yield _result(message, file, suppressed=True)


def _result(message: Mapping[str, Any], file: str | None, *, suppressed: bool) -> Result:
    line, severity = positive(message.get("line")), _SEVERITIES.get(whole(message.get("severity")) or 0)
    said = text(message.get("message"))
    return Result(text(message.get("ruleId")), file, line, said, severity, suppressed=suppressed)
