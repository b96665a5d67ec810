"""The schemas of the commands that judge nothing: read, diff, impact, store check, batch, and what a webhook gets."""

from __future__ import annotations

from typing import Any, Final

from stabkit.report.schemas.shapes import closed, listed, maybe, open_object, value, word
from stabkit.report.schemas.verdicts import CONDITION, CONFIDENCE, EXIT_CODE, VERDICT_WORD, version
from stabkit.vocabulary import OUTCOMES, VERDICTS

__all__ = ["ANNOUNCEMENT", "BATCH", "BATCH_EVENT", "CHECK", "DIFF", "EXPLAIN", "IMPACT", "READ", "REPORTS"]

_VERDICT: Final = word("The verdict; null where there is none.", VERDICTS, null=True)
_IDS: Final = listed({"type": "string"}, "Ids of tests.")

EXPLAIN: Final = closed(
    "How one condition came out.",
    {"schema": version(), "verdict": VERDICT_WORD, "confidence": CONFIDENCE, "condition": CONDITION},
)

READ: Final = closed(
    "What evidence files hold.",
    {
        "schema": version(),
        "sources": listed(
            closed(
                "One file.",
                {
                    "path": value("string", "Where it lies."),
                    "kind": value("string", "tests, scan, load or records."),
                    "format": value(["string", "null"], "Its format; null if none was recognised."),
                    "status": word("How it was read.", ("ok", "repaired", "partial", "error")),
                    "message": value(["string", "null"], "What is wrong with it."),
                    "fault": value(["string", "null"], "What is wrong, as a word for programs."),
                    "line": value(["integer", "null"], "Where, from 1."),
                    "column": value(["integer", "null"], "Where in the line, from 1."),
                    "counts": open_object("What it holds, by its kind."),
                    "claimed": maybe(open_object("What it says of itself.")),
                },
            ),
            "In the order given.",
        ),
    },
)

_FINDING: Final = closed(
    "One finding.",
    {
        "rule": value("string", "Its rule."),
        "path": value(["string", "null"], "Its file."),
        "line": value(["integer", "null"], "Its line."),
        "fingerprint": value(["string", "null"], "What it is known by."),
        "matched_by": value(["string", "null"], "By which step it was found on the other side."),
        "reason": value("string", "Why it has its state, where that needs one."),
    },
    optional=("reason",),
)
DIFF: Final = closed(
    "What moved between two pieces of evidence; a part is left out where neither side has such evidence.",
    {
        "schema": version(),
        "transitions": open_object("Transition -> ids of tests.", _IDS),
        "unchanged": value("integer", "Tests that kept their result."),
        "coverage": closed(
            "What both sides share.",
            {
                "before": value("integer", "Tests before."),
                "after": value("integer", "Tests after."),
                "common": value("integer", "Tests on both sides."),
                "of": value("integer", "Tests on either side."),
                "comparable": value("boolean", "True if they share enough to be compared."),
            },
        ),
        "now_expected_to_fail": _IDS,
        "hidden": listed(
            closed("An error that hides tests.", {"error": value("string", "Its id."), "tests": _IDS}), "Hidden tests."
        ),
        "states": open_object("State -> findings.", listed(_FINDING, "Findings of that state.")),
        "comparable": value("boolean", "True if the scans can be compared."),
        "why": listed({"type": "string"}, "Why they cannot."),
        "assumed": listed({"type": "string"}, "What had to be assumed to compare them."),
        "accepted": listed(open_object("How an entry of [[accepted]] stands."), "Where any is declared."),
    },
    optional=(
        "transitions", "unchanged", "coverage", "now_expected_to_fail", "hidden", "states", "comparable", "why",
        "assumed", "accepted",
    ),
)  # fmt: skip

