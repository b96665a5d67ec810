"""The documentation is true: links lead somewhere, commands parse, configurations load, examples run."""

import html.parser
import importlib
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import typer
import yaml

import stabkit
from stabkit.cli.application import app
from stabkit.config import config_schema, load_config
from stabkit.read.readers import readers

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "handbook"
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SHOWN = ("console", "text")  # lines "$ command", each with its output; that of a text is measured anew each time
OF_CODE = re.compile(r"`[^`\n]+`")


def named(page):
    return page.relative_to(ROOT).as_posix()


def fences(kind, pages=PAGES):
    for page in pages:
        for number, (_, found, text) in enumerate(FENCE.findall(page.read_text())):
            if found == kind:
                yield pytest.param(text, id=f"{named(page)}-{number}")


def commands():
    for page in PAGES:
        text = page.read_text()
        blocks = "\n".join(body for _, kind, body in FENCE.findall(text) if kind in ("", "yaml", *SHOWN))
        lines = re.findall(r"^[\s-]*(?:run: |\$ )?(stabkit .+?)(?:\s+#.*)?$", blocks, re.MULTILINE)
        spans = [span.strip("`") for span in OF_CODE.findall(FENCE.sub("", text)) if span.startswith("`stabkit ")]
        for line in dict.fromkeys([*lines, *spans]):
            # An option that acts while it is parsed would change the home of whoever runs the tests.
            if not re.search(r"[<|]\w|\.\.\.|--install-completion|--help", line):
                yield pytest.param(re.split(r"\s(?:>>?|\|\||\|)\s", line)[0], id=f"{named(page)}: {line}")


def slugs(page):
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Html(html.parser.HTMLParser):
    """The links, anchors and sources of a built page."""

    def __init__(self, file):
        super().__init__()
        self.links, self.anchors, self.sources, self.tags = [], [], [], []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        self.links += [found["href"]] if "href" in found else []
        self.anchors += [found["id"]] if "id" in found else []
        self.sources += [found["src"]] if "src" in found else []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, ROOT / "docs" / "build.py", folder], check=True, capture_output=True, timeout=120)
    return {file: Html(file) for file in sorted(folder.rglob("*.html"))}


def test_every_page_is_built_and_needs_nothing_else(built):
    assert len(built) == len(PAGES) + 1 + 4  # and the changelog, the list of decisions, the three modules
    for file, page in built.items():
        assert page.tags.count("h1") == page.tags.count("main") == page.tags.count("title") == 1, file
        assert not {"script", "link", "iframe"} & set(page.tags), file
        assert all(source.startswith("data:image/png;base64,") for source in page.sources), file
        assert len(page.anchors) == len(set(page.anchors)), file


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "docs/decisions/0004-own-change-detection-core.html"])
def test_a_built_page_is_sound_in_every_theme_and_width_and_on_paper(built, faults, name):
    top = next(file.parent for file in built if file.name == "CHANGELOG.html")
    assert faults(top / name) == []


def test_llms_txt_lists_pages_that_lie_beside_it_as_markdown(built):
    top = next(file.parent for file in built if file.name == "CHANGELOG.html")
    text = (top / "llms.txt").read_text()
    assert text.startswith("# stabkit\n\n> ")
    links = re.findall(r"^- \[.+?\]\((.+?)\): .+$", text, re.MULTILINE)
    assert {f"docs/handbook/{page.name}" for page in HANDBOOK.glob("*.md")} <= set(links)
    assert [link for link in links if not (top / link).read_text().startswith("# ")] == []


@pytest.mark.parametrize("module", ["stabkit", "stabkit.plot", "stabkit.readers"])
def test_the_reference_has_every_public_name_with_its_words(built, module):
    page = next(file for file in built if file.name == f"{module}.html")
    names = [name for name in importlib.import_module(module).__all__ if not name.startswith("_")]
    anchors = {f"{module}.{name}".replace(".", "").lower() for name in names}
    assert anchors <= set(built[page].anchors)
    text = page.with_suffix(".md").read_text()
    sections = re.split(r"^## .+$", text, flags=re.MULTILINE)[1 : len(names) + 1]
    assert [name for name, body in zip(names, sections, strict=True) if len(body.split()) < 8] == []


