"""Whether commands and their options stay as callers know them; on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.api import answer_entry_points
from stabkit.change.facts import Answer
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = dict[str, str | bytes | None]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def answer(repository: Repository, before: Files, after: Files) -> Answer:
    base = repository.write("before", before)
    head = repository.write("after", after)
    git = Git(repository.folder)
    return answer_entry_points(Snapshots(git, base, head, read_changes(git, base, head)))


PROJECT = """[project]
name = "shop"

[project.scripts]
shop = "shop.cli:main"
shop-admin = "shop.admin:main"

[project.gui-scripts]
shop-window = "shop.gui:main"

[project.entry-points."shop.plugins"]
csv = "shop.csv:Reader"

[tool.poetry.scripts]
old-shop = "shop.old:main"
"""
SETUP = """from setuptools import setup
setup(
    scripts=["bin/tool"],
    entry_points={
        "console_scripts": ["shop=shop.cli:main"],
        "pytest11": ["shop = shop.plugin"],
    },
)
"""
SETUP_CFG = "[options]\nscripts =\n    bin/tool\n\n[options.entry_points]\nconsole_scripts =\n    shop = shop:main\n"
CARGO = '[package]\nname = "x"\n\n[[bin]]\nname = "shop"\npath = "src/shop.rs"\n'


@pytest.mark.parametrize(
    ("path", "text", "gone", "row"),
    [
        ("pyproject.toml", PROJECT, 'shop-admin = "shop.admin:main"\n', (6, "shop-admin")),
        ("pyproject.toml", PROJECT, 'shop-window = "shop.gui:main"\n', (9, "shop-window")),
        ("pyproject.toml", PROJECT, 'csv = "shop.csv:Reader"\n', (12, "csv")),
        ("pyproject.toml", PROJECT, 'old-shop = "shop.old:main"\n', (15, "old-shop")),
        ("setup.py", SETUP, '"shop=shop.cli:main"', (5, "shop")),
        ("setup.py", SETUP, '"shop = shop.plugin"', (6, "shop")),
        ("setup.py", SETUP, '"bin/tool"', (3, "tool")),
        ("setup.cfg", SETUP_CFG, "    shop = shop:main\n", (7, "shop")),
        ("setup.cfg", SETUP_CFG, "    bin/tool\n", (3, "tool")),
        ("package.json", '{\n "bin": {\n  "shop": "a.js"\n }\n}\n', '"shop": "a.js"', (3, "shop")),
        ("Cargo.toml", CARGO, '[[bin]]\nname = "shop"\npath = "src/shop.rs"\n', (5, "shop")),
    ],
)
def test_a_declared_command_that_is_gone(
    repository: Repository, path: str, text: str, gone: str, row: tuple[int, str]
) -> None:
    assert gone in text
    found = answer(repository, {path: text}, {path: text.replace(gone, "", 1)})
    assert [(fact.path, fact.line, fact.what, fact.change) for fact in found.facts] == [(path, *row, "removed")]
    assert found.outcome == "fail"
    assert found.facts[0].proven


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("cmd/memo/main.go", "memo"),
        ("src/bin/shop.rs", "shop"),
        ("app/management/commands/send.py", "send"),
        ("src/shop/__main__.py", "shop"),
    ],
)
def test_a_command_that_its_path_makes(repository: Repository, path: str, what: str) -> None:
    found = answer(repository, {path: "x\n", "a": "1"}, {path: None})
    assert [(fact.path, fact.what, fact.proven) for fact in found.facts] == [(path, what, True)]


ARGPARSE = """import argparse

def build():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--level", "-l", type=int, default=1, choices=[1, 2, 3])
    parser.add_argument("--name", default="x")
    parser.add_argument("--fast", action="store_true")
    sub = parser.add_subparsers()
    run = sub.add_parser("run", aliases=["r"])
    run.add_argument("--dry", action="store_true")
    return parser
"""
CLICK = """import click

@click.group()
def cli(): ...

@cli.command("send")
@click.argument("to")
@click.option("--mail", "-m", default="a", help="h")
@click.option("--kind", type=click.Choice(["a", "b"]))
@click.option("--loud/--quiet")
def send_mail(to, mail, kind, loud): ...
"""
TYPER = """from typing import Annotated
import typer
app = typer.Typer()