_NOT_KNOWN: Final = "; null if unknown."
IMPACT: Final = closed(
    "What a git range changes and risks.",
    {
        "schema": version(),
        "base": value(["string", "null"], "First commit" + _NOT_KNOWN),
        "head": value(["string", "null"], "Last commit" + _NOT_KNOWN),
        "risk": closed(
            "Its rank among recent changes of code.",
            {
                "level": value(["string", "null"], "The level, in a word" + _NOT_KNOWN),
                "percentile": value(["number", "null"], "Its rank, from 0 to 100" + _NOT_KNOWN),
                "inputs": open_object("What the rank is made of."),
                "reasons": listed({"type": "string"}, "Why, in words."),
            },
        ),
        "files": listed(
            closed(
                "One changed file.",
                {
                    "path": value("string", "Its path."),
                    "old_path": value(["string", "null"], "Its path before, where it moved."),
                    "status": value("string", "What became of it."),
                    "added": value(["integer", "null"], "Lines added" + _NOT_KNOWN),
                    "deleted": value(["integer", "null"], "Lines deleted" + _NOT_KNOWN),
                    "category": value(["string", "null"], "code, tests, docs and so on."),
                    "area": value(["string", "null"], "The area it belongs to."),
                    "owner": value(["string", "null"], "Who owns it."),
                    "criticality": value(["string", "null"], "How critical its area is."),
                    "level": value(["string", "null"], "Its own risk."),
                    "reasons": listed({"type": "string"}, "Why, in words."),
                    "functions": {"description": "Functions that changed" + _NOT_KNOWN},
                    "importers": value(["integer", "null"], "Modules that import it" + _NOT_KNOWN),
                    "tests_changed_alongside": {"description": "Tests that changed with it" + _NOT_KNOWN},
                    "usually_changes_with": {
                        "description": "Files that mostly change with it, and how often" + _NOT_KNOWN
                    },
                },
            ),
            "The riskiest first.",
        ),
        "checklist": listed(
            closed(
                "One of the lines.",
                {
                    "line": value("string", "Which line."),
                    "answer": value("string", "yes, no or unknown."),
                    "items": listed(
                        open_object("One item, with path, line, what, change and text."), "What was found."
                    ),
                    "examined": value(["integer", "null"], "How many of its kind were looked at."),
                    "examined_what": value(["string", "null"], "What was looked at."),
                    "why": value(["string", "null"], "Why it is not answered."),
                    "method": value(["string", "null"], "How it was looked for."),
                    "total": value(["integer", "null"], "How many items there are."),
                },
            ),
            "What a change may do.",
        ),
        "missing_in_candidate": listed(open_object("commit and subject."), "Commits that the candidate lacks."),
        "recommendations": listed(
            closed(
                "One step.",
                {
                    "do": value("string", "What to do."),
                    "because": value(["string", "null"], "What caused it."),
                    "command": value(["string", "null"], "What to run."),
                    "when": word("now or later.", ("now", "later")),
                },
            ),
            "In order of weight.",
        ),
        "notes": listed({"type": "string"}, "What to know of the range."),
    },
)

CHECK: Final = closed(
    "What a check of a store found.",
    {
        "schema": version(),
        "whole": value("boolean", "True if nothing is damaged."),
        "runs": value("integer", "Runs in it."),
        "files": value("integer", "Files that hold them."),
        "bytes": value("integer", "Their size."),
        "faults": listed(
            closed(
                "One fault.",
                {
                    "what": value("string", "What is wrong."),
                    "where": value(["string", "null"], "In which file."),
                    "hint": value(["string", "null"], "What to do."),
                },
            ),
            "What is damaged.",
        ),
        "unnamed": listed({"type": "string"}, "Files that killed processes left, and that are never read."),
        "unsealed": value("integer", "Batches of an older stabkit, which have no seal."),
        "copied": value("integer", "Batches that were written for another store."),
    },
)

STORED: Final = closed(
    "The runs that a command stored.",
    {
        "schema": version(),
        "runs": listed(
            closed(
                "One stored run.",
                {
                    "run_id": value("string", "Its id."),
                    "label": value(["string", "null"], "What it is called."),
                    "tables": open_object("Table -> how many rows of it were stored.", {"type": "integer"}),
                },
            ),
            "In the order in which they were stored.",
        ),
    },
)

