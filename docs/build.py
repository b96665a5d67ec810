"""Build the documentation as HTML pages that need nothing else.

    python docs/build.py build/docs

README, handbook, architecture, decisions and the changelog, each as one page with its pictures inside, at the place
where its Markdown lies. A link that leads nowhere ends the build.
"""

from __future__ import annotations

import argparse
import base64
import html
import os
import re
import sys
from pathlib import Path
from typing import Any

import jinja2
import mistune

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("page.html")
HANDBOOK = ROOT / "docs" / "handbook"


class BrokenLinkError(Exception):
    """A link or picture of a page leads nowhere."""


def pages(root: Path = ROOT) -> list[Path]:
    """Return the Markdown pages of the documentation."""
    top = [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((root / "docs").rglob("*.md"))]


def contents() -> list[tuple[str, Path]]:
    """Return what stands beside every page: overview, handbook in its own order, architecture, changes."""
    listed = re.findall(r"^\| \[(.+?)\]\((.+?)\)", (HANDBOOK / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    handbook = [(name, HANDBOOK / file) for name, file in listed]
    first = [("Overview", ROOT / "README.md"), ("Handbook", HANDBOOK / "README.md")]
    last = [("Architecture", ROOT / "docs" / "architecture.md"), ("Security", ROOT / "SECURITY.md")]
    last.append(("Changes", ROOT / "CHANGELOG.md"))
    return [*first, *handbook, *last]


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it.

    Examples
    --------
    >>> slug("JSON & exit codes, `0` to `3`")
    'json--exit-codes-0-to-3'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def place_of(page: Path) -> Path:
    """Return where a page is built, relative to the folder of all pages."""
    path = page.relative_to(ROOT)
    return path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html")


class _Page(mistune.HTMLRenderer):
    """Markdown as HTML, with anchors, links between built pages, and pictures inside."""

    def __init__(self, page: Path, built: frozenset[Path]) -> None:
        super().__init__(escape=False)
        self.page = page
        self.built = built

    def heading(self, text: str, level: int, **_: Any) -> str:
        anchor = slug(html.unescape(re.sub(r"<[^>]+>", "", text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        language = f' class="language-{html.escape(info.split()[0])}"' if info else ""
        return f'<pre tabindex="0"><code{language}>{html.escape(code)}</code></pre>\n'

    def table(self, text: str) -> str:
        return f'<div class="wide" tabindex="0"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:  # noqa: FBT001, FBT002
        # A corner without words heads nothing.
        tag, scope = ("th", ' scope="col"') if head and text else ("td", "")
        return f"<{tag}{scope}{f' class={chr(34)}{align}{chr(34)}' if align else ''}>{text}</{tag}>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, self._target(url), title)

    def image(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002 - mistune names it
        file = (self.page.parent / url).resolve()
        if not file.is_file():
            raise BrokenLinkError(f"{self.page}: the picture {url} is not there")
        data = base64.b64encode(file.read_bytes()).decode()
        return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{data}">'

    def _target(self, url: str) -> str:
        if url.startswith(("https://", "#")):
            return url
        path, _, anchor = url.partition("#")
        target = (self.page.parent / path).resolve()
        if target not in self.built:
            raise BrokenLinkError(f"{self.page}: the link {url} leads to no page")
        return _from(place_of(self.page), place_of(target)) + (f"#{anchor}" if anchor else "")


def _from(here: Path, there: Path) -> str:
    return Path(os.path.relpath(there, here.parent)).as_posix()


def build(output: Path) -> list[Path]:
    """Write all pages below a folder and return their paths.

    Raises
    ------
    BrokenLinkError
        A link leads to no page, or a picture is missing.
    """
    found = pages()
    built = frozenset(found)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    written = []
    for page in found:
        here = place_of(page)
        markdown = mistune.create_markdown(renderer=_Page(page, built), plugins=["table"])
        body = str(markdown(page.read_text(encoding="utf-8")))
        title = re.search(r"<h1[^>]*>(.*?)</h1>", body)
        links = [{"name": name, "href": _from(here, place_of(path)), "here": path == page} for name, path in contents()]
        file = output / here
        file.parent.mkdir(parents=True, exist_ok=True)
        name = html.unescape(re.sub(r"<[^>]+>", "", title[1])) if title else here.stem
        text = template.render(title=name, links=links, body=body)
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


def main() -> int:
    """Build all pages; the exit code is 2 if a link leads nowhere."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, help="folder for the pages")
    arguments = parser.parse_args()
    try:
        written = build(arguments.output)
    except BrokenLinkError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  # a script, no library
        return 2
    print(f"{len(written)} pages: {arguments.output / 'docs/handbook/index.html'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
