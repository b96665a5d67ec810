"""What the author of a reader needs: to recognise a file, to take it apart with care, and to say what it holds.

A reader is a module with ``FORMAT``, ``KIND``, ``recognise(head)`` and ``read(path, *, suite, root)``. It gathers
test cases in a :class:`Report`, findings in a :class:`Scan`, requests in a :class:`Load`; each becomes evidence by its
method ``evidence``, with stable ids, masked secrets and the row of ``sources``. A file that cannot be believed is a
:class:`ReportError`.

Examples
--------
>>> json_keys(b'{"results": [{"rule": "'), xml_root(b"<testsuites/>")
(('results',), 'testsuites')
>>> read_file("data/reference/before/compliance.json")["sources"]["kind"].item()
'scan'
"""

from stabkit.read.content import ReportError, head_lines, short_text, text_lines, xml_root
from stabkit.read.json_content import json_keys, load_json
from stabkit.read.json_shapes import listed, mapped, text, whole
from stabkit.read.loads._parts.requests import Load, Percentiles, milliseconds
from stabkit.read.readers import Reader, read_file, read_paths, readers
from stabkit.read.scans._results import Result, Scan
from stabkit.read.table_content import first_fields, read_table
from stabkit.read.tests._parts.cases import Attempt, Case, Report, number
from stabkit.read.xml_tree import Element, read_tree
from stabkit.schema import Evidence

__all__ = [
    "Attempt", "Case", "Element", "Evidence", "Load", "Percentiles", "Reader", "Report", "ReportError", "Result",
    "Scan", "first_fields", "head_lines", "json_keys", "listed", "load_json", "mapped", "milliseconds", "number",
    "read_file", "read_paths", "read_table", "read_tree", "readers", "short_text", "text", "text_lines", "whole",
    "xml_root",
]  # fmt: skip