VERIFIED: Final = closed(
    "What was verified of a page.",
    {
        "schema": version(),
        "outcome": word("Whether it holds; gone: that cannot be known.", ("same", "differs", "gone")),
        "stated": value(["string", "null"], "The verdict that the page states; null if it states none."),
        "computed": value(["string", "null"], "The verdict that its evidence gives now; null if there is none."),
        "findings": listed(
            closed(
                "One thing that was looked at.",
                {
                    "about": word(
                        "What it is about.", ("page", "signature", "evidence", "configuration", "verdict")
                    ),
                    "outcome": word(
                        "How it came out.",
                        (
                            "same", "signed", "not_asked", "none", "differs", "altered", "another_key", "missing",
                            "gone", "unstated",
                        ),
                    ),
                    "text": value("string", "The same in a sentence."),
                },
            ),
            "In the order in which they were looked at.",
        ),
    },
)  # fmt: skip

REPORTS: Final = closed(
    "The pages that a command made.",
    {
        "schema": version(),
        "reports": listed(
            closed(
                "One page.",
                {
                    "title": value("string", "Its heading."),
                    "verdict": _VERDICT,
                    "exit_code": EXIT_CODE,
                    "html": value("string", "Where it lies."),
                },
            ),
            "In the order asked for.",
        ),
    },
)

_MADE: Final[dict[str, Any]] = {
    "time_s": value(["number", "null"], "Seconds it took."),
    "peak_memory_mb": value(["number", "null"], "The most memory its kernel held."),
    "verdict": _VERDICT,
    "error": value(["string", "null"], "Why it was not made."),
}
BATCH: Final = closed(
    "What a batch made.",
    {
        "schema": version(),
        "exit_code": EXIT_CODE,
        "counts": open_object("Group -> how many reports.", {"type": "integer"}),
        "skipped": value("integer", "Reports that lay there unchanged."),
        "index": value("string", "Where the index lies."),
        "reports": listed(
            closed(
                "One report.",
                {
                    "name": value("string", "What its files are called."),
                    "state": word("What became of it.", ("done", "failed", "skipped")),
                    "title": value(["string", "null"], "Its heading."),
                    "exit_code": EXIT_CODE,
                    "html": value(["string", "null"], "Where its page lies."),
                    **_MADE,
                },
            ),
            "In the order of the list.",
        ),
    },
)
BATCH_EVENT: Final = closed(
    "One step of a batch: a line on stderr.",
    {
        "schema": version(),
        "event": word("What happened.", ("queued", "started", "done", "failed", "skipped")),
        "name": value("string", "What the report's files are called."),
        "where": value("string", "Where its page will lie."),
        "at_s": value("number", "Seconds since the batch began."),
        "exit_code": value(["integer", "null"], "Of the report; null where it is not made yet."),
        **_MADE,
    },
)

ANNOUNCEMENT: Final = closed(
    "What a webhook of gate --notify gets.",
    {
        "schema": version(),
        "kind": {"description": "What this is.", "const": "announcement"},
        "verdict": word("The verdict; error where there is none.", (*VERDICTS, "error")),
        "exit_code": EXIT_CODE,
        "title": value("string", "Which runs are judged."),
        "headline": value("string", "The verdict's one sentence, or what is wrong."),
        "reasons": listed(
            closed(
                "One condition that speaks for the verdict.",
                {
                    "outcome": word("How it came out.", OUTCOMES),
                    "subject": value("string", "Which condition."),
                    "text": value("string", "What was seen of it."),
                },
            ),
            "At most 20, in order of weight.",
        ),
        "more": value("integer", "How many reasons there are beyond."),
        "runs": listed({"type": "string"}, "Run ids, baseline first."),
        **{
            name: value(["string", "null"], told)
            for name, told in (
                ("baseline", "The run before."),
                ("candidate", "The run after."),
                ("project", "The project."),
                ("environment", "Where it ran."),
                ("started_at", "Start of the candidate's collection, ISO 8601."),
                ("finished_at", "Its end."),
                ("page", "Address of the report's page."),
                ("job", "Address of the job that judged."),
            )
        },
    },
)
