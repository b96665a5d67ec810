"""collect, import, runs and read, as a new user tries them."""

import json
import shlex
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import stabkit as library
from stabkit.demo.certificates import write_certificates
from stabkit.store import open_store


def write_config(folder, text):
    (folder / "stabkit.toml").write_text('[project]\ndata = "runs"\n' + text)


def target(service, path="/", more=""):
    return f'[http.api]\nurl = "{service}{path}"\nrequests = 3\nrate = 200\n{more}\n'


@pytest.mark.parametrize("words", [["collect"], ["runs"], ["gate", "a", "b"], ["report"], ["aa"]])
def test_without_a_configuration_the_next_step_is_named(stabkit, words):
    code, out, err = stabkit(*words)
    assert (code, out) == (2, "")
    assert "stabkit.toml" in err
    assert "hint: " in err
    assert "stabkit init" in err


def test_init_writes_once_also_into_a_new_folder(stabkit, folder):
    code, out, _ = stabkit("init", "deploy/")
    assert (code, out) == (0, "deploy/stabkit.toml\n")
    before = (folder / "deploy/stabkit.toml").read_text()
    code, out, err = stabkit("init", "deploy/")
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert (folder / "deploy/stabkit.toml").read_text() == before
    assert stabkit("init", "good.xml/x")[0] == 2


def test_init_gives_editors_the_schema_and_leaves_a_configuration_alone(stabkit, folder):
    code, out, err = stabkit("init", "--schema", "deploy")
    assert (code, out) == (0, "deploy/stabkit.schema.json\ndeploy/stabkit.toml\n")
    written = (folder / "deploy/stabkit.toml").read_text()
    assert written.startswith("#:schema ./stabkit.schema.json\n# stabkit.toml")
    assert "Next: edit it" in err
    (folder / "deploy/stabkit.toml").write_text("# mine\n")
    code, out, err = stabkit("init", "--schema", "deploy")
    assert (code, out) == (0, "deploy/stabkit.schema.json\n")
    assert "#:schema ./stabkit.schema.json" in err
    assert (folder / "deploy/stabkit.toml").read_text() == "# mine\n"
    (folder / "deploy/stabkit.schema.json").write_text("mine")
    assert stabkit("init", "--schema", "deploy")[0] == 2
    assert (folder / "deploy/stabkit.schema.json").read_text() == "mine"


def test_what_comes_with_stabkit_is_put_where_one_stands_and_says_what_is_next(stabkit, folder):
    code, out, err = stabkit("sample", "a b/sample")
    assert (code, out) == (0, "a b/sample\n")
    assert "Next: stabkit report v1.4 v1.5 --data 'a b/sample' --open" in err
    assert "v1.5" in stabkit("runs", "--data", "a b/sample")[1]
    code, out, err = stabkit("notebooks")
    assert (code, out) == (0, "notebooks\n")
    assert "jupyter lab notebooks" in err
    for words in (["sample", "a b"], ["notebooks"], ["sample", "good.xml"], ["notebooks", "good.xml/x"]):
        code, out, err = stabkit(*words)
        assert (code, out) == (2, ""), words
        assert "hint: " in err
    assert stabkit("sample", "s3://bucket/sample")[0] == 2


def test_a_notebook_of_ones_own_is_begun_and_never_in_the_place_of_another(stabkit, folder):
    code, out, err = stabkit("notebooks", "--new", "my slow checkout")
    assert (code, out) == (0, "my slow checkout.ipynb\n")
    assert "jupyter lab 'my slow checkout.ipynb'" in err
    assert "stabkit report --notebook 'my slow checkout.ipynb' --open" in err
    before = (folder / "my slow checkout.ipynb").read_bytes()
    code, out, err = stabkit("notebooks", "--new", "my slow checkout.ipynb")
    assert (code, out) == (2, "")
    assert "there already" in err
    assert (folder / "my slow checkout.ipynb").read_bytes() == before
    assert stabkit("notebooks", "--new", "s3://bucket/mine")[0] == 2


def test_who_has_no_sample_is_told_how_to_get_it(stabkit, folder):
    assert "stabkit sample" in stabkit("runs", "--data", "data/sample")[2]
    assert "stabkit sample" not in stabkit("runs", "--data", "data/runs")[2]


def test_an_unknown_key_names_the_nearest(stabkit, folder):
    write_config(folder, "[collect]\nroudns = 3\n")
    code, _, err = stabkit("collect")
    assert code == 2
    assert "Did you mean 'rounds'?" in err


def test_only_an_unknown_name_names_the_nearest_and_stores_nothing(stabkit, folder, service):
    write_config(folder, target(service))
    code, _, err = stabkit("collect", "--only", "apii")
    assert code == 2
    assert "Did you mean 'api'?" in err
    code, _, err = stabkit("collect", "--label", "b", "--baseline-label", "a")
    assert code == 2
    assert "baseline_url" in err
    assert stabkit("runs")[1].startswith("0 runs")


