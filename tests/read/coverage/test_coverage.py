"""Coverage reports of five formats: as tools wrote them, damaged, and of other shapes."""

# ruff: noqa: E501 - reports read best in one line

import gzip
import json
from pathlib import Path

import pytest

from stabkit.read.readers import read_file, read_paths
from stabkit.read.summary import source_summary
from stabkit.schema import Evidence

RECORDED = Path(__file__).parent / "recorded"
# One small program for each tool, which printed: 10 statements, 6 missed; 12 lines of which 3 did not run by JaCoCo;
# 6 and 1 lines of which 2 did not run by nyc; 57.1 % of 7 statements by go, which has no lines.
COUNTS = [
    ("coverage-py.xml", "cobertura", (3, 10, 4)),
    ("coverage-py.json", "coverage-py", (3, 10, 4)),
    ("coverage-py.info", "lcov", (3, 10, 4)),
    ("nyc.xml", "cobertura", (2, 7, 5)),
    ("nyc.info", "lcov", (2, 7, 5)),
    ("jacoco.xml", "jacoco", (2, 13, 10)),
    ("go.out", "go-cover", (1, 11, 6)),
]
SEEDS = [(RECORDED / name).read_text() for name, _, _ in COUNTS]


def read(folder: Path, content: str | bytes, name: str = "report") -> Evidence:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path)


def lines(found: Evidence) -> dict[str, tuple[list, list]]:
    rows = found["coverage"].to_dict("records")
    return {row["path"]: (json.loads(row["covered_lines"]), json.loads(row["missed_lines"])) for row in rows}


def status(found: Evidence) -> tuple[str, str]:
    row = found["sources"].iloc[0]
    return row["status"], str(row["message"])


@pytest.mark.parametrize(("name", "form", "counts"), COUNTS, ids=[name for name, _, _ in COUNTS])
def test_counts_are_those_of_the_tool(name, form, counts):
    found = read_file(RECORDED / name)
    (source,) = source_summary(found)
    assert (source["format"], source["kind"], source["status"]) == (form, "coverage", "ok"), source["message"]
    assert tuple(source["counts"][key] for key in ("files", "lines", "covered")) == counts


def test_every_recorded_report_is_expected_to_say_something():
    assert sorted(path.name for path in RECORDED.iterdir()) == sorted(name for name, _, _ in COUNTS)


def test_three_formats_of_one_run_tell_the_same_lines():
    told = [lines(read_file(RECORDED / f"coverage-py.{end}")) for end in ("xml", "json", "info")]
    assert told[0] == told[1] == told[2]
    assert told[0]["shop/cart.py"] == ([[1, 2], [4, 4], [7, 7]], [[3, 3], [8, 10]])


def test_names_are_those_of_the_repository_where_that_is_known(tmp_path):
    text = (RECORDED / "coverage-py.xml").read_text().replace("/build", str(tmp_path / "backend"))
    path = tmp_path / "coverage.xml"
    path.write_text(text)
    assert set(lines(read_file(path, root=tmp_path))) == {
        "backend/shop/__init__.py", "backend/shop/cart.py", "backend/shop/tax.py",
    }  # fmt: skip
    assert "shop/cart.py" in lines(read_file(path))
    there = read(tmp_path, f"SF:{tmp_path}/a.js\nDA:1,1\nend_of_record\n")
    assert set(lines(read_file(tmp_path / "report", root=tmp_path))) == {"a.js"}
    assert status(there)[0] == "ok"


def test_a_line_told_several_times_ran_if_it_ever_did(tmp_path):
    twice = "SF:a.js\nDA:1,0\nDA:2,0\nend_of_record\nSF:a.js\nDA:1,3\nend_of_record\n"
    assert lines(read(tmp_path, twice)) == {"a.js": ([[1, 1]], [[2, 2]])}
    classes = "".join(
        f'<class filename="a.py"><lines><line number="1" hits="{hits}"/></lines></class>' for hits in (0, 2)
    )
    found = read(tmp_path, f'<coverage line-rate="1"><packages>{classes}</packages></coverage>')
    assert lines(found) == {"a.py": ([[1, 1]], [])}
    blocks = "mode: count\nm/a.go:1.1,2.9 1 0\nm/a.go:1.1,2.9 1 4\n"
    assert lines(read(tmp_path, blocks)) == {"m/a.go": ([[1, 2]], [])}


