from .answer import KeyMetric, Reason, Subject, Verdict
from .badges import GLYPHS, badge
from .checklist import CheckItem, Checklist
from .escape import markdown_text, plain_text, slug
from .figure import Figure
from .groups import Fold, Group
from .markup import TEMPLATES, environment
from .outline import SECTIONS
from .piece import PIECE_MIME, SCHEMA_VERSION, Piece
from .statements import NoEvidence, Statement
from .table import Column, Table

__all__ = [
    "GLYPHS",
    "PIECE_MIME",
    "SCHEMA_VERSION",
    "SECTIONS",
    "TEMPLATES",
    "CheckItem",
    "Checklist",
    "Column",
    "Figure",
    "Fold",
    "Group",
    "KeyMetric",
    "NoEvidence",
    "Piece",
    "Reason",
    "Statement",
    "Subject",
    "Table",
    "Verdict",
    "badge",
    "environment",
    "markdown_text",
    "plain_text",
    "slug",
]
