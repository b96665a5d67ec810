"""A page is verified: as it was written, by whom, and whether its evidence still gives its verdict."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stabkit.errors import EvidenceError, UsageError
from stabkit.report import stability_report
from stabkit.report.attestation import (
    Verification,
    private_key,
    public_key,
    read_attested,
    sign_report,
    verify_page,
    with_statement,
)
from stabkit.report.attestation.pages import attached
from stabkit.report.attestation.statements import envelope_of
from stabkit.report.page import render
from stabkit.schema import Evidence
from stabkit.store import Store, new_run, open_store
from stabkit.store.seals import sealed

SAMPLE = Path(__file__).parents[3] / "tests" / "data" / "demo_history"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A sealed store of three runs, in the working folder, with evidence of the recorded history."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE / "stabkit.toml", tmp_path / "stabkit.toml")
    text = (tmp_path / "stabkit.toml").read_text().replace('data = "."', 'data = "data"')
    (tmp_path / "stabkit.toml").write_text(text)
    source, own = open_store(SAMPLE), open_store(tmp_path / "data", create=True)
    for label in ("build-32", "v1.4", "v1.5"):
        row = source.run(label)
        kept = {name: row[name] for name in ("project", "environment", "commit", "branch", "versions")}
        run = new_run(label=label, started_at=row["started_at"].to_pydatetime(), **kept)
        own.append(run, Evidence({k: v for k, v in source.evidence(label).tables.items() if k != "runs"}))
    return open_store(tmp_path / "data")


@pytest.fixture
def page(store: Store, tmp_path: Path) -> Path:
    """The page of the last two runs, the JSON beside it and the notebook that both were made of."""
    shown = stability_report("v1.4", "v1.5", data="data", config="stabkit.toml").verdict()
    output = nbformat.v4.new_output("display_data", data=shown._repr_mimebundle_())
    cells = [nbformat.v4.new_markdown_cell("# Report"), nbformat.v4.new_code_cell("x", outputs=[output])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, tmp_path / "page.ipynb")
    html, text = with_statement(render(tmp_path / "page.ipynb"))
    (tmp_path / "page.html").write_text(html)
    (tmp_path / "page.json").write_text(text)
    return tmp_path / "page.html"


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    def made(name: str) -> tuple[Path, Path]:
        from cryptography.hazmat.primitives import serialization as s

        key = Ed25519PrivateKey.generate()
        pem, own = s.Encoding.PEM, tmp_path / f"{name}.pem"
        own.write_bytes(key.private_bytes(pem, s.PrivateFormat.PKCS8, s.NoEncryption()))
        shared = tmp_path / f"{name}.pub"
        shared.write_bytes(key.public_key().public_bytes(pem, s.PublicFormat.SubjectPublicKeyInfo))
        return own, shared

    return made


def outcomes(found: Verification) -> dict[str, str]:
    return {finding.about: finding.outcome for finding in found.findings}


def marker_of(store: Store, label: str) -> Path:
    assert store.root is not None
    return next((store.root / "commits").glob(f"{store.resolve(label)}-*.json"))


@pytest.mark.parametrize("suffix", [".html", ".json"])
def test_a_page_holds(page: Path, suffix: str) -> None:
    found = verify_page(page.with_suffix(suffix))
    assert outcomes(found) == {
        "page": "same", "signature": "not_asked", "evidence": "same", "configuration": "same", "verdict": "same",
    }  # fmt: skip
    assert (found.exit_code, found.stated, found.computed) == (0, found.computed, found.stated)


def test_a_notebook_is_verified_by_what_its_outputs_show(page: Path) -> None:
    found = verify_page(page.with_suffix(".ipynb"))
    assert (found.exit_code, outcomes(found)["verdict"]) == (0, "same")
    text = page.with_suffix(".ipynb").read_text()
    word = found.stated or ""
    altered = text.replace(f"<strong>{word.capitalize()}", "<strong>Something")
    assert altered != text
    page.with_suffix(".ipynb").write_text(altered)
    assert verify_page(page.with_suffix(".ipynb")).exit_code == 1


def test_runs_stored_since_change_nothing(page: Path, store: Store) -> None:
    before = store.evidence("v1.5")
    store.append({"run_id": store.resolve("v1.5")}, Evidence({"tests": before["tests"]}))
    store.append(new_run(label="v1.6", environment="demo"), Evidence({"tests": before["tests"]}))
    assert verify_page(page).exit_code == 0
    store.compact()
    assert verify_page(page).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<strong>", "<strong >"),
        ("Stability", "Steadiness"),
        ("</body>", "<p>Well.</p></body>"),
        ("<title>", "<title>OK "),
    ],
)
def test_any_change_of_a_page_is_found(page: Path, old: str, new: str) -> None:
    page.write_text(page.read_text().replace(old, new, 1))
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)["page"]) == (1, "altered")


@pytest.mark.parametrize("end", ["\n", "<p>more</p>", "<!-- stabkit statement e30= -->\n"])
def test_what_is_put_behind_a_statement_is_found(page: Path, end: str) -> None:
    page.write_text(page.read_text() + end)
    try:
        assert verify_page(page).exit_code in (1, 2)
    except EvidenceError as error:
        assert "broken" in error.what  # noqa: PT017 - either way it does not hold


def forged(page: Path, change: Callable[[dict[str, Any]], object], old: str = "", new: str = "") -> None:
    """Alter a page and make a new statement for it, as someone would who knows how."""
    from stabkit.report.attestation.pages import attached
    from stabkit.report.attestation.statements import envelope_of

    found = read_attested(page)
    content = found.content.decode().replace(old, new) if old else found.content.decode()
    statement = json.loads(json.dumps(found.statement))
    change(statement["predicate"])
    import hashlib

    statement["subject"] = [{"name": "page.html", "digest": {"sha256": hashlib.sha256(content.encode()).hexdigest()}}]
    page.write_text(attached(content, envelope_of(statement)))


def test_a_forged_verdict_with_a_new_statement_is_found(page: Path) -> None:
    word = verify_page(page).stated or ""
    other = "stable" if word != "stable" else "regressed"
    forged(page, lambda _: None, f"<strong>{word.capitalize()}", f"<strong>{other.capitalize()}")
    found = verify_page(page)
    assert ("page", "same") in [(one.about, one.outcome) for one in found.findings], "the bytes are as stated"
    assert any(one.outcome == "altered" for one in found.findings)
    forged(page, lambda predicate: predicate.update(verdict=other))
    found = verify_page(page)
    assert (found.exit_code, found.stated, found.computed) == (1, other, word)


def test_evidence_that_was_changed_or_is_gone_is_named(page: Path, store: Store) -> None:
    path = marker_of(store, "v1.5")
    whole = path.read_bytes()
    data = json.loads(whole)
    del data["sha256"]
    data["files"] = [file for file in data["files"] if file["table"] != "findings"]
    path.write_bytes(sealed(json.dumps(data)))  # sealed anew, and nothing follows it: the store alone cannot know
    assert open_store(store.root).check().whole
    found = verify_page(page)
    assert found.exit_code == 1
    assert "table findings" in found.findings[-1].text
    path.write_bytes(whole)
    assert verify_page(page).exit_code == 0
    path.unlink()
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)["evidence"]) == (2, "gone")


def test_an_edited_data_file_is_found(page: Path, store: Store) -> None:
    assert store.root is not None
    path = next(store.root.glob(f"table=tests/*/{store.resolve('v1.5')}-*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert outcomes(verify_page(page))["evidence"] == "differs"


def test_an_earlier_run_that_is_gone_is_found(page: Path, store: Store) -> None:
    path = marker_of(store, "build-32")
    path.unlink()
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)["evidence"]) == (1, "differs")
    assert path.name in found.findings[-1].text
    assert not open_store(store.root).check().whole


def test_samples_that_were_pruned_are_gone(page: Path, store: Store) -> None:
    from datetime import UTC, datetime, timedelta

    for label in ("v2", "v3"):
        row = store.run("v1.5")
        store.append(new_run(label=label, environment=row["environment"]), store.evidence("v1.5"))
    pruned = open_store(store.root).prune(1, dry_run=False, now=datetime.now(UTC) + timedelta(days=900))
    assert pruned.done
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)["evidence"]) == (2, "gone")


def test_another_configuration_is_named(page: Path, tmp_path: Path) -> None:
    config = tmp_path / "stabkit.toml"
    config.write_text(config.read_text() + '\n[areas.core]\npaths = ["src/**"]\n')
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)["configuration"]) == (1, "differs")


def test_another_store_or_none(page: Path, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other", create=True)
    other.append(new_run(label="v1.5"), Evidence())
    found = verify_page(page, data=tmp_path / "other")
    assert (found.exit_code, outcomes(found)["evidence"]) == (2, "gone")
    shutil.rmtree(tmp_path / "data")
    assert verify_page(page).exit_code == 2


def test_a_moved_store_is_named(page: Path, tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    assert verify_page(page, data=tmp_path / "elsewhere", config=tmp_path / "stabkit.toml").exit_code == 0


def test_a_page_without_statement_cannot_be_known(page: Path) -> None:
    page.write_bytes(read_attested(page).content)
    found = verify_page(page)
    assert (found.exit_code, outcomes(found)) == (2, {"page": "unstated"})


def test_signatures_are_told_apart(page: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    (own, shared), (_, others) = keys("own"), keys("others")
    assert outcomes(verify_page(page, key=public_key(shared)))["signature"] == "missing"
    assert verify_page(page, key=public_key(shared)).exit_code == 1
    sign_report(page, page.with_suffix(".json"), private_key(own))
    for path in (page, page.with_suffix(".json")):
        found = verify_page(path, key=public_key(shared))
        assert (found.exit_code, outcomes(found)["signature"]) == (0, "signed")
        found = verify_page(path, key=public_key(others))
        assert (found.exit_code, outcomes(found)["signature"]) == (1, "another_key")
    envelope = dict(read_attested(page).envelope or {})
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["predicate"]["verdict"] = "regressed"
    altered = {**envelope, "payload": base64.b64encode(json.dumps(payload).encode()).decode()}
    from stabkit.report.attestation.pages import attached

    page.write_text(attached(read_attested(page).content.decode(), altered))
    assert outcomes(verify_page(page, key=public_key(shared)))["signature"] == "altered"


def test_a_signature_is_one_that_others_can_check(page: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    own, shared = keys("own")
    sign_report(page, page.with_suffix(".json"), private_key(own))
    envelope = read_attested(page).envelope or {}
    body, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)
    public_key(shared).verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)
    assert json.loads(body)["_type"] == "https://in-toto.io/Statement/v1"
    assert kind == b"application/vnd.in-toto+json"


def test_keys_that_are_none_are_refused(tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    own, shared = keys("own")
    (tmp_path / "text").write_text("no key")
    for path in (shared, tmp_path / "text", tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError):
            private_key(path)
    for path in (own, tmp_path / "text", tmp_path / "missing", tmp_path):
        with pytest.raises(UsageError):
            public_key(path)


@pytest.mark.parametrize(
    "change",
    [
        {"sides": []},
        {"sides": [{"side": "candidate", "run_id": "../../etc", "batches": []}]},
        {"sides": [{"side": "candidate", "run_id": "r", "batches": [{"marker": "../x", "sha256": "", "tables": {}}]}]},
        {"store": {"id": None, "place": None, "newest": {"../../x": "0" * 64}}},
        {"configuration": "x"},
        {"judged_on": "yesterday"},
        {"sides": 3},
    ],
    ids=str,
)
def test_a_claim_of_another_form_is_refused(page: Path, change: dict[str, Any]) -> None:
    forged(page, lambda predicate: predicate["provenance"].update(change))
    with pytest.raises(EvidenceError, match="not the form"):
        verify_page(page)


@pytest.mark.parametrize(
    "place", ["/etc", "../data", "s3://bucket/prefix", "~/data", "file:///data", "C:\\data", "\\\\host\\share"]
)
def test_a_store_outside_the_working_folder_is_not_opened_at_the_word_of_a_page(
    page: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").rename(tmp_path.parent / f"{tmp_path.name}-data")
    (tmp_path / "stabkit.toml").unlink()
    forged(page, lambda predicate: predicate["provenance"]["store"].update(place=place))
    tried: list[object] = []
    from stabkit.report.attestation import verifying

    monkeypatch.setattr(verifying, "is_store", lambda path: bool(tried.append(path)))
    assert verify_page(page).exit_code == 2
    assert tried == []


def test_a_run_that_is_called_like_a_path_or_a_word_is_not_looked_up(page: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    for run_id in ("latest", "stabkit.toml"):
        forged(page, lambda predicate, run_id=run_id: predicate["provenance"]["sides"][-1].update(run_id=run_id))
        assert verify_page(page).exit_code == 2


def test_files_on_which_a_page_rests_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = '<testsuite name="unit" tests="1"><testcase classname="a" name="x" time="{}"/></testsuite>'
    for side, time in (("before", "0.1"), ("after", "0.2")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "junit.xml").write_text(report.format(time))
    shown = stability_report("before", "after").verdict()
    output = nbformat.v4.new_output("display_data", data=shown._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])
    page = tmp_path / "page.html"
    page.write_text(with_statement(render(notebook))[0])
    assert verify_page(page).exit_code == 0
    (tmp_path / "after" / "junit.xml").write_text(report.format("0.3"))
    assert outcomes(verify_page(page))["evidence"] == "differs"
    monkeypatch.chdir("/")
    assert outcomes(verify_page(page))["evidence"] == "gone"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"<!doctype html>", b"{", b"{}", b"[]", b"[" * 100_000, b'{"cells": ' + b"[" * 100_000,
        b"<!doctype html>\n<!-- stabkit statement e30= -->\n",
        b"<!doctype html>\n<!-- stabkit statement !!!! -->\n",
        b"<!doctype html>\n<!-- stabkit statement " + base64.b64encode(b"[" * 200_000) + b" -->\n",
        b"<!doctype html>\n<!-- stabkit statement " + b"A" * 9_000_000 + b" -->\n",
        b"<!doctype html>\n" + b"<!-- stabkit statement " * 200_000,
        b'{"sections": [],\n "statement": {"payloadType": 3}\n}\n',
        b"<!doctype html>" + b'<p class="word">' * 200_000,
    ],
    ids=range(15),
)  # fmt: skip
def test_a_hostile_file_is_answered_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.html").write_bytes(content)
    try:
        assert verify_page(tmp_path / "page.html").exit_code == 2
    except EvidenceError as error:
        assert error.where  # noqa: PT017 - either is an answer


def test_a_pipe_a_device_and_a_folder_are_no_pages(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.html")
    for path in (tmp_path / "pipe.html", Path("/dev/zero"), tmp_path, tmp_path / "missing", tmp_path / ("x" * 300)):
        with pytest.raises(EvidenceError):
            verify_page(path)


def test_nothing_of_a_notebook_is_run(page: Path, tmp_path: Path) -> None:
    path = page.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("open('ran', 'w')"))
    nbformat.write(notebook, path)
    verify_page(path)
    assert not (tmp_path / "ran").exists()


def test_the_extra_is_named_where_it_is_missing(page: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    _, shared = keys("own")
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "import stabkit.installation.packages as p\n"
        "p.find_spec = lambda name: None if name == 'cryptography' else find(name)\n"
        "from stabkit.cli import run\n"
        f"sys.exit(run(['verify', {str(page)!r}, '--key', {str(shared)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "stabkit[sign]" in done.stderr


@pytest.mark.parametrize("how", ["comment", "style", "wrapper", "cover"])
def test_a_verdict_that_nobody_sees_is_no_verdict(page: Path, how: str) -> None:
    """A page with a new statement that shows another verdict, and holds the true one where no reader finds it."""
    found = read_attested(page)
    html = found.content.decode()
    start = html.index('<p class="word">')
    word = html[start : html.index("</p>", start) + 4]
    if how == "comment":
        html = html.replace(word, f"<!--{word}--><p><strong>Stable</strong></p>")
    elif how == "wrapper":
        start = html.index('<div class="verdict')
        box = html[start : html.index("</div>", start) + 6]
        html = html.replace(box, f'<div style="display:none">{box}</div><p>Stable</p>')
    elif how == "cover":
        html = html.replace("</header>", '<p style="position:fixed;inset:0;background:white">Stable</p></header>')
    else:
        html = html.replace("</style>", ".word{display:none}</style>").replace(word, f"{word}<p>Stable</p>")
    statement = json.loads(json.dumps(found.statement))
    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(html.encode()).hexdigest()
    page.write_text(attached(html, envelope_of(statement)))

    again = verify_page(page)

    assert again.exit_code == 1
    assert "altered" in [finding.outcome for finding in again.findings]


def test_of_a_page_of_another_version_it_is_not_known_what_it_hides(
    page: Path, keys: Callable[[str], tuple[Path, Path]]
) -> None:
    forged(page, lambda predicate: predicate.update(stabkit="0.0.1"), "</style>", ".word{display:none}</style>")
    found = verify_page(page)
    assert (found.exit_code, [one.outcome for one in found.findings if one.about == "page"]) == (2, ["same", "gone"])
    own, shared = keys("own")
    sign_report(page, page.with_suffix(".json"), private_key(own))
    assert verify_page(page, key=public_key(shared)).exit_code == 0
