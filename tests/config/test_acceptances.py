"""[[accepted]]: what an entry has to say, and what it means."""

import pytest

from stabkit.config import load_config, write_example
from stabkit.errors import ConfigError

WHO = 'reason = "r"\nowner = "ann"\n'
UNTIL = "until = 2026-12-31\n"


@pytest.mark.parametrize(
    ("entry", "key", "words"),
    [
        ('finding = "x"\nowner = "a"\n' + UNTIL, "accepted.0.reason", "Add 'reason'"),
        (f'finding = "x"\n{WHO}', "accepted.0.until", "Add 'until'"),
        (f'finding = "x"\ntest = "y"\n{WHO}{UNTIL}', "accepted.0", "one of finding, test, condition and risk"),
        (f"{WHO}{UNTIL}", "accepted.0", "Nothing is named"),
        (f'test = "y"\n{WHO}until = "soon"', "accepted.0.until", "until = 2026-12-31"),
        (f'test = "y"\n{WHO}until = 2026-12-31T10:00:00', "accepted.0.until", "until = 2026-12-31"),
        (f'test = "y"\n{WHO}until = 20261231', "accepted.0.until", "until = 2026-12-31"),
        (f'test = "/(/"\n{WHO}{UNTIL}', "accepted.0", "no regular expression"),
        (f'tset = "y"\n{WHO}{UNTIL}', "accepted.0.tset", "'test'"),
    ],
)
def test_a_fault_says_the_key_and_what_to_write(load, entry, key, words):
    with pytest.raises(ConfigError) as caught:
        load(f"[[accepted]]\n{entry}")
    assert caught.value.where.endswith(f"key {key}")
    assert words in f"{caught.value.what} {caught.value.hint}"


def test_one_table_is_told_to_be_a_list(load):
    with pytest.raises(ConfigError) as caught:
        load(f'[accepted]\ntest = "y"\n{WHO}{UNTIL}')
    assert "[[accepted]]" in caught.value.hint


@pytest.mark.parametrize(
    ("what", "fits"),
    [("t::a[x]", True), ("t::*", True), ("/a.x/", True), ("t::b*", False), ("T::A[x]", False), ("a", False)],
)
def test_names_are_equal_or_patterns(load, what, fits):
    entry = load(f'[[accepted]]\ntest = "{what}"\n{WHO}{UNTIL}').accepted[0]
    assert entry.fits("t::a[x]") is fits


@pytest.mark.parametrize(
    ("what", "name", "fits"),
    [
        ("test_old[1]", "test_old[1]", True),
        ("test_old[1]", "test_old1", False),
        ("test_old[*]", "test_old[1]", True),
        ("test_old[*]", "test_older", False),
        ("test_old[?-?]", "test_old[a-b]", True),
        ("test_[!a]", "test_b", False),
        ("*[1]", "suite::test_old[1]", True),
        ("R1 src/[id]/*", "R1 src/[id]/page.tsx:3", True),
        ("/R1/", "R10 src/a.py", True),  # looked for anywhere
        ("/^R1 /", "R10 src/a.py", False),
        ("/^R1 /", "R1 src/a.py", True),
    ],
)
def test_stars_and_question_marks_are_patterns_and_brackets_are_not(load, what, name, fits):
    entry = load(f"[[accepted]]\ntest = '{what}'\n{WHO}{UNTIL}").accepted[0]
    assert entry.fits(name) is fits


def test_it_ends_after_its_day_and_never_holds_on_none(load):
    entry = load(f'[[accepted]]\ntest = "t"\n{WHO}until = "2026-12-31"').accepted[0]
    day = entry.until
    assert entry.in_force(day)
    assert not entry.in_force(day.replace(year=2027, month=1, day=1))
    assert not entry.in_force(None)


def test_the_example_shows_one_that_can_be_used(tmp_path):
    file = write_example(tmp_path / "stabkit.toml")
    lines = file.read_text(encoding="utf-8").splitlines()
    start = lines.index("# [[accepted]]")
    block = [line.removeprefix("# ") for line in lines[start : start + 6]]
    file.write_text("\n".join(block), encoding="utf-8")
    assert load_config(file).accepted[0].kind == "finding"
