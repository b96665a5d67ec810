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
        if node.func.attr in TAKING_APART and path not in GRAMMAR and not path.startswith(("read/", "demo/"))
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
        and not path.startswith("read/")  # what other tools write
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
