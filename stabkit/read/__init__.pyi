from .content import ReportError
from .json_content import odd_values, parse_json
from .json_shapes import mapped
from .line_context import with_context
from .readers import expand, read_file, read_paths
from .summary import source_summary

__all__ = [
    "ReportError",
    "expand",
    "mapped",
    "odd_values",
    "parse_json",
    "read_file",
    "read_paths",
    "source_summary",
    "with_context",
]
