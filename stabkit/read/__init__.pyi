from .content import ReportError as ReportError
from .json_content import odd_values as odd_values, parse_json as parse_json
from .json_shapes import mapped as mapped
from .line_context import with_context as with_context
from .origin import told_at as told_at
from .readers import expand as expand, known_formats as known_formats, plugged_readers as plugged_readers
from .readers import read_file as read_file, read_paths as read_paths, recognised as recognised
from .repeats import scans_once as scans_once
from .summary import source_summary as source_summary