def test_modules_of_one_report_are_told_apart(tmp_path):
    line = '<line nr="1" mi="0" ci="1"/>'
    inner = f'<package name="p"><sourcefile name="A.java">{line}</sourcefile></package>'
    text = f'<report name="r"><sessioninfo/><group name="x">{inner}</group><group name="y">{inner}</group></report>'
    assert set(lines(read(tmp_path, text))) == {"x/p/A.java", "y/p/A.java"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<coverage line-rate="1" lines-valid="2"><packages/></coverage>', "count 2 lines, its files 0"),
        ('<coverage line-rate="1"><packages/></coverage>', "no line that can run"),
        ('<coverage line-rate="1"><class filename="a"><lines><line number="1"/></lines></class></coverage>', "does not say"),
        ('<coverage line-rate="1"><class filename="a"><lines><line hits="1"/></lines></class></coverage>', "without a number"),
        ("SF:a.js\nDA:1,1\nLF:2\nLH:1\nend_of_record\n", "more lines are counted"),
        ("SF:a.js\nDA:1,1\nLF:1\nLH:0\nend_of_record\n", "more lines are counted"),
        ("SF:a.js\nDA:1,1\nLF:1\nend_of_record\n", "one of its two totals"),
        ("SF:a.js\nDA:1,1\n", "does not end"),
        ("TN:\nDA:1,1\nend_of_record\n", "does not say"),
        ("SF:a.js\nDA:1,many\nend_of_record\n", "does not say"),
        ("SF:a.js\nDA:99999999999999999999,1\nend_of_record\n", "without a number"),
        ("mode: set\nm/a.go:1.1,2.2 1 1\nm/a.go:3.1,\n", "1 line is no block"),
        ("mode: set\nm/a.go:1.1,9999999.2 1 1\n", "1 line is no block"),
        ("mode: set\n", "no line that can run"),
        ('<report><sessioninfo/><package><sourcefile name="A"><line nr="1" ci="1"/>'
         '<counter type="LINE" missed="1" covered="1"/></sourcefile></package></report>', "more lines are counted"),
        ('{"meta": {}, "files": {"a.py": {"executed_lines": [1], "missing_lines": [], "summary": {"num_statements": 2}}}}',
         "more lines are counted"),
        ('{"meta": {}, "totals": {"num_statements": 3}, "files": {}}', "count 3 lines, its files 0"),
        ('{"meta": {}, "files": {"a.py": {"executed_lines": ["x", 0, -1, true], "missing_lines": []}}}', "without a number"),
    ],
)  # fmt: skip
def test_what_says_that_more_should_follow_is_partial(tmp_path, content, words):
    found = status(read(tmp_path, content))
    assert found[0] == "partial", found
    assert words in found[1]


@pytest.mark.parametrize("name", [name for name, _, _ in COUNTS])
def test_a_cut_report_covers_no_line_that_the_whole_one_does_not(tmp_path, name):
    data = (RECORDED / name).read_bytes()
    whole = read_file(RECORDED / name)["coverage"].set_index("path")["covered"]
    for end in range(40, len(data) - 2, max(1, len(data) // 25)):
        found = read(tmp_path, data[:end])
        # Neither a tracefile nor a profile has a last word.
        whole_part = data[:end].rstrip().endswith(b"end_of_record") or name == "go.out"
        assert status(found)[0] in ("partial", "error") or whole_part, end
        for path, covered in found["coverage"].set_index("path")["covered"].items():
            assert covered <= whole.get(path, 0), end


@pytest.mark.parametrize("seed", SEEDS, ids=[name for name, _, _ in COUNTS])
@pytest.mark.parametrize("way", ["utf-8-sig", "utf-16", "gzip"])
def test_marks_of_windows_and_gzip_are_no_hindrance(tmp_path, seed, way):
    if way == "utf-16":  # of XML the declaration names the encoding, which a shell does not change
        seed = seed.replace(' encoding="UTF-8"', "")
    data = gzip.compress(seed.encode()) if way == "gzip" else seed.encode(way)
    assert len(read(tmp_path, data)["coverage"]) == len(read(tmp_path, seed)["coverage"]) > 0


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE coverage [<!ENTITY a "b">]><coverage line-rate="1"><packages>&a;</packages></coverage>',
        '<coverage line-rate="1"><packages>' + "<package>" * 60_000,
        '{"meta": {}, "files": {"a": {"executed_lines": ' + "[" * 100_000,
        '{"meta": {}, "totals": {}, "files": [1]}',
        '{"meta": {}, "totals": {}, "files": {"a.py": {"executed_lines": {}, "missing_lines": []}}}',
        "SF:a.js\n<<<<<<< a\nDA:1,1\n=======\nDA:1,0\n>>>>>>> b\nend_of_record\n",
    ],
    ids=["entities", "deep", "deep json", "files", "lines", "conflict"],
)
def test_what_cannot_be_believed_is_an_error(tmp_path, content):
    assert status(read(tmp_path, content))[0] == "error"


@pytest.mark.parametrize(
    "content", ["<report><page/></report>", '<coverage clover="3"><project/></coverage>', "DA:1,1\n"]
)
def test_other_files_of_such_names_are_no_coverage(tmp_path, content):
    assert status(read(tmp_path, content)) == ("error", status(read(tmp_path, content))[1])
    assert "known formats" in status(read(tmp_path, content))[1]


def test_several_reports_stand_beside_each_other(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("SF:a.js\nDA:1,1\nend_of_record\n")
    found = read_paths([tmp_path], suite="unit")
    assert list(found["coverage"]["report"]) == ["unit", "unit"]
    (first, second) = source_summary(read_paths([tmp_path]))
    assert first["counts"] == second["counts"] == {"files": 1, "lines": 1, "covered": 1, "covered_share": 1.0}
