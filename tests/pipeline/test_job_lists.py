"""Lists of jobs: what they say, what is wrong with them and where; no kernel starts here."""

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stabkit.errors import StabkitError, UsageError
from stabkit.pipeline.job_lists import read_list
from stabkit.pipeline.jobs import jobs_of, pairs, projects_below
from stabkit.schema import Evidence
from stabkit.store import new_run, open_store

SIDES = {"baseline": "v1", "candidate": "v2"}


def jobs(text, name="jobs.jsonl", notebooks=("stability_report",), **common):
    found, problems = jobs_of(
        read_list(text.encode(), name), notebooks=notebooks, parameters=common, usual={"data": "runs", "config": ""}
    )
    assert not problems, problems
    return [job for _, job in found]


def problems(text, name="jobs.jsonl", **common):
    found = jobs_of(read_list(text.encode(), name), notebooks=["stability_report"], parameters=common, usual={})[1]
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jobs.jsonl", '{"parameters": {"baseline": "v1", "candidate": "v2"}}\r\n\n'),
        ("jobs.json", '\ufeff[\n{"schema": 1, "parameters": {"baseline": "v1", "candidate": "v2"}}\n]\n'),
        ("jobs.csv", "baseline,candidate,config\r\nv1,v2,\r\n"),
        ("stdin", "baseline,candidate\n v1 ,v2"),
        ("stdin", ' {"parameters": {"baseline": "v1", "candidate": "v2"}, "name": null}'),
    ],
)
def test_one_job_in_every_form(name, text):
    (job,) = jobs(text, name)
    assert (job.notebook, job.file_name) == ("stability_report", "stability_report-v1-v2")
    assert job.parameters == {"data": "runs", "config": "", **SIDES}


def test_words_of_csv_have_the_type_of_the_notebooks_default():
    (job,) = jobs("notebook,suite,last,timeout_s,name\ntest_trends,1.10,5,90,nightly\n", "jobs.csv")
    assert (job.parameters["suite"], job.parameters["last"]) == ("1.10", 5)
    assert (job.timeout_s, job.name) == (90.0, "nightly")


def test_several_notebooks_share_an_entry_and_take_the_common_parameters_they_have():
    both = jobs('{"name": "shop"}\n{"name": "own", "notebook": "explore"}',
                notebooks=["stability_report", "latency_deltas"], target="api")  # fmt: skip
    assert [job.file_name for job in both] == ["shop", "shop-latency_deltas", "own"]
    assert [job.parameters.get("target") for job in both] == [None, "api", None]


def test_the_store_of_a_job_is_that_of_its_own_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "stabkit.toml").write_text('[project]\ndata = "mine"\n')
    own, given_ = jobs('{"parameters": {"config": "a/stabkit.toml"}}\n{"parameters": {"data": "b"}}')
    assert own.parameters["data"] == "a/mine"
    assert given_.parameters == {"data": "b"}


def test_every_problem_is_told_with_its_line_and_a_guess():
    told = problems(
        '{"notebok": "explore"}\n{"notebook": "stability_reprt"}\nnonsense\n{"parameters": {"baselin": "v1"}}\n[1]\n'
        '{"name": "a"}\n{"name": "A"}\n{"timeout_s": 0}\n{"name": "x", "name": "y"}\n{"parameters": {"data": NaN}}\n'
        '{"schema": 2}\n' + "[" * 100_000
    )
    expected = [
        ":1: A job has no key 'notebok'. Did you mean 'notebook'?",
        ":2: There is no notebook 'stability_reprt'. Did you mean 'stability_report'?",
        ":3: Not JSON: ",
        ":4: stability_report.ipynb: The notebook has no parameter 'baselin'. Did you mean 'baseline'?",
        ":5: A job is an object.",
        ":7: It would write the same files as jobs.jsonl:6: A.html.",
        ":8: 'timeout_s' is a number of seconds above 0.",
        ":9: Not JSON: a key stands twice.",
        ":10: Not JSON: NaN is no JSON.",
        ":11: A job of schema 2 cannot be read.",
        ":12: Not JSON: ",
    ]
    assert [line.startswith(f"jobs.jsonl{start}") for line, start in zip(told, expected, strict=True)] == [True] * 11


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '[{"name": "x"},\n {"name": "y"', "a.json:2, job 2: Not JSON"),
        ("a.json", '[{"name": "x"}, {"name": "X"}]', "job 2: It would write the same files as a.json:1, job 1"),
        ("a.json", "[{}] {}", "follows the array"),
        ("a.csv", "baseline,candidate\nv1\n", "a.csv:2: 1 cells under 2 columns"),
        ("a.csv", 'baseline\n"v1\n', "a.csv:2: Not CSV"),
        ("a.csv", "timeout_s\nsoon\n", "a.csv:2: 'timeout_s' is a number"),
        ("a.csv", "candidat\nv1\n", "Did you mean 'candidate'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_other_forms(name, text, said):
    assert said in " ".join(problems(text, name))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "neither JSON nor CSV"), (b"[]", "holds no job"), (b"{}\n\xff", "x:2: The list of jobs is not UTF-8"),
     (b"baseline;candidate\n", "neither JSON nor CSV"), (b"a,a\n", "stands twice"), (b"\0\n", "neither JSON nor CSV")],
)  # fmt: skip
def test_no_list_at_all(content, said):
    with pytest.raises(UsageError) as refused:
        read_list(content, "x")
    assert said in str(refused.value)


