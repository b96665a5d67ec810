"""Draw the house: the rooms of the package on their floors, and who uses whom, from the imports as they are.

    python docs/house.py

The floors are those of the import contract in pyproject.toml, what a room is for is the first sentence of its face, and
what it uses are its imports. A line is drawn where no other room lies between: what is reached through one is not drawn
again. The picture is ``docs/images/house.svg``; a test redraws it, so that it is never a claim.
"""

from __future__ import annotations

import ast
import html
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURE: Final = ROOT / "docs" / "images" / "house.svg"
GROUND: Final = "the ground"
GROUND_FOLDERS: Final = ("redact",)  # of the ground too, and too large for one module

WIDTH: Final = 1040
MARGIN: Final = 24
GAP: Final = 18
BOX: Final = 92
FLOOR: Final = 126
ALONE: Final = 460.0
ASIDE: Final = 210.0
LETTER: Final = 6.3  # px of an average letter of 12 px, in whatever font the reader has
STYLE: Final = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", Inter, Roboto, sans-serif; fill: #5b6470; }
  .name { font-size: 15px; font-weight: 650; fill: #1f2328; }
  .room { fill: #fefefe; stroke: #c3cbd5; stroke-width: 1.2; }
  .ground { fill: #f2f4f7; stroke: #c3cbd5; stroke-width: 1.2; }
  .uses { fill: #2a6ea3; }
  .use { fill: none; stroke: #2f79b0; stroke-width: 1.4; opacity: .7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #a6adb9; } .name { fill: #e8eaed; }
    .room { fill: #16181d; stroke: #3d444d; } .ground { fill: #1d2127; stroke: #3d444d; }
    .use { stroke: #7cc0ec; } .uses { fill: #7cc0ec; }
  }
"""


@dataclass(frozen=True)
class Room:
    """A room of the house.

    Attributes
    ----------
    name : str
        Its package, or :data:`GROUND` for the modules that every room stands on.
    purpose : str
        What it is for, one sentence.
    uses : frozenset of str
        The rooms whose names it imports.
    """

    name: str
    purpose: str
    uses: frozenset[str]


def floors() -> list[list[str]]:
    """Return the rooms floor by floor, the uppermost first; the modules of the ground are its last floor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    layers = [[name.strip().removeprefix("stabkit.") for name in layer.split("|")] for layer in contract["layers"]]
    rooms = [layer for layer in layers if _is_room(layer[0])]
    rooms[0] = [*rooms[0], "demo"]  # beside the command line, which alone may use it
    return [*rooms, [GROUND]]


def _is_room(name: str) -> bool:
    return name not in GROUND_FOLDERS and (ROOT / "stabkit" / name).is_dir()


def ground_modules() -> list[str]:
    """Return the modules that every room stands on, by name."""
    files = (ROOT / "stabkit").glob("*.py")
    doors = {"__init__", "__main__", *(path.stem for path in _public_doors())}
    return sorted([*(path.stem for path in files if path.stem not in doors), *GROUND_FOLDERS])


def _public_doors() -> Iterator[Path]:
    """Yield the modules beside the rooms that import one: doors for the public, no ground."""
    for path in (ROOT / "stabkit").glob("*.py"):
        if any(_is_room(room) for room in _imported(path)):
            yield path


def _imported(path: Path) -> set[str]:
    """Return what a module imports of the package, by the first part of the name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("stabkit.")}
    return found


def rooms() -> dict[str, Room]:
    """Return every room with what it is for and what it uses."""
    found = {}
    for name in (name for floor in floors()[:-1] for name in floor):
        folder = ROOT / "stabkit" / name
        purpose = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        files = [path for path in folder.rglob("*.py") if "service" not in path.relative_to(folder).parts]
        uses = {other if _is_room(other) else GROUND for path in files for other in _imported(path)} - {name}
        found[name] = Room(name, purpose.partition("\n\n")[0].replace("\n", " ").replace("`", ""), frozenset(uses))
    return found | {GROUND: Room(GROUND, ", ".join(ground_modules()), frozenset())}


@dataclass(frozen=True)
class Place:
    """Where a room is drawn, in px."""

    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.width / 2


def _places(storeys: Sequence[Sequence[str]], house: Mapping[str, Room]) -> dict[str, Place]:
    found = {}
    for number, floor in enumerate(storeys):
        room = (WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)) / len(floor)
        wide = min(room, ALONE) if floor != [GROUND] else room
        start = (WIDTH - wide * len(floor) - GAP * (len(floor) - 1)) / 2 + _shift(storeys, number, house)
        for place, name in enumerate(floor):
            found[name] = Place(start + place * (wide + GAP), MARGIN + number * FLOOR, wide)
    return found


def _shift(storeys: Sequence[Sequence[str]], number: int, house: Mapping[str, Room]) -> float:
    """Return how far a room alone on its floor steps aside, so that lines pass it that do not lead to it."""
    if len(storeys[number]) > 1:
        return 0.0
    name = storeys[number][0]
    neighbours = [
        floor[0] for floor in (storeys[number - 1], storeys[min(number + 1, len(storeys) - 1)]) if len(floor) == 1
    ]
    strangers = [
        other for other in neighbours if name not in house[other].uses | {other} and other not in house[name].uses
    ]
    return (ASIDE if number % 2 else -ASIDE) if strangers else 0.0


def _box(room: Room, place: Place) -> str:
    kind = "ground" if room.name == GROUND else "room"
    letters = int((place.width - 24) / LETTER)
    lines = textwrap.wrap(room.purpose, letters, max_lines=3, placeholder=" …")
    uses = [name for floor in floors()[:-1] for name in floor if name in room.uses]
    used = textwrap.wrap(f"uses {', '.join(uses)}", letters, max_lines=1, placeholder=" …") if uses else []
    texts = "".join(
        f'<text{mark} x="{place.x + 12:.1f}" y="{place.y + 39 + 15 * row:.1f}">{html.escape(line)}</text>'
        for row, (mark, line) in enumerate(
            [*(("", line) for line in lines), *((' class="uses"', line) for line in used)]
        )
    )
    return (
        f'<rect class="{kind}" x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{BOX}" rx="8"/>'
        f'<text class="name" x="{place.x + 12:.1f}" y="{place.y + 21:.1f}">{html.escape(room.name)}</text>{texts}'
    )


def _nearest(room: Room, house: Mapping[str, Room]) -> list[str]:
    """Return the rooms used that no other used room leads to."""
    reached: set[str] = set()
    open_ = [other for used in room.uses for other in house[used].uses]
    while open_:
        name = open_.pop()
        if name not in reached:
            reached.add(name)
            open_ += house[name].uses
    return sorted(room.uses - reached)


def _line(above: Place, below: Place) -> str:
    """Return the line of a use: from the foot of one room to the top of another, or along its floor."""
    if above.y == below.y:
        start, end = (above.x, below.x + below.width) if above.x > below.x else (above.x + above.width, below.x)
        return f'<path class="use" d="M{start:.1f} {above.y + BOX / 2:.1f}H{end:.1f}"/>'
    foot, top = above.y + BOX, below.y
    bend = (top - foot) / 2
    return (
        f'<path class="use" d="M{above.middle:.1f} {foot:.1f}C{above.middle:.1f} {foot + bend:.1f} '
        f'{below.middle:.1f} {top - bend:.1f} {below.middle:.1f} {top:.1f}"/>'
    )


def draw() -> str:
    """Return the picture as SVG, equal for equal imports."""
    storeys, house = floors(), rooms()
    places = _places(storeys, house)
    height = MARGIN * 2 + FLOOR * (len(storeys) - 1) + BOX
    lines = [_line(places[room.name], places[other]) for room in house.values() for other in _nearest(room, house)]
    boxes = [_box(house[name], place) for name, place in places.items()]
    title = "The rooms of stabkit: each uses only what lies beneath it"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n" + "\n".join([*lines, *boxes]) + "\n</svg>\n"
    )


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