def test_a_configuration_that_declares_nothing_stores_no_run(stabkit, folder):
    write_config(folder, "")
    code, _, err = stabkit("collect")
    assert code == 2
    assert "nothing to collect" in err
    assert stabkit("runs")[1].startswith("0 runs")


def test_targets_and_commands_that_fail_are_stored_and_told_each_with_a_hint(stabkit, folder, service):
    write_config(
        folder,
        target(service)
        + '[http.down]\nurl = "http://127.0.0.1:1/"\nrequests = 2\nrate = 200\n'
        + f'[http.wrong]\nurl = "{service}/broken"\nrequests = 2\nrate = 200\n'
        + '[tests.unit]\ncommand = ["no-such-program", "{output}"]\n[scans.x]\nfiles = ["none-*.sarif"]\n',
    )
    code, out, err = stabkit("collect", "--label", "v1", "--rounds", "2")
    assert code == 2
    assert out.startswith("stored run v1 (")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert "connection refused" in err
    assert "there is no program 'no-such-program'" in err
    assert "warning: " + f"{service}/broken: 4 of 4 requests failed, most often: HTTP 500, expected 200" in err
    assert err.count("hint: ") == 4
    store = library.open(folder / "runs")
    assert not store.run("v1")["complete"]
    assert len(store.read("samples")) == 14
    # What could not be probed is no part of what tests and scans are compared by.
    (folder / "junit.xml").write_text('<testsuite name="s" tests="1"><testcase name="t"/></testsuite>')
    write_config(
        folder, '[http.down]\nurl = "http://127.0.0.1:1/"\nrequests = 1\n[tests.unit]\nfiles = ["junit.xml"]\n'
    )
    assert stabkit("collect", "--label", "v2", "--rounds", "1")[0] == 2
    code, out, _ = stabkit("diff", "v2", "junit.xml")
    assert (code, out.partition("\n")[0]) == (0, "Common: 1 of 1 test.")


def test_a_self_signed_certificate_names_the_setting_that_helps(stabkit, folder, tmp_path):
    import http.server
    import ssl

    made = write_certificates(tmp_path / "tls")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # the client refuses the handshake, as it should
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        write_config(folder, f'[http.api]\nurl = "https://127.0.0.1:{server.server_port}/"\nrequests = 1\n')
        code, _, err = stabkit("collect", "--rounds", "1")
    finally:
        server.shutdown()
        server.server_close()
    assert code == 2
    assert "certificate not accepted" in err
    assert "hint: Give the certificate of its authority: ca_file" in err