def test_every_link_of_a_built_page_leads_to_a_page_and_a_place_in_it(built):
    for file, page in built.items():
        for link in page.links:
            if link.startswith("https://"):
                continue
            path, _, anchor = link.partition("#")
            target = (file.parent / path).resolve() if path else file
            assert target in built, (file.name, link)
            assert not anchor or anchor in built[target].anchors, (file.name, link)


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("CHANGELOG.md", *TOP):
        shutil.copy(ROOT / name, tmp_path)
    page = tmp_path / "docs" / "architecture.md"
    page.write_text(page.read_text() + "\n[gone](handbook/gone.md)\n")
    command = [sys.executable, tmp_path / "docs" / "build.py", tmp_path / "out"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 2
    assert "the link handbook/gone.md leads to no page" in answer.stderr


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_or_heading(page):
    text = OF_CODE.sub("", FENCE.sub("", page.read_text()))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = page if not path else (page.parent / path).resolve()
        assert place.exists(), target
        assert not anchor or anchor in slugs(place), target


def test_every_page_of_the_handbook_is_in_its_contents():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (HANDBOOK / "README.md").read_text()))
    assert listed == {page.name for page in HANDBOOK.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("line", list(commands()))
def test_every_command_parses(line):
    command, words = typer.main.get_command(app), shlex.split(line)[1:]
    context = command.make_context("stabkit", list(words))
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return  # a group is named by itself
        name, command, rest = command.resolve_command(context, rest)
        # A command that is only named, without what it needs, is fine in running text.
        context = command.make_context(name, list(rest), parent=context, resilient_parsing=not rest)


def consoles():
    for page in PAGES:
        for number, (_, kind, text) in enumerate(FENCE.findall(page.read_text())):
            if kind == "console":
                yield pytest.param(text, id=f"{named(page)}-{number}")


@pytest.mark.parametrize("block", list(consoles()))
def test_a_command_prints_what_is_shown_below_it(block):
    program = "import sys, outputs; sys.stdout.write(outputs.filled(sys.stdin.read()))"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "docs", input=block, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert block == answer.stdout, "Other output now; write it again: python docs/outputs.py"


def test_the_page_of_every_key_is_current():
    command = [sys.executable, "-c", "import configuration; print(configuration.page(), end='')"]
    answer = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    written = (HANDBOOK / "configuration.md").read_text()
    assert written == answer.stdout, "The keys have changed; write the page again: python docs/configuration.py"


def test_every_key_of_every_table_is_on_a_page():
    pages = "".join(page.read_text() for page in HANDBOOK.glob("*.md"))
    schema = config_schema()
    keys = {key for table in (schema, *schema["definitions"].values()) for key in table["properties"]}
    assert len(keys) > 100
    assert sorted(key for key in keys if not re.search(rf"[`\[.]{key}\b", pages)) == []


@pytest.mark.parametrize("text", list(fences("toml")))
def test_every_configuration_loads(tmp_path, text):
    (tmp_path / "stabkit.toml").write_text(text)
    assert load_config(tmp_path / "stabkit.toml").conditions


@pytest.mark.parametrize("text", list(fences("yaml")))
def test_every_job_is_yaml(text):
    assert isinstance(yaml.safe_load(text), dict)


def test_the_commands_named_are_those_that_there_are():
    table = (HANDBOOK / "command-line.md").read_text().partition("<!-- commands")[2].partition("\n\n")[0]
    shown = re.findall(r"^\| `stabkit (\w+)` \|", table, re.MULTILINE)
    assert sorted(shown) == sorted([*(command.name for command in app.registered_commands), "store"])


def test_the_formats_named_are_those_that_are_read():
    table = (HANDBOOK / "evidence.md").read_text().partition("<!-- formats")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| (`.+`) \|$", table, re.MULTILINE)
    listed = {kind: sorted(re.findall(r"`([\w-]+)`", formats)) for kind, formats in rows}
    found = {kind: sorted(r.FORMAT for r in readers() if kind == r.KIND) for kind in {r.KIND for r in readers()}}
    assert listed == found


def example(heading, kind="python"):
    """Return the blocks of code below a heading of the page on extending."""
    section = (HANDBOOK / "extending.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [body for _, found, body in FENCE.findall(section) if found == kind]


@pytest.fixture
def copied(tmp_path):
    """A copy of stabkit to add to."""
    shutil.copytree(ROOT / "stabkit", tmp_path / "stabkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def put_in(path, code, *, before):
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, code + before))


def run(folder, *words, check=True):
    command, environment = [sys.executable, *words], {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=check, timeout=120
    )


def test_the_reader_of_the_handbook_reads(copied):
    (code,) = example("A format")
    (copied / "stabkit/read/tests/checkfile.py").write_text(code)
    (copied / "report.txt").write_text("# checkfile\nPASS adds up 0.5\nFAIL rounds 0.25\nMAYBE sleeps 0.1\n")
    answer = run(copied, "-m", "stabkit", "read", "report.txt", "--format", "json")
    (source,) = json.loads(answer.stdout)["sources"]
    assert (source["format"], source["status"]) == ("checkfile", "ok")
    counts = source["counts"]
    assert (counts["passed"], counts["failed"], counts["errors"], counts["time_s"]) == (1, 1, 1, 0.85)


def test_the_chart_of_the_handbook_draws(copied):
    (code,), (line,) = example("A chart"), example("A chart", "pyi")
    (copied / "stabkit/chart/failures.py").write_text(code)
    with (copied / "stabkit/chart/__init__.pyi").open("a") as face:
        face.write(line)
    program = """
import pandas as pd, stabkit
from stabkit.chart import FailureBars
frame = pd.DataFrame({"target": ["api", "chat"], "failed": [1, 4]})
print(stabkit.Figure.of(FailureBars(frame)).markdown(), stabkit.Figure.of(FailureBars(frame), height=2.0).svg.decode())
print(stabkit.Figure.of(FailureBars(frame.head(0))).description.alt)
"""
    drawn = run(copied, "-c", program).stdout
    assert "**5 requests failed, most of them of chat**" in drawn
    assert all(text in drawn for text in ("<svg ", "chat", "prefers-color-scheme", "Empty bar chart"))


def test_the_metric_of_the_handbook_is_judged_and_named(copied):
    (line,) = example("A metric")
    for side, factor in (("before", 1.0), ("after", 1.5)):
        (copied / side).mkdir()
        rows = [
            {
                "target": "shop",
                "metric": "render",
                "round": i // 30,
                "sequence": i % 30,
                "service_ms": factor * (100 + i % 7),
            }
            for i in range(300)
        ]
        (copied / side / "render.json").write_text(json.dumps({"stabkit": 1, "samples": rows}))
    gate = ("-m", "stabkit", "gate", "before", "after", "--format", "json")
    assert json.loads(run(copied, *gate, check=False).stdout)["metrics"] == []
    put_in(copied / "stabkit/vocabulary.py", f"    {line.strip()},\n", before='    Metric("response_time",')
    answer = run(copied, *gate, check=False)
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["metrics"][0]["name"] == "shop page render median"


def test_the_section_of_the_handbook_is_shown(copied):
    method, cell = example("A section of a notebook")
    put_in(copied / "stabkit/report/test_history.py", f"{method}\n", before="    def not_passing(self)")
    notebook = nbformat.read(ROOT / "notebooks" / "test_trends.ipynb", as_version=4)
    notebook.cells += [nbformat.v4.new_markdown_cell("## 6 Suites"), nbformat.v4.new_code_cell(cell.strip())]
    nbformat.write(notebook, copied / "test_trends.ipynb")
    data = str(ROOT / "data" / "sample")
    run(copied, "-m", "stabkit", "report", "--notebook", "test_trends.ipynb", "--data", data, "--output", "out")
    (page,) = (copied / "out").glob("*trends*.md")
    assert re.search(r"## 6 Suites\n.*\| suite *\| tests", page.read_text(), re.DOTALL | re.IGNORECASE)


def test_the_kind_of_the_handbook_judges(copied):
    judge, record = example("A kind of condition")
    (copied / "stabkit/analyze/gate/kinds/suppressions.py").write_text(judge)
    put_in(copied / "stabkit/kinds.py", f"{record},\n", before=")\nKINDS: Final")
    (copied / "stabkit.toml").write_text('[[condition]]\nname = "nothing hidden"\nkind = "suppressions"\n')
    for side, suppressed in (("before", False), ("after", True)):
        finding = {"scan_id": "s", "tool": "lint", "rule": "E1", "severity": "error", "scope": "all", "path": "a.py"}
        finding |= {"line": 1, "message": "bad", "fingerprint": "f", "suppressed": suppressed}
        scan = {"scan_id": "s", "tool": "lint", "version": "1", "scope": "all", "complete": True}
        (copied / side).mkdir()
        record = {"stabkit": 1, "scans": [scan], "findings": [finding]}
        (copied / side / "evidence.json").write_text(json.dumps(record))

    gate = ("-m", "stabkit", "gate", "before", "after", "--config", "stabkit.toml")
    told = run(copied, *gate, "--format", "json", check=False)
    assert told.returncode == 1, told.stderr
    answer = json.loads(told.stdout)
    (reason,) = answer["reasons"]
    assert (reason["subject"], reason["outcome"], reason["section"]) == ("nothing hidden", "regressed", "Compliance")
    assert reason["text"] == "1 new suppression: E1 a.py"
    assert answer["gate"]["conditions"][0]["kind"] == "suppressions"
    assert {fact["label"]: fact["text"] for fact in answer["facts"]}["Worse"] == "1 suppression"
    shown = run(copied, "-m", "stabkit", "explain", *gate[3:5], "nothing hidden", *gate[5:]).stdout
    assert "Is no finding newly suppressed?" in shown
    assert "a finding is suppressed that was not before; one is enough" in " ".join(shown.split())
    program = """
from stabkit.report import stability_report
print(stability_report("before", "after", config="stabkit.toml").verdict()._repr_html_())
"""
    assert 'href="#5-Compliance"' in run(copied, "-c", program).stdout
    (copied / "stabkit.toml").write_text('[[condition]]\nname = "x"\nkind = "supressions"\n')
    refused = run(copied, *gate, check=False)
    assert (refused.returncode, "Did you mean 'suppressions'?" in " ".join(refused.stderr.split())) == (2, True)


def test_the_picture_of_the_house_is_drawn_from_its_imports():
    command = [sys.executable, "-c", "import house; print(house.draw(), end='')"]
    answer = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    drawn = (ROOT / "docs" / "images" / "house.svg").read_text(encoding="utf-8")
    assert drawn == answer.stdout, "The imports have changed; draw the house again: python docs/house.py"


def test_the_gallery_is_made_of_the_docstrings():
    command = [sys.executable, "-c", "import gallery; print(gallery.page(), end=''); print(*gallery.shown(), sep=',')"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(command, cwd=ROOT / "docs", env=environment, capture_output=True, text=True, check=True)
    made, _, names = answer.stdout.removesuffix("\n").rpartition("\n")
    drawn = [name for name in stabkit.plot.__all__ if inspect.isfunction(getattr(stabkit.plot, name))]
    assert sorted(names.split(",")) == sorted(set(drawn) - {"new_axes"})
    assert (HANDBOOK / "gallery.md").read_text() == f"{made}\n", "Make it again: python docs/gallery.py"
    programs = [body for _, kind, body in FENCE.findall((HANDBOOK / "gallery.md").read_text()) if kind == "python"]
    environment["MPLBACKEND"] = "Agg"
    for program in programs:
        subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, env=environment, check=True)
    for name in names.split(","):
        picture = ROOT / "docs" / "images" / f"plot-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 60_000


def test_every_place_that_the_architecture_names_is_there():
    places = re.findall(r"`((?:stabkit|tests|docs)/[\w/.-]*)`", (ROOT / "docs" / "architecture.md").read_text())
    assert len(places) > 20
    assert [place for place in places if not (ROOT / place).exists()] == []
