"""Which feature flags a range adds, drops or gives another default, on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.environment import answer_flags
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
    base, head = repository.write("before", before), repository.write("after", after)
    git = Git(repository.folder)
    return answer_flags(Snapshots(git, base, head, read_changes(git, base, head)))


@pytest.mark.parametrize(
    ("path", "text", "flag", "default"),
    [
        ("a.py", 'client.get_boolean_value("new-ui", False)\n', "new-ui", "False"),
        ("a.py", 'client.get_boolean_value(flag_key="new-ui", default_value=True)\n', "new-ui", "True"),
        ("a.py", 'ldclient.get().variation("new-ui", context, False)\n', "new-ui", "False"),
        ("a.py", 'unleash.is_enabled("new-ui")\n', "new-ui", None),
        (
            "a.py",
            'from UnleashClient import UnleashClient\nc = UnleashClient()\nc.is_enabled("new-ui")\n',
            "new-ui",
            None,
        ),
        ("a.py", 'flagsmith.get_environment_flags().is_feature_enabled("new-ui")\n', "new-ui", None),
        ("a.py", 'gb.is_on("new-ui")\n', "new-ui", None),
        ("a.py", 'configcat_client.get_value("new-ui", False, user)\n', "new-ui", "False"),
        ("a.py", 'from waffle import flag_is_active\nflag_is_active(request, "new-ui")\n', "new-ui", None),
        ("a.py", 'waffle.switch_is_active("new-ui")\n', "new-ui", None),
        ("settings.py", "FEATURE_NEW_UI = True\n", "FEATURE_NEW_UI", "True"),
        ("settings.py", "ENABLE_SEARCH = False\n", "ENABLE_SEARCH", "False"),
        ("settings.py", 'FEATURE_FLAGS = {"new-ui": False}\n', "new-ui", "False"),
        ("a.tsx", "const on = useFlag('new-ui');\n", "new-ui", None),
        ("a.tsx", "const on = useFeatureFlag('new-ui');\n", "new-ui", None),
        ("a.ts", 'await client.getBooleanValue("new-ui", false);\n', "new-ui", "false"),
        ("a.js", 'if (unleash.isEnabled("new-ui")) {}\n', "new-ui", None),
        ("a.go", 'client.BoolVariation("new-ui", ctx, false)\n', "new-ui", "false"),
        ("a.rb", "Flipper.enabled?(:new_ui, user)\n", "new_ui", None),
        ("A.java", 'client.getBooleanValue("new-ui", true);\n', "new-ui", "true"),
        ("config/feature_flags.yml", "new-ui: true\n", "new-ui", "true"),
        ("config/app.yml", "features:\n  new-ui: false\n", "new-ui", "false"),
        ("flags.goff.yaml", "new-ui:\n  defaultRule:\n    variation: on\n", "new-ui", "defaultRule.variation=true"),
        ("demo.flagd.json", '{"flags": {"new-ui": {"state": "ENABLED"}}}', "new-ui", "state=ENABLED"),
        ("features.json", '[{"name": "new-ui", "enabled": true}]', "new-ui", "enabled=true"),
    ],
)
def test_a_flag_comes_and_goes(repository: Repository, path: str, text: str, flag: str, default: str | None) -> None:
    found = answer(repository, {"b.py": "x = 1\n"}, {path: text})
    assert [(f.change, f.what, f.before, f.after, f.path) for f in found.facts] == [
        ("added", flag, None, default, path)
    ]
    assert found.facts[0].line == text.count("\n", 0, text.index(flag)) + 1
    gone = answer(repository, {}, {path: None})
    assert [(f.change, f.what, f.before) for f in gone.facts] == [("removed", flag, default)]


@pytest.mark.parametrize(
    ("path", "before", "after", "values"),
    [
        ("a.py", 'c.get_boolean_value("f", False)\n', 'c.get_boolean_value("f", True)\n', ("False", "True")),
        ("a.ts", 'c.getBooleanValue("f", false)\n', 'c.getBooleanValue("f", true)\n', ("false", "true")),
        ("flags.yaml", "f: false\n", "f: true\n", ("false", "true")),
        ("settings.py", "FEATURES = {'f': 1}\n", "FEATURES = {'f': 2}\n", ("1", "2")),
    ],
)
def test_another_default(repository: Repository, path: str, before: str, after: str, values: tuple[str, str]) -> None:
    found = answer(repository, {path: before}, {path: after})
    assert [(f.change, f.what, f.before, f.after) for f in found.facts] == [("changed", "f", *values)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "flag = 1\nfeature('x')\nwidget.is_enabled('button')\nx.isOn(y)\n"),
        ("a.ts", "button.isEnabled('x'); const flags = 'gi';\n"),
        ("mkdocs.yml", "theme:\n  features:\n  - navigation.tabs\n"),
        ("a.py", "FLAGS = re.M | re.S\n"),
    ],
)
def test_what_only_looks_like_a_flag(repository: Repository, path: str, text: str) -> None:
    found = answer(repository, {"b.py": "x = 1\n"}, {path: text})
    assert (found.outcome, found.why, found.settled) == ("not_checked", "no feature flag found", True)


def test_a_flag_that_moves_is_no_change(repository: Repository) -> None:
    text = 'unleash.is_enabled("f")\n'
    found = answer(repository, {"a.py": text}, {"a.py": "x = 1\n", "b.py": f"#\n{text}"})
    assert (found.outcome, found.examined) == ("pass", 2)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("flags.yaml", b"a: [\n"),
        ("flags.json", b'{"a":' * 100_000),
        (
            "flags.yaml",
            b"a: &a [x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 12)),
        ),
        ("a.py", b'get_boolean_value("f"\n'),
        ("a.ts", b'useFlag("' * 100_000),
        ("a.ts", b"useFlag(" + b"[" * 1_000_000),
    ],
)
def test_hostile_files_leave_an_answer(repository: Repository, path: str, content: bytes) -> None:
    found = answer(repository, {"b.py": 'unleash.is_enabled("f")\n'}, {path: content})
    assert found.outcome in ("pass", "fail", "not_checked")
    assert found.outcome != "pass" or path.endswith(".ts")