@app.command()
def send_mail(
    to: str,
    count: int = 1,
    loud: bool = False,
    where: Annotated[str, typer.Option("--where", "-w")] = "x",
    old: str = typer.Option(None, "--old"),
): ...
"""
OPTPARSE = 'import optparse\np = optparse.OptionParser()\np.add_option("-v", "--verbose", action="store_true")\n'


@pytest.mark.parametrize(
    ("text", "pair", "rows"),
    [
        (ARGPARSE, ('    parser.add_argument("--name", default="x")\n', ""), [(7, "--name", "--name", None, True)]),
        (ARGPARSE, ('"--level", "-l"', '"--level"'), [(6, "-l", "-l", None, True)]),
        (ARGPARSE, ('"--name"', '"--title"'), [(7, "--name", "--name", None, True)]),
        (ARGPARSE, ('default="x"', "required=True"), [(7, "--name", "optional", "required", True)]),
        (ARGPARSE, ("[1, 2, 3]", "[1, 2]"), [(6, "--level", "choices 1, 2, 3", "choices 1, 2", True)]),
        (ARGPARSE, ('default="x"', 'default="y"'), [(7, "--name", "default 'x'", "default 'y'", False)]),
        (ARGPARSE, ('default="x"', 'default="x", type=int'), [(7, "--name", "type str", "type int", True)]),
        (
            ARGPARSE,
            (', action="store_true")\n    sub', ")\n    sub"),
            [(8, "--fast", "takes flag", "takes value", True)],
        ),
        (
            ARGPARSE,
            ('"source")', '"source")\n    parser.add_argument("target")'),
            [(6, "target", None, "required", True)],
        ),
        (ARGPARSE, ('    parser.add_argument("source")\n', ""), [(5, "source", "<1>", None, True)]),
        (
            ARGPARSE,
            ("    sub =", '    parser.add_argument("--must", required=True)\n    sub ='),
            [(9, "--must", None, "required", True)],
        ),
        (
            ARGPARSE,
            ('    run.add_argument("--dry", action="store_true")\n', ""),
            [(11, "run --dry", "--dry", None, True)],
        ),
        (ARGPARSE, (', aliases=["r"]', ""), [(10, "r", "r", None, True)]),
        (
            CLICK,
            ('@click.option("--mail", "-m", default="a", help="h")\n', ""),
            [(8, "send --mail", "--mail", None, True), (8, "send -m", "-m", None, True)],
        ),
        (CLICK, ('["a", "b"]', '["a"]'), [(9, "send --kind", "choices a, b", "choices a", True)]),
        (CLICK, ('"--loud/--quiet"', '"--loud", is_flag=True'), [(10, "send --quiet", "--quiet", None, True)]),
        (CLICK, ('default="a"', "required=True"), [(8, "send --mail", "optional", "required", True)]),
        (
            CLICK,
            ('@click.argument("to")\n', '@click.argument("to")\n@click.argument("cc")\n'),
            [(8, "send cc", None, "required", True)],
        ),
        (
            TYPER,
            ("    loud: bool = False,\n", ""),
            [(9, "send-mail --loud", "--loud", None, True), (9, "send-mail --no-loud", "--no-loud", None, True)],
        ),
        (TYPER, ('"--where", "-w"', '"--where"'), [(10, "send-mail -w", "-w", None, True)]),
        (TYPER, ("count: int = 1", "count: int = 2"), [(8, "send-mail --count", "default 1", "default 2", False)]),
        (TYPER, ('    old: str = typer.Option(None, "--old"),\n', ""), [(11, "send-mail --old", "--old", None, True)]),
        (TYPER, ("    to: str,\n", "    to: str,\n    cc: str,\n"), [(8, "send-mail cc", None, "required", True)]),
        (OPTPARSE, ('"-v", ', ""), [(3, "-v", "-v", None, True)]),
    ],
)
def test_an_option_that_is_gone_or_harder(
    repository: Repository, text: str, pair: tuple[str, str], rows: list[tuple[int, str, str | None, str | None, bool]]
) -> None:
    assert pair[0] in text
    found = answer(repository, {"shop/cli.py": text}, {"shop/cli.py": text.replace(*pair, 1)})
    assert [(fact.line, fact.what, fact.before, fact.after, fact.proven) for fact in found.facts] == rows
    assert (found.outcome, found.examined) == ("fail", 1)


def test_a_subcommand_that_is_gone_takes_its_options_with_it(repository: Repository) -> None:
    found = answer(repository, {"a.py": CLICK}, {"a.py": CLICK[: CLICK.index("@cli.command")]})
    assert {fact.what for fact in found.facts} == {
        *("send", "send to", "send --mail", "send -m", "send --kind", "send --loud", "send --quiet")
    }


@pytest.mark.parametrize(
    ("path", "before", "after", "what"),
    [
        (
            "a.go",
            'import "github.com/spf13/cobra"\nc.Flags().StringVarP(&x, "mode", "m", "d", "u")\n',
            'import "github.com/spf13/cobra"\n',
            {"--mode", "-m"},
        ),
        ("b.go", 'import "flag"\nvar p = flag.Int("port", 1, "u")\n', 'import "flag"\n', {"--port"}),
        (
            "c.go",
            'import "github.com/spf13/cobra"\nx{Use: "serve [a]"}\n',
            'import "github.com/spf13/cobra"\n',
            {"serve"},
        ),
        (
            "a.ts",
            "import { program } from 'commander'\nprogram.option('-p, --port <n>', 'x')\n",
            "import { program } from 'commander'\n",
            {"--port", "-p"},
        ),
        (
            "a.js",
            "const y = require('yargs')\ny.option('port', {alias: 'p'})\n",
            "const y = require('yargs')\n",
            {"--port", "-p"},
        ),
        ("a.rs", "use clap::Parser;\n#[arg(short, long)]\npub dry_run: bool,\n", "use clap::Parser;\n", {"--dry-run"}),
        ("a.rb", "require 'optparse'\nopts.on('-v', '--verbose')\n", "require 'optparse'\n", {"--verbose", "-v"}),
    ],
)
def test_other_languages_by_pattern(repository: Repository, path: str, before: str, after: str, what: set[str]) -> None:
    found = answer(repository, {path: before}, {path: after})
    assert {(fact.what, fact.line, fact.proven) for fact in found.facts} == {(name, 2, False) for name in what}


MOVED = ARGPARSE.replace("def build():", "def make_parser():")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"pyproject.toml": PROJECT}, {"pyproject.toml": PROJECT.replace("shop.cli:main", "shop.main:run") + "\n"}),
        (
            {"pyproject.toml": PROJECT},
            {"pyproject.toml": PROJECT.replace("[project.scripts]", '[project.scripts]\nnew = "a:b"')},
        ),
        (
            {"setup.cfg": SETUP_CFG},
            {"setup.cfg": None, "pyproject.toml": '[project.scripts]\nshop = "shop:main"\ntool = "x:y"\n'},
        ),
        ({"cmd/memo/main.go": "x"}, {"cmd/memo/main.go": None, "tools/cmd/memo/main.go": "x"}),
        ({"a.py": ARGPARSE}, {"a.py": None, "b/c.py": ARGPARSE}),
        ({"a.py": ARGPARSE}, {"a.py": MOVED}),
        ({"a.py": ARGPARSE}, {"a.py": "import argparse\n", "b.py": MOVED}),
        (
            {"a.py": ARGPARSE},
            {
                "a.py": ARGPARSE.replace('"--fast",', '"--fast", "-f", help="h",').replace(
                    "    sub =", '    parser.add_argument("--more")\n    sub ='
                )
            },
        ),
        ({"a.py": ARGPARSE}, {"a.py": ARGPARSE.replace("[1, 2, 3]", "[1, 2, 3, 4]")}),
        ({"a.py": ARGPARSE}, {"a.py": ARGPARSE.replace('"source")', '"source", nargs="?")')}),
        (
            {"a.py": CLICK},
            {
                "a.py": CLICK.replace('@click.argument("to")', '@click.argument("recipient")').replace(
                    '"a", help="h"', '"a"'
                )
            },
        ),
        ({"a.py": TYPER}, {"a.py": TYPER.replace("import typer\n", "import typer\n\n# words\n")}),
        ({"tests/test_cli.py": ARGPARSE, "a.py": CLICK}, {"tests/test_cli.py": "x = 1\n"}),
    ],
)
def test_moved_added_or_eased_is_no_break(repository: Repository, before: Files, after: Files) -> None:
    found = answer(repository, before, after)
    assert (found.outcome, found.facts) == ("pass", ())
    assert found.examined


ASKED = "import click\n@click.command()\n@click.option('--json')\ndef run(json): ...\n"
OTHER = "import click\n@click.command()\ndef show(): ...\n"


def test_commands_of_one_name_in_two_groups_are_two(repository: Repository) -> None:
    before: Files = {"shop/put.py": ASKED, "shop/post.py": ASKED, "shop/get.py": ASKED}
    found = answer(repository, before, {"shop/put.py": OTHER, "shop/post.py": OTHER, "shop/get.py": ASKED + "#\n"})
    assert [(fact.path, fact.what) for fact in found.facts] == [
        (path, what) for path in ("shop/post.py", "shop/put.py") for what in ("run", "run --json")
    ]


def test_of_commands_of_one_name_one_that_moved_is_there(repository: Repository) -> None:
    before: Files = {"shop/put.py": ASKED, "shop/post.py": ASKED}
    found = answer(repository, before, {"shop/put.py": OTHER, "shop/post.py": ASKED + "#\n", "shop/new.py": ASKED})
    assert found.facts == ()


def test_an_option_of_another_command_stands_in_for_none(repository: Repository) -> None:
    two = CLICK + '\n@cli.command()\n@click.option("--size")\ndef pack(size): ...\n'
    after = two.replace('@click.option("--kind", type=click.Choice(["a", "b"]))\n', "")
    after = after.replace('@click.option("--size")', '@click.option("--size")\n@click.option("--kind")')
    found = answer(repository, {"a.py": two}, {"a.py": after})
    assert [fact.what for fact in found.facts] == ["send --kind"]


def test_a_command_that_joins_no_group_any_more(repository: Repository) -> None:
    text = 'import click\nfrom x import send, pack\ncli.add_command(send)\ncli.add_command(pack, "pack-all")\n'
    found = answer(repository, {"a.py": text}, {"a.py": text[: text.index("cli.add_command(send)")]})
    assert [(fact.what, fact.line, fact.proven) for fact in found.facts] == [("pack-all", 4, True), ("send", 3, False)]


def test_a_container_that_starts_another_way(repository: Repository) -> None:
    text = 'FROM a\nENTRYPOINT ["shop"]\nCMD ["serve", "--all"]\n'
    found = answer(repository, {"Dockerfile": text}, {"Dockerfile": text.replace('"--all"', '"--one"')})
    facts = [(fact.line, fact.what, fact.before, fact.after, fact.proven) for fact in found.facts]
    assert facts == [(3, "CMD", "serve --all", "serve --one", False)]
    same = answer(repository, {}, {"Dockerfile": "FROM a\nENTRYPOINT shop\nCMD serve --one\n"})
    assert same.facts == ()


def test_a_default_that_may_be_a_secret_is_masked(repository: Repository) -> None:
    text = 'import argparse\np.add_argument("--api-key", default="{}")\n'
    files: Files = {"Dockerfile": "FROM a\nCMD run --password {}\n", "a.py": text}
    secrets = "first" + "word", "other" + "word"
    sides: list[Files] = [{name: str(body).format(secret) for name, body in files.items()} for secret in secrets]
    found = answer(repository, *sides)
    assert [fact.what for fact in found.facts] == ["CMD", "--api-key"]
    assert not any(secret in str(fact) for fact in found.facts for secret in secrets)


def test_without_a_command_nothing_is_said(repository: Repository) -> None:
    found = answer(repository, {"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
    assert (found.outcome, found.why, found.settled) == ("not_checked", "no command found", True)


NEST = "import argparse\nx = " + "(" * 3_000 + ")" * 3_000 + "\n"
LONG = "import argparse\nx = " + "+".join(["1"] * 20_000) + "\n"
NAMES = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "package.json",
    "Cargo.toml",
    "a.gemspec",
    "cli.py",
    "a.go",
    "a.ts",
    "Dockerfile",
)


@pytest.mark.parametrize(
    "content",
    [
        NEST,
        LONG,
        b"\xff\0click",
        "[" * 50_000,
        '{"bin": 3}',
        "[project]\nscripts = 3\n",
        "import click\n@click.option()\ndef f(): ...\n",
        "import argparse\np.add_argument(*x)\np.add_argument()\np.add_parser()\n",
        "import 'commander' " + ".option('" * 20_000,
        "spf13/ " + "flag.String(" * 20_000,
        "\n" * 100_000,
        "",
    ],
)
def test_no_content_breaks_the_line(repository: Repository, content: str | bytes) -> None:
    files: Files = dict.fromkeys(NAMES, "\n") | {"ok.py": CLICK}
    found = answer(repository, files, dict.fromkeys(NAMES, content) | {"ok.py": CLICK.replace('"--mail", ', "")})
    assert "send --mail" in [fact.what for fact in found.facts]


def test_what_cannot_be_parsed_is_named(repository: Repository) -> None:
    found = answer(repository, {"a.py": CLICK}, {"a.py": CLICK + "def (\n"})
    assert (found.outcome, found.why) == ("not_checked", "could not be read: a.py")
