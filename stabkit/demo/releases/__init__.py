"""The recorded history of a public project: datasette, release by release, as a consumer of its HTTP interface sees it.

``python -m stabkit.demo.releases --output FOLDER`` installs, runs, probes, tests and scans each release; none of the
project's own text or tests is kept, only what was measured.
"""
