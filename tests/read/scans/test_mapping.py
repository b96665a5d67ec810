"""Findings by a declared mapping, and what a wrong mapping must not become: a clean scan."""

import json

import pytest

from stabkit.collect.suites import run_scan
from stabkit.config import FindingMapping, ScanSource

CSV = FindingMapping(
    tool="licences", rule="licence", path="package", line="row", severity="risk", severities={"P1": "high"}
)
JSON = FindingMapping(
    tool="audit", findings="report.items", rule="check.id", path="file", message="what", fingerprint="key",
    files="report.files",
)  # fmt: skip


def scan(tmp_path, text, mapping):
    (tmp_path / "found").write_text(text)
    evidence = run_scan("mine", ScanSource(files=("found",), mapping=mapping), root=tmp_path)
    return evidence["findings"], evidence["scans"], evidence["sources"].iloc[0]


def test_a_table_gives_findings(tmp_path):
    findings, scans, source = scan(tmp_path, "package,licence,risk,row\nshop/a.py,GPL-3.0,P1,4\nb.py,MIT,P9,\n", CSV)
    assert findings[["rule", "path", "severity"]].values.tolist() == [
        ["GPL-3.0", "shop/a.py", "high"],
        ["MIT", "b.py", "p9"],
    ]
    assert findings["line"].tolist()[0] == 4
    assert findings["line"].isna().tolist() == [False, True]
    assert (scans["tool"].item(), scans["scan_id"].item()) == ("licences", "mine")
    assert (source["status"], source["format"]) == ("ok", "mapped")
    assert "severities without a mapping: p9" in source["message"]


def test_a_document_gives_findings_and_the_files_it_names(tmp_path):
    item = {"check": {"id": "A1"}, "file": "a.py", "what": "see https://u:pw@host", "key": "k1"}
    document = {"report": {"items": [item], "files": ["a.py", "b.py"]}}
    findings, scans, source = scan(tmp_path, json.dumps(document), JSON)
    assert findings["fingerprint"].item() == "k1"
    assert "pw" not in findings["message"].item()
    assert (scans["files_scanned"].item(), source["status"]) == (2, "ok")


@pytest.mark.parametrize(
    ("path", "line", "item", "places"),
    [
        ("files", None, {"files": ["a.py", "b.py", "a.py"]}, [("a.py", None), ("b.py", None)]),
        ("file", "lines", {"file": "a.py", "lines": [3, 9]}, [("a.py", 3), ("a.py", 9)]),
        ("at[*].file", "at[*].line", {"at": [{"file": "a.py", "line": 3}, {"file": "b.py"}]},
         [("a.py", 3), ("b.py", None)]),
        ("$.at[*]", None, {"at": ["a.py", "b.py"]}, [("a.py", None), ("b.py", None)]),
        ("at[*].file", None, {"at": []}, [(None, None)]),
    ],
)  # fmt: skip
def test_every_place_of_a_finding_is_one(tmp_path, path, line, item, places):
    mapping = FindingMapping(tool="audit", rule="rule", path=path, line=line, fingerprint="key")
    document = [
        {"rule": "A1", "key": "k1", **item},
        {"rule": "A2", "key": "k2", path.partition("[")[0].strip("$."): "c.py"},
    ]
    if "[" in path:
        document[1] |= {"at": ["c.py"] if path == "$.at[*]" else [{"file": "c.py"}]}
    findings, _, source = scan(tmp_path, json.dumps(document), mapping)
    mine = findings[findings["rule"] == "A1"]
    found = [(None if p is None or p != p else p, None if n != n or n is None else n)
             for p, n in zip(mine["path"].astype(object), mine["line"].astype("float64"), strict=True)]  # fmt: skip
    assert (found, source["status"]) == (places, "ok")
    assert findings["fingerprint"].is_unique
    assert findings["fingerprint"].iloc[0] == "k1"


@pytest.mark.parametrize(
    ("text", "mapping"),
    [("package,licence,risk,row\n", CSV), ('{"report": {"items": [], "files": 7}}', JSON)],
)
def test_no_finding_is_a_clean_scan(tmp_path, text, mapping):
    findings, scans, source = scan(tmp_path, text, mapping)
    assert (len(findings), len(scans), source["status"]) == (0, 1, "ok")


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        ("name,risk\na,P1\n", CSV, "the table has no column 'licence'; its columns are name, risk"),
        ("package,licence,risk,row\n,,P1,\n", CSV, "the mapping of rule finds nothing"),
        ('{"report": {}}', JSON, "the document holds no 'report.items'"),
        ('{"report": {"items": {}}}', JSON, "is no list"),
        ('{"report": {"items": [1]}}', JSON, "entry 0: is no object"),
        ('{"report": {"items": [{"id": 1}]}}', JSON, "the mapping of rule finds nothing: no entry holds 'check.id'"),
        ('{"report": {"items": [', JSON, "cut off"),
        ("a,b\n<<<<<<< x\n1,2\n=======\n1,3\n>>>>>>> y\n", CSV, "unresolved merge conflict, line 2"),
    ],
)
def test_a_mapping_that_finds_nothing_is_an_error(tmp_path, text, mapping, words):
    findings, scans, source = scan(tmp_path, text, mapping)
    assert (len(findings), len(scans), source["status"]) == (0, 0, "error")
    assert words in source["message"]


def test_a_command_may_write_such_a_file(tmp_path):
    code = "import sys; open(sys.argv[1], 'w').write('package,licence,risk,row\\na.py,GPL,P1,1\\n')"
    source = ScanSource(command=("python", "-c", code, "{output}"), mapping=CSV)
    assert run_scan("mine", source, root=tmp_path)["findings"]["rule"].tolist() == ["GPL"]
