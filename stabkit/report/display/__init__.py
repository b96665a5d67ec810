"""What a report shows: figures, tables, statements and checklists, each once as an object; ``answer`` has the verdict.

An object answers every reader with the same content: HTML for notebooks and pages (escaped by Jinja2; only tags that an
untrusted notebook keeps), Markdown, plain text for terminals, and ``application/vnd.stabkit+json``, the piece of the
result it stands for, from which ``render`` makes the report's JSON. All text given to it is untrusted.
"""

from stabkit.report.display.badges import GLYPHS, badge
from stabkit.report.display.checklist import CheckItem, Checklist
from stabkit.report.display.figure import Figure
from stabkit.report.display.groups import Fold, Group
from stabkit.report.display.markup import TEMPLATES
from stabkit.report.display.piece import PIECE_MIME, SCHEMA_VERSION, Piece
from stabkit.report.display.statements import NoEvidence, Statement
from stabkit.report.display.table import Column, Table

__all__ = [
    "GLYPHS",
    "PIECE_MIME",
    "SCHEMA_VERSION",
    "TEMPLATES",
    "CheckItem",
    "Checklist",
    "Column",
    "Figure",
    "Fold",
    "Group",
    "NoEvidence",
    "Piece",
    "Statement",
    "Table",
    "badge",
]