def test_a_common_parameter_that_no_notebook_has_is_refused_by_name():
    assert "No notebook of this batch has the parameter 'targt'" in problems("{}", targt="x")[0]


@given(st.one_of(st.binary(max_size=80), st.text('[]{}",:\n\\ "parameters"', max_size=80).map(str.encode)))
def test_any_bytes_are_jobs_or_problems(content):
    try:
        found = read_list(content, "x")
    except UsageError:
        return
    assert all(entry.where for entry in found)


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=3))
def test_what_is_written_as_jobs_is_read_as_it_was(given_):
    entries = [{"parameters": parameters} for parameters in given_]
    lines = "\n".join(map(json.dumps, entries)).encode()
    for content in (lines, json.dumps(entries, indent=1).encode()):
        assert [entry.parameters for entry in read_list(content, "x")] == given_


def test_pairs_are_each_run_and_the_one_before_of_its_environment(tmp_path):
    store = open_store(tmp_path, create=True)
    nothing = Evidence.of(checks=pd.DataFrame({"target": ["a"], "check": ["b"], "outcome": ["pass"]}))
    with pytest.raises(UsageError, match="no run that has one before"):
        pairs(store, {})
    ids = [
        store.append(
            new_run(label=label, environment=where, started_at=pd.Timestamp(f"2026-01-0{day}", tz="UTC")), nothing
        )
        for day, (label, where) in enumerate(
            [("v1", "a"), ("v1", "b"), ("v2", "a"), ("aa/x/1a", "a"), ("../v3", "a")], 1
        )
    ]
    found, wrong = jobs_of(pairs(store, {"data": "runs"}), notebooks=["stability_report"], parameters={}, usual={})
    assert not wrong
    assert [job.parameters for _, job in found] == [
        {"baseline": ids[0], "candidate": ids[2], "data": "runs"},
        {"baseline": ids[2], "candidate": ids[4], "data": "runs"},
    ]
    assert found[0][1].file_name == f"{ids[0]}-v2"


def test_projects_below_a_folder_each_with_its_own_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("b/shop", '[project]\ndata = "d"\n'), ("a", ""), (".git/x", ""), ("broken", "[")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "stabkit.toml").write_text(text)
    found, wrong = jobs_of(projects_below(tmp_path), notebooks=["stability_report", "explore"], parameters={}, usual={})
    assert not wrong
    by_name = {job.file_name: job for _, job in found}
    assert list(by_name) == [f"{name}{end}" for name in ("a", "b-shop", "broken") for end in ("", "-explore")]
    assert by_name["b-shop"].about == "b/shop"
    assert by_name["b-shop"].parameters == {"config": "b/shop/stabkit.toml", "data": "b/shop/d"}
    assert by_name["b-shop-explore"].parameters == {"data": "b/shop/d"}
    assert "stabkit.toml" in str(by_name["broken"].problem)
    for folder in (tmp_path / "nowhere", tmp_path / ".git"):
        with pytest.raises(StabkitError):
            projects_below(folder / "none")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("text", ['{"parameters": {"candidate": "v1.5"}}\r\n', "candidate\r\nv1.5\r\n"])
def test_lists_that_windows_wrote_are_read(encoding, text):
    marked = b"\xff\xfe" + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    assert [entry.parameters for entry in read_list(marked, "jobs")] == [{"candidate": "v1.5"}]
