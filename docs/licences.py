"""The licences of what stabkit needs at run time, as its packages state them: ``python docs/licences.py``.

Writes ``docs/licences.md`` from ``requirements/runtime.txt`` and the packages that are installed here. What only
other systems or versions of Python need is not installed, and not listed.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")
_REQUIRED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_CLASSIFIER: Final = "License :: OSI Approved :: "
# A text for a name, as some packages have it.
_LONGEST: Final = 60
_HEAD: Final = """# Licences of dependencies

What stabkit needs at run time, with the licence that each package states. `make licences` writes this page; a test
compares it with what is installed, and lets in no family of licences that it does not know. `make sbom` writes the bill
of materials (CycloneDX).

| package | licence |
|---|---|
"""


def licence_of(name: str) -> str:
    """Return the licence that an installed package states: its expression, else its classifiers, else its words."""
    stated = metadata(name)
    if stated.get("License-Expression"):
        return str(stated["License-Expression"])
    classifiers = [text for text in stated.get_all("Classifier") or [] if text.startswith(_CLASSIFIER)]
    if classifiers:
        return " or ".join(sorted(text.removeprefix(_CLASSIFIER) for text in classifiers))
    words = str(stated.get("License") or "").strip().splitlines()
    return words[0].strip()[:_LONGEST] if words else "not stated"


def licences() -> dict[str, str]:
    """Return package -> licence, of what is required and installed here, sorted by name."""
    text = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    found = {}
    for name in sorted(set(_REQUIRED.findall(text)), key=str.lower):
        try:
            found[name] = licence_of(name)
        except PackageNotFoundError:  # of another system, or another Python
            continue
    return found


if __name__ == "__main__":
    rows = "".join(f"| {name} | {licence} |\n" for name, licence in licences().items())
    PAGE.write_text(_HEAD + rows, encoding="utf-8")
    print(f"{len(rows.splitlines())} packages: {PAGE}")  # noqa: T201
