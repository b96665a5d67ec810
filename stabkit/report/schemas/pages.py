"""The schema of the result beside a page, of its pieces, and of an index of pages."""

from __future__ import annotations

from typing import Any, Final

from stabkit.report.schemas.shapes import Schema, closed, either, listed, maybe, open_object, value, word
from stabkit.report.schemas.verdicts import EXIT_CODE, SUBJECT, VERDICT, version
from stabkit.vocabulary import VERDICTS

__all__ = ["INDEX", "PAGE", "PIECE", "PIECES", "TABLE"]

_VERDICT: Final = word("The verdict; null where there is none.", VERDICTS, null=True)


def _piece(kind: str, description: str, optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    told: dict[str, Any] = {"schema": version(), "kind": {"description": "What this piece is.", "const": kind}}
    return closed(description, {**told, **properties}, optional=optional)


_COLUMNS: Final = listed(
    closed("One column.", {"key": value("string", "Key in the rows."), "label": value("string", "Its heading.")}),
    "The columns that are shown.",
)
_ROWS: Final = listed(open_object("One row, by the keys of its columns and others."), "The rows.")
_COMMAND: Final = value(["string", "null"], "A command that belongs to it.")
_PART: Final = {"$ref": "#/$defs/piece"}
_PARTS: Final = listed(_PART, "What it holds.")
_MORE: Final = value("integer", "How many rows are left out.", minimum=1)

TABLE: Final = _piece(
    "table", "A table.", ("more",), caption=value("string", "What it shows."), columns=_COLUMNS, rows=_ROWS, more=_MORE
)
PIECES: Final[dict[str, Schema]] = {
    "table": TABLE,
    "statement": _piece(
        "statement",
        "Sentences.",
        ("subject", "quiet"),
        sentences=listed({"type": "string"}, "One sentence each."),
        command=_COMMAND,
        subject=SUBJECT,
        quiet=value("boolean", "True where a page may put it beside others of one line."),
    ),
    "group": _piece("group", "Several pieces.", pieces=_PARTS),
    "fold": _piece(
        "fold", "Pieces behind a line that opens them.", summary=value("string", "The line."), pieces=_PARTS
    ),
    "figure": _piece(
        "figure",
        "A figure, as its words and its data.",
        title=value("string", "What it shows, in one sentence."),
        alt=value("string", "Its text alternative."),
        caption=value(["string", "null"], "How to read it."),
        data=maybe(
            closed(
                "The table below it.",
                {"caption": value("string", "What it shows."), "columns": _COLUMNS, "rows": _ROWS, "more": _MORE},
                optional=("more",),
            )
        ),
    ),
    "checklist": _piece(
        "checklist",
        "Lines that are true, false, not checked, or for a person to verify.",
        caption=value("string", "What it lists."),
        sentence=value("string", "How many are what."),
        items=listed(
            closed(
                "One line.",
                {
                    "outcome": word("Whether it is so.", ("yes", "no", "not_checked", "manual")),
                    "what": value("string", "What it says."),
                    "detail": value("string", "What was found."),
                    "command": _COMMAND,
                },
            ),
            "The lines.",
        ),
        notes=listed({"type": "string"}, "What is not among the lines."),
    ),
    "no_evidence": _piece(
        "no_evidence",
        "A section without evidence.",
        subject=value("string", "Of what there is none."),
        command=_COMMAND,
        reason=value(["string", "null"], "Why."),
    ),
    "verdict": VERDICT,
}
PIECE: Final = either("A piece of a page, by its kind.", *PIECES.values())

# Another notebook's output; whatever calls itself a piece has to be one.
_FOREIGN: Final = open_object("Output of a cell.") | {"not": {"required": ["schema", "kind"]}}

PAGE: Final = closed(
    "The result of a report, beside its page.",
    {
        "schema": version(),
        "notebook": value("string", "The notebook that made it."),
        "heading": value("string", "What the page is, without the runs: its notebook and project."),
        "title": value("string", "Heading of the page."),
        "verdict": _VERDICT,
        "exit_code": EXIT_CODE,
        "subject": maybe(SUBJECT),
        "summary": maybe(VERDICT),
        "failure": maybe(
            closed(
                "The cell that failed; null where none did.",
                {
                    "cell": value("integer", "Its number, from 1."),
                    "section": value(["string", "null"], "Its section."),
                    "error": value("string", "What it raised."),
                    "message": value("string", "What the error says."),
                },
            )
        ),
        "sections": listed(
            closed(
                "One section.",
                {
                    "number": value(["string", "integer", "null"], "Its number."),
                    "heading": value("string", "Its heading, without the number."),
                    "pieces": listed(
                        either(
                            "A piece, or what a cell of another notebook shows.",
                            _PART,
                            _FOREIGN,
                        ),
                        "What it holds.",
                    ),
                },
            ),
            "In the order of the page.",
        ),
        "statement": closed(
            "What the page states of itself, to be verified: an envelope of in-toto (DSSE).",
            {
                "payload": value("string", "The statement, as JSON in base64."),
                "payloadType": value("string", "What the payload is."),
                "signatures": listed(open_object("One signature."), "Who signed it; empty where nobody did."),
            },
        ),
        "whole": open_object("What is too long for the result -> its file beside the page.", {"type": "string"}),
        "made_of": open_object("What a batch made it of, to know whether it is still the same."),
    },
    optional=("made_of", "whole", "statement"),
)

INDEX: Final = closed(
    "The index of a folder of reports.",
    {
        "schema": version(),
        "counts": open_object("Group -> how many reports.", {"type": "integer"}),
        "exit_code": EXIT_CODE,
        "reports": listed(
            closed(
                "One report.",
                {
                    "file": value("string", "Its JSON."),
                    "page": value(["string", "null"], "Its page."),
                    "heading": value(["string", "null"], "What its page is, without the runs."),
                    "title": value("string", "What it is about."),
                    "environment": value(["string", "null"], "Where it ran."),
                    "sides": value(["string", "null"], "Baseline and candidate."),
                    "verdict": _VERDICT,
                    "failed": value("boolean", "True if it could not be finished."),
                    "reason": value(["string", "null"], "What it says first."),
                    "largest_change": value(["string", "null"], "The largest change, in words."),
                    "missing": value(["string", "null"], "Evidence that is not there."),
                    "at": value(["string", "null"], "Start of the candidate's collection."),
                    "earlier": listed({"type": "string"}, "How reports of the same subject before it came out."),
                    "newest": value("string", "The newest report of the same subject."),
                    "history": maybe(open_object("One metric over the reports before it.")),
                },
            ),
            "What failed first, then by verdict; in each the newest first.",
        ),
        "conditions": listed(open_object("One report's outcomes, by condition."), "Conditions that reports share."),
        "unread": listed(
            closed("A file of no use.", {"file": value("string", "Its name."), "message": value("string", "Why.")}),
            "Files that should be results and cannot be used.",
        ),
    },
)
