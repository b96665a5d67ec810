"""Facts, not prose: what the package says in words it never reads back."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "stabkit"
TAKING_APART = ("startswith", "endswith", "partition", "rpartition", "split", "rsplit", "removeprefix", "removesuffix")
# Words of ours that were once read back to know what was meant.
OURS = (
    " of ", " in the ", " in both runs", "manual", "missed it before", "flaky now", "a round", "left_out", "scan of ",
    "are unknown", "are assumed", "the baseline", "the candidate", "; ", "checklist", "connection refused", "timed out",
    "cut off", "most often", "not a ", "is not set", "redirect", "objective", "no samples", "no scan", "no tests",
)  # fmt: skip
# Grammar: a noun with what belongs to it, taken apart to make it plural; and what other tools wrote.
GRAMMAR = {"text.py"}
FOREIGN = {"cli/application.py"}  # what click says
SEARCHES = ("compile", "search", "match", "fullmatch", "findall")


def calls():
    """Yield each call of a method with its module and the texts that names stand for there."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        known: dict[str, list[str]] = {}
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant | ast.Tuple):
                known |= {target.id: texts(node.value) for target in targets if isinstance(target, ast.Name)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield str(path.relative_to(PACKAGE)), node, known


def texts(node):
    return [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


def said(node, known):
    """Return the texts of an argument, those behind a name too."""
    return [*texts(node), *(known.get(node.id, []) if isinstance(node, ast.Name) else [])]


def test_no_sentence_of_ours_is_taken_apart():
    strays = [
        f"{path}:{node.lineno}: {node.func.attr}({text!r})"
        for path, node, known in calls()
        if node.func.attr in TAKING_APART and path not in GRAMMAR and not path.startswith(("read/", "change/", "demo/"))
        for argument in node.args
        for text in said(argument, known)
        if any(part in text for part in OURS)
    ]
    assert strays == []


def test_no_sentence_of_ours_is_searched():
    strays = [
        f"{path}:{node.lineno}: {text!r}"
        for path, node, known in calls()
        if node.func.attr in SEARCHES
        and path not in FOREIGN
        and not path.startswith(("read/", "change/"))  # what other tools and people write
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        for argument in node.args[:1]
        for text in said(argument, known)
        if re.search(r"[a-z]{3,} [a-z]{3,}", text)
    ]
    assert strays == []


@pytest.mark.parametrize("words", ["refused", "certificate", "could not", "is incomplete"])
def test_no_words_of_ours_are_looked_for_in_a_text(words):
    """Nor with ``in``: what a fault, a need or a check means is a value beside its words."""
    strays = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In) and isinstance(node.left, ast.Constant)
        if isinstance(node.left.value, str) and words in node.left.value
    ]
    assert strays == []


# Columns and fields of analyze that once held sentences: a value says it, whose words report makes.
VALUES = {"note", "reason", "detail", "because", "break_reason"}
# The reason of a finding is a sentence of the JSON contract.
CONTRACT = {("findings/matching.py", "reason")}


def named_values(tree):
    """Yield what is given to a name, a field, a column or a key, with what it is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from ((key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None)
        elif isinstance(node, ast.Call):
            yield from ((ast.Constant(keyword.arg), keyword.value) for keyword in node.keywords)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target, node.value) for target in targets)


def names_of(node):
    """Return what a target is called: its name, its attribute, the texts of its subscript."""
    if isinstance(node, ast.Subscript):
        return texts(node.slice)
    return [getattr(node, "id", None) or getattr(node, "attr", None), *texts(node)]


def test_analyze_makes_values_and_no_sentences():
    """The checklist and the impact of a change (``change``) are left out: what they say is read by people alone."""
    room = PACKAGE / "analyze"
    strays = [
        f"{path}:{value.lineno}: {name}"
        for path in (file.relative_to(room).as_posix() for file in sorted(room.rglob("*.py")))
        if not path.startswith("change/")
        for target, value in named_values(ast.parse((room / path).read_text()))
        for name in VALUES.intersection(names_of(target))
        if (path, name) not in CONTRACT
        and any(isinstance(node, ast.JoinedStr) for node in ast.walk(value)) | any(" " in text for text in texts(value))
    ]
    assert strays == []
