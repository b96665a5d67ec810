from .answer import KeyMetric as KeyMetric, Reason as Reason, Subject as Subject, Verdict as Verdict
from .badges import GLYPHS as GLYPHS, badge as badge
from .checklist import CheckItem as CheckItem, Checklist as Checklist
from .escape import markdown_text as markdown_text, plain_text as plain_text, slug as slug
from .figure import Figure as Figure
from .groups import Fold as Fold, Group as Group
from .markup import TEMPLATES as TEMPLATES, environment as environment
from .outline import Section as Section
from .piece import PIECE_MIME as PIECE_MIME, SCHEMA_VERSION as SCHEMA_VERSION
from .piece import WHOLE_MIME as WHOLE_MIME, WHOLE_NAMES as WHOLE_NAMES, Piece as Piece
from .statements import NoEvidence as NoEvidence, Statement as Statement
from .table import Column as Column, Table as Table
