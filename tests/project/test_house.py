"""The house: rooms are entered by their face, no two modules import each other in a circle, no folder is crowded."""

import ast
import os
import subprocess
import sys
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "stabkit"
MOST_MODULES = 16
ROOMS = (
    "probe", "read", "change", "collect", "store", "analyze", "case", "chart", "report", "pipeline", "cli", "demo",
    "config", "announce",
)  # fmt: skip


@cache
def modules() -> dict[str, Path]:
    """Module -> its file; the demo's service is a tree of its own."""
    files = [path for path in PACKAGE.rglob("*.py") if "service" not in path.relative_to(PACKAGE).parts[:2]]
    dotted = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}
    return {name.removesuffix(".__init__"): path for name, path in dotted.items()}


def is_package(name: str) -> bool:
    return modules()[name].name == "__init__.py"


def package_of(name: str) -> str:
    return name if is_package(name) else name.rpartition(".")[0]


@cache
def imports(name: str) -> frozenset[tuple[str, str | None]]:
    """What a module imports of stabkit, also inside functions and for types only: (module, name)."""
    found: set[tuple[str, str | None]] = set()
    for node in ast.walk(ast.parse(modules()[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "stabkit":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add((inner, None) if inner in modules() else (node.module, alias.name))
        elif isinstance(node, ast.Import):
            found |= {(alias.name, None) for alias in node.names if alias.name.partition(".")[0] == "stabkit"}
    return frozenset(found)


def defined_in(name: str, attribute: str | None) -> str:
    """Return the module behind a name of a face; a module as it is."""
    stub = modules().get(name, Path()).with_suffix(".pyi")
    if attribute is None or not stub.is_file():
        return name
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == attribute for alias in node.names):
            return f"{name}.{node.module}"
    return name


def test_rooms_are_entered_by_their_face():
    strays = []
    for name in modules():
        for target, _ in imports(name):
            own, theirs = package_of(name), package_of(target)
            beneath = own == theirs or own.startswith(f"{theirs}.")
            # A room's own modules, and those of the floors above them within the room, need no face.
            if not beneath and target != theirs and not target.startswith(f"{own}."):
                strays.append(f"{name} imports {target}")
    assert strays == []


def test_no_circle_of_imports():
    """Also none through faces: each name is followed to the module that defines it."""
    graph = {name: {defined_in(*found) for found in imports(name)} - {name} for name in modules()}
    graph = {name: {target for target in targets if target in graph} for name, targets in graph.items()}
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        path.append(name)
        for target in sorted(graph[name]):
            visit(target)
        done.add(path.pop())

    for name in sorted(graph):
        visit(name)


def test_no_folder_is_crowded():
    sizes: dict[str, int] = defaultdict(int)
    for name in modules():
        sizes[package_of(name)] += 1
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_faces_may_be_loaded_at_once():
    """As EAGER_IMPORT asks lazy_loader to: it works only where no room leads back into itself through its face."""
    faces = sorted(".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.pyi"))
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    environment = {**os.environ, "EAGER_IMPORT": "1"}
    command = [sys.executable, "-c", code, *faces]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_face(room):
    face = import_module(f"stabkit.{room}")
    assert face.__doc__
    assert face.__all__
    for name in face.__all__:
        assert getattr(face, name) is not None, name


def test_no_name_of_a_face_is_hidden_by_a_module():
    """Python puts an imported module under its name into its package, where it would stand for the name of the face."""
    stubs = [(path, ast.parse(path.read_text())) for path in PACKAGE.rglob("__init__.pyi")]
    assert stubs
    for path, tree in stubs:
        names = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        beside = {file.stem for file in path.parent.glob("*.py")} | {file.name for file in path.parent.iterdir()}
        assert not names & beside, path
