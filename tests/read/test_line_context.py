"""The source text at a finding: read beneath the folder alone, and enough to know a moved finding again."""

import pytest

from stabkit.analyze.findings.matching import match_findings
from stabkit.collect.suites import run_scan
from stabkit.config import FindingMapping, ScanSource

MAPPING = FindingMapping(tool="lint", rule="rule", path="path", line="line", message="message")
SOURCE = "import os\n\n\ndef f():\n    return os.system('x')\n"


@pytest.fixture
def scan(tmp_path):
    def scan(*rows):
        text = "rule,path,line,message\\n" + "".join(f"{row}\\n" for row in rows)
        command = ("python", "-c", f"import sys; open(sys.argv[1], 'w').write('{text}')", "{output}")
        return run_scan("mine", ScanSource(command=command, mapping=MAPPING), root=tmp_path)

    return scan


def test_a_finding_in_another_file_and_line_has_moved(scan, tmp_path):
    (tmp_path / "a.py").write_text(SOURCE)
    before = scan("R1,a.py,5,shell")
    (tmp_path / "a.py").write_text("")
    (tmp_path / "b.py").write_text("# first\n" + SOURCE)
    after = scan("R1,b.py,6,shell")
    states = match_findings(before["findings"], after["findings"], before["scans"], after["scans"]).states
    assert states[["state", "matched_by"]].values.tolist() == [["moved", "moved"]]


def test_no_file_outside_the_folder_is_opened(scan, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside.py"
    outside.write_text("secret\n")
    (tmp_path / "link.py").symlink_to(outside)
    (tmp_path / "a.py").write_text(SOURCE)
    places = [f"R1,../{outside.name},1,m", f"R1,{outside},1,m", "R1,link.py,1,m", "R1,gone.py,1,m", "R1,a.py,99,m"]
    assert scan(*places)["findings"]["context_sha256"].isna().all()
    assert scan("R1,a.py,1,m")["findings"]["context_sha256"].notna().all()