def test_secrets_reach_neither_the_terminal_nor_the_store(stabkit, folder, service, monkeypatch):
    secrets = ("tOpSeCrEt99", "hunter2ZZ", "s3cr3tQQ")
    host = service.removeprefix("http://")
    write_config(
        folder,
        target(service, "/?token=s3cr3tQQ", 'headers_env = { Authorization = "MY_TOKEN" }')
        + f'[http.user]\nurl = "http://bob:hunter2ZZ@{host}/"\nrequests = 1\n',
    )
    monkeypatch.setenv("MY_TOKEN", "Bearer tOpSeCrEt99")
    code, out, err = stabkit("collect", "--label", "v1", "--rounds", "1")
    assert code == 2
    store = library.open(folder / "runs")
    assert len(store.read("samples")) == 3
    tables = "".join(store.read(name).to_csv() for name in ("runs", "sources", "samples", "checks"))
    plain = b"".join(path.read_bytes() for path in (folder / "runs").rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in out + err + tables
        assert secret.encode() not in plain


def test_the_next_command_can_be_pasted_whatever_the_label(stabkit, folder, service):
    write_config(folder, target(service))
    stabkit("collect", "--label", "before", "--rounds", "1", "--data", "my runs")
    code, _, err = stabkit("collect", "--label", "it's; rm -r .", "--rounds", "1", "--data", "my runs")
    assert code == 0
    (line,) = [line for line in err.splitlines() if line.startswith("Next: ")]
    words = shlex.split(line.removeprefix("Next: "))
    assert words == ["stabkit", "gate", "before", "it's; rm -r .", "--data", "my runs"]
    assert stabkit(*words[1:])[0] in (1, 3)  # one round proves nothing stable
    assert stabkit("--quiet", "collect", "--rounds", "1")[2] == ""


@pytest.mark.parametrize("label", ["latest", "latest~2", "", " ", "--label=-x", "a\x1b[31m"])
def test_labels_that_no_command_could_name_are_refused(stabkit, folder, service, label):
    write_config(folder, target(service))
    words = [label] if label.startswith("--") else ["--label", label]
    code, _, err = stabkit("collect", *words)
    assert code == 2
    assert "cannot be called" in err


def test_a_store_that_cannot_be_written_is_said_before_the_first_request(stabkit, folder, service):
    write_config(folder, target(service, "/slow"))
    code, out, err = stabkit("collect", "--data", "good.xml/store")
    assert (code, out) == (2, "")
    assert "hint: " in err
    assert "--data" in err
    code, _, err = stabkit("collect", "--data", "/proc/nowhere")
    assert code == 2
    assert "cannot be made" in err


def test_a_store_that_breaks_during_a_collection_loses_nothing(stabkit, folder, service):
    script = "import shutil; shutil.rmtree('runs/commits'); open('runs/commits', 'w').close()"
    write_config(folder, target(service) + f'[tests.unit]\ncommand = ["python3", "-c", "{script}"]\n')
    code, out, err = stabkit("collect", "--label", "v1", "--rounds", "1")
    assert (code, out) == (2, "")
    (hint,) = [line for line in err.splitlines() if "Nothing is lost" in line]
    _, copy = hint.split("Once the store can be written: ")
    words = shlex.split(copy)
    assert words[:2] == ["cp", "-R"]
    assert words[-1] == str(folder / "runs")
    assert len(library.open(words[2].removesuffix("/.")).read("samples")) == 3


@pytest.mark.parametrize("path", ["empty", "binary/junit.xml", "nothing.xml", "none-*.xml", "page.xml"])
def test_an_import_of_which_nothing_can_be_read_leaves_a_run_that_says_so(stabkit, folder, path):
    (folder / "page.xml").write_text("<html>502 Bad Gateway</html>")
    for label in ("v1", "v2"):
        (folder / "report.xml").write_text((folder / "good.xml").read_text().replace("0.1", label.replace("v", "0.")))
        assert stabkit("import", "tests", "report.xml", "--label", label, "--data", "runs")[0] == 0
    assert stabkit("gate", "--data", "runs")[0] == 0
    code, out, err = stabkit("import", "tests", path, "--label", "v3", "--data", "runs")
    assert code == 2
    assert out.startswith("stored run v3 (")
    assert path.split("*")[0] in err
    assert "none of it could be read; run v3 says so" in err
    code, out, _ = stabkit("gate", "--data", "runs")
    assert code == 3
    assert out.startswith("Stability of v3 against v2")
    assert stabkit("runs", "--data", "runs")[1].count(" no ") == 1
    for words in (["compare"], ["diff", "v2", "v3"], ["report", "--output", "pages"]):
        assert stabkit(*words, "--data", "runs")[0] != 1
    # It is no baseline for what comes after it.
    (folder / "report.xml").write_text((folder / "good.xml").read_text().replace("0.1", "0.4"))
    assert stabkit("import", "tests", "report.xml", "--label", "v4", "--data", "runs")[0] == 0
    code, out, _ = stabkit("gate", "--data", "runs")
    assert (code, out.partition("\n")[0]) == (0, "Stability of v4 against v2")


def test_import_keeps_what_a_cut_file_still_holds_and_marks_the_run(stabkit, folder):
    code, out, err = stabkit("import", "tests", "cut.xml", "--label", "v1", "--data", "runs")
    assert code == 2
    assert "1 test" in out
    assert "cut off" in err
    store = library.open(folder / "runs")
    assert store.read("tests")["name"].tolist() == ["x"]
    assert not store.run("v1")["complete"]


def test_imported_files_meet_what_the_project_declares(stabkit, folder):
    write_config(folder, '[tests.nightly]\nfiles = ["good.xml"]\n')
    code, _, err = stabkit("import", "tests", "good.xml", "--label", "v1")
    assert code == 0
    assert "which stabkit.toml does not declare; --suite says whose they are: nightly" in err
    assert "--suite" not in stabkit("import", "tests", "good.xml", "--suite", "nightly", "--run", "v1")[2]
    place = {"physicalLocation": {"artifactLocation": {"uri": (folder / "a.py").as_uri()}}}
    result = {"ruleId": "R", "message": {"text": "m"}, "locations": [place]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": [result]}]}
    (folder / "absolute.sarif").write_text(json.dumps(log))
    assert stabkit("import", "scan", "absolute.sarif", "--run", "v1")[0] == 0
    assert library.open(folder / "runs").read("findings")["path"].tolist() == ["a.py"]


def test_import_into_an_unknown_run_names_the_known_ones(stabkit):
    assert stabkit("import", "tests", "good.xml", "--label", "v1.4", "--data", "runs")[0] == 0
    code, out, err = stabkit("import", "tests", "good.xml", "--run", "v1.5", "--data", "runs")
    assert (code, out) == (2, "")
    assert "No run 'v1.5'" in err
    assert "Did you mean 'v1.4'?" in err
    code, out, _ = stabkit("import", "scan", "new.sarif", "--run", "v1.4", "--data", "runs", "--format", "json")
    assert code == 0
    assert json.loads(out)["runs"][0]["label"] == "v1.4"
    assert stabkit("runs", "--data", "runs")[1].startswith("1 run\n")


def test_read_says_what_is_wrong_with_a_file_and_where(stabkit):
    code, out, _ = stabkit("read", "good.xml", "cut.xml", "binary/junit.xml", "empty", "--format", "json")
    assert code == 2
    answer = json.loads(out)
    assert answer["schema"] == 1
    good, cut, binary, empty = answer["sources"]
    assert good["status"] == "ok"
    assert good["counts"]["passed"] == 2
    assert cut["status"] == "error"
    assert cut["line"] == 1
    assert "binary" in binary["message"]
    assert "no file" in empty["message"]
    assert stabkit("read", "good.xml")[0] == 0
    code, _, err = stabkit("read", "nowhere.xml", "nothing.xml")
    assert (code, err) == (2, "hint: Check the path and the working folder.\n")


def test_two_collections_into_one_store_both_arrive(folder, service):
    import subprocess
    import sys

    write_config(folder, target(service))

    def collect(label):
        words = [sys.executable, "-m", "stabkit", "collect", "--label", label, "--rounds", "2"]
        return subprocess.run(words, capture_output=True, text=True, cwd=folder, timeout=60, check=False).returncode

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(collect, ["a", "b"])) == [0, 0]
    store = library.open(folder / "runs")
    assert sorted(store.runs()["label"]) == ["a", "b"]
    assert not store.damaged
    assert stat.S_ISDIR((folder / "runs").stat().st_mode)


def test_a_load_file_of_percentiles_alone_keeps_its_claims(stabkit, folder):
    summary = {"metrics": {"http_req_duration": {"avg": 3.0, "p(95)": 5.0}}}
    (folder / "summary.json").write_text(json.dumps(summary))
    code, out, err = stabkit("read", "summary.json", "--format", "json")
    claimed = json.loads(out)["sources"][0]["claimed"]
    assert code == 0
    assert claimed
    code, _, err = stabkit("import", "load", "summary.json", "--label", "v1", "--data", "runs")
    assert code == 0, err
    assert open_store(folder / "runs").evidence("v1")["sources"]["claimed"].notna().item()
    for name, time in (("before", "0.2"), ("after", "0.3")):
        (folder / name).mkdir()
        (folder / name / "summary.json").write_text(json.dumps(summary))
        (folder / name / "unit.xml").write_text((folder / "good.xml").read_text().replace("0.2", time))
    code, out, _ = stabkit("gate", "before", "after")
    assert code == 3
    assert "summary.json decides nothing: it keeps no requests" in " ".join(out.split())
    for name in ("before", "after"):
        (folder / name / "summary.json").unlink()
    assert stabkit("gate", "before", "after")[0] == 0


def test_after_a_failed_collection_no_judgement_is_proposed(stabkit, folder):
    (folder / "stabkit.toml").write_text('[http.api]\nurl = "http://127.0.0.1:1/"\nrequests = 2\nrate = 100\n')
    code, out, err = stabkit("collect", "--label", "v1", "--rounds", "1")
    assert code == 2
    assert out.startswith("stored run v1")
    assert "hint: Start the service, or correct its url." in err
    assert "Next:" not in err


def test_a_label_that_no_table_could_show_is_refused(stabkit, folder):
    code, _, err = stabkit("import", "tests", "good.xml", "--label", "x" * 101)
    assert code == 2
    assert "at most 100 characters; this one has 101" in err


def test_read_counts_each_file_by_itself_and_says_what_repeats(stabkit, folder):
    (folder / "again.xml").write_text((folder / "good.xml").read_text())
    code, out, _ = stabkit("read", "again.xml", "good.xml", "--format", "json")
    assert code == 0
    first, second = json.loads(out)["sources"]
    assert first["counts"] == second["counts"]
    assert second["counts"]["cases"] == 2
    assert second["message"] == "2 cases equal to those of again.xml count once in a run"


def test_read_lists_all_formats_and_its_advice_says_so(stabkit, folder):
    (folder / "other.json").write_text('{"a": 1}')
    code, _, err = stabkit("read", "other.json")
    assert code == 2
    assert "stabkit read --formats" in err
    code, out, err = stabkit("read", "--formats")
    assert (code, err) == (0, "")
    assert all(form in out for form in ("junit", "sarif", "k6", "lcov", "trivy"))
    assert json.loads(stabkit("read", "--formats", "--format", "json")[1])["rows"][0] == {
        "format": "stabkit",
        "kind": "records",
    }
    for words in ((), ("--formats", "other.json")):
        code, out, err = stabkit("read", *words)
        assert (code, out) == (2, "")
        assert "stabkit read --formats" in err
