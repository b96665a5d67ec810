"""The words and elements by which JUnit reports say how a case ended."""

from __future__ import annotations

from typing import Final

__all__ = ["RANK", "SKIPS", "STATING", "TELL_NOTHING", "TROUBLES", "stated"]

RANK: Final = {"pass": 0, "no_result": 1, "xfail": 2, "skip": 2, "fail": 3, "error": 4}
STATING: Final = ("status", "result")
# The element of a case that did not run; the second is TestNG's, where a method was disabled.
SKIPS: Final = ("skipped", "ignored")
# What these attributes of a case say; any other word is no result.
_STATED: Final = {
    **dict.fromkeys(("", "run", "completed", "pass", "passed", "success", "successful", "ok", "executed"), "pass"),
    **dict.fromkeys(("notrun", "disabled", "suppressed", "skipped", "skip", "ignored", "filtered", "untested"), "skip"),
    **dict.fromkeys(("fail", "failed", "failure"), "fail"),
    "error": "error",
}
# Children of a case that tell nothing of its result; any other that is no failure and no skip leaves it without one.
TELL_NOTHING: Final = frozenset(
    (
        *("properties", "property", "system-out", "system-err", "output", "stdout", "stderr", "log", "logs", "warning"),
        *("attachments", "attachment", "file", "link", "links", "screenshot", "tags", "tag", "labels", "label", "step"),
        *("metadata", "description", "parameters", "arguments", "steps", "requirements", "traits", "categories"),
        *("benchmark", "metrics", "performance", "time", "duration", "coverage", "assertions", "success", "passed"),
    )
)
# Elements that tell of a failure: its status, and whether it is an attempt of its own.
TROUBLES: Final = {
    "failure": ("fail", None),
    "error": ("error", None),
    "flakyFailure": ("fail", "flaky"),
    "flakyError": ("error", "flaky"),
    "rerunFailure": ("fail", "rerun"),
    "rerunError": ("error", "rerun"),
}


def stated(*words: str | None) -> tuple[str, str | None]:
    """Return what a case says of its own result, a word for each of ``STATING``, and the one not understood."""
    unknown: str | None = None
    for key, text in zip(STATING, words, strict=True):
        word = (text or "").strip()
        status = _STATED.get(word.lower())
        if status is None:
            unknown = f'{key}="{word[:40]}"'
        elif status != "pass":
            return status, None
    return ("pass", None) if unknown is None else ("no_result", unknown)
