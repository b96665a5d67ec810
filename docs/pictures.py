"""Make the pictures of the documentation from real pages.

    python docs/pictures.py reports/stability_report.html reports/index.html

The first page gives ``report.png`` (its first screen), ``phone.png``, ``dark.png`` and ``print.png``; the second, an
index, ``index.png``.
Needs Chromium, playwright and Pillow (``requirements/dev.txt``).
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).with_name("images")
# A picture of a page has few colours; a palette looks the same and weighs a third.
COLOURS = 256
LARGEST_BYTES = 200_000


@dataclass(frozen=True)
class Picture:
    """A window onto a page: CSS pixels, and the reader's colour scheme."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    media: str = "screen"


OF_REPORT = (
    Picture("report", 1120, 900),
    Picture("dark", 1120, 900, "dark"),
    Picture("phone", 390, 844),
    # A4 at 96 pixels an inch, inside margins of 15 mm.
    Picture("print", 680, 1009, media="print"),
)
OF_INDEX = (Picture("index", 1120, 700),)


def take(browser: Any, page: Path, picture: Picture) -> bytes:
    """Return the top of a page as PNG bytes."""
    size = {"width": picture.width, "height": picture.height}
    context = browser.new_context(viewport=size, color_scheme=picture.scheme)
    try:
        tab = context.new_page()
        tab.emulate_media(media=picture.media, color_scheme=picture.scheme)
        tab.goto(page.resolve().as_uri())
        return bytes(tab.screenshot())
    finally:
        context.close()


def reduce(png: bytes) -> bytes:
    """Return the picture with a palette of its own, which compresses well."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    """Write the pictures; the exit code is 1 if one is too heavy for a README."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", type=Path, help="the page of a stability report")
    parser.add_argument("index", type=Path, nargs="?", help="an index page")
    arguments = parser.parse_args()
    wanted = [(arguments.report, picture) for picture in OF_REPORT]
    wanted += [(arguments.index, picture) for picture in OF_INDEX if arguments.index]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("error: there is no Chromium.", file=sys.stderr)  # noqa: T201  # a script, no library
        return 2
    FOLDER.mkdir(exist_ok=True)
    heavy = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page, picture in wanted:
            data = reduce(take(browser, page, picture))
            (FOLDER / f"{picture.name}.png").write_bytes(data)
            heavy += len(data) > LARGEST_BYTES
            print(f"{picture.name}.png: {picture.width} x {picture.height}, {len(data) / 1000:.0f} KB")  # noqa: T201
        browser.close()
    return 1 if heavy else 0


if __name__ == "__main__":
    raise SystemExit(main())
