"""Build the documentation as HTML pages that need nothing else.

    python docs/build.py build/docs

README, handbook, architecture, decisions and the changelog, each as one page with its pictures inside, at the place
where its Markdown lies; and the reference of the public Python names, made from their docstrings. Beside each page lies
its Markdown, and ``llms.txt`` lists those. A link that leads nowhere ends the build.
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
import reference

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("page.html")
HANDBOOK = ROOT / "docs" / "handbook"
# The list of them is a page that no file holds.
DECISIONS = ROOT / "docs" / "decisions.md"


class BrokenLinkError(Exception):
    """A link or picture of a page leads nowhere."""


def pages(root: Path = ROOT) -> list[Path]:
    """Return the Markdown pages of the documentation."""
    top = [root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((root / "docs").rglob("*.md"))]


def made() -> dict[Path, str]:
    """Return the pages that no file holds, as Markdown: the decisions by name, and the public Python names."""
    found = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    titles = [file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for file in found]
    rows = [f"| [{title}](decisions/{file.name}) |" for title, file in zip(titles, found, strict=True)]
    decisions = "\n".join(
        ["# Decisions", "", "What was chosen where the choice had a cost.", "", "| decision |", "|---|", *rows]
    )
    python = {ROOT / "docs" / "reference" / f"{module}.md": reference.page(module) for module in reference.MODULES}
    return {DECISIONS: f"{decisions}\n", **python}


def contents() -> list[tuple[str, list[tuple[str, str, Path]]]]:
    """Return what stands beside every page, in groups: name, what it answers, and the page.

    The handbook has its own order; each of its headings with a table of pages is a group.
    """
    text = (HANDBOOK / "README.md").read_text(encoding="utf-8")
    groups = [("stabkit", [("Overview", "what it is, and when not to use it", ROOT / "README.md")])]
    groups[0][1].append(("Handbook", "all pages, by what they answer", HANDBOOK / "README.md"))
    for section in text.split("\n## ")[1:]:
        rows = re.findall(r"^\| \[(.+?)\]\((.+?)\) \| (.+?) \|$", section, re.MULTILINE)
        if rows:
            groups.append((section.partition("\n")[0], [(name, told, HANDBOOK / file) for name, file, told in rows]))
    python = [
        (module, told.rstrip("."), ROOT / "docs" / "reference" / f"{module}.md")
        for module, told in reference.MODULES.items()
    ]
    project = [
        ("Architecture", "how stabkit is built", ROOT / "docs" / "architecture.md"),
        ("Decisions", "what was chosen, and why", DECISIONS),
        ("Contributing", "how to change stabkit, and how it is released", ROOT / "CONTRIBUTING.md"),
        ("Security", "what is trusted, and what is not", ROOT / "SECURITY.md"),
        ("Changes", "what changed, version by version", ROOT / "CHANGELOG.md"),
    ]
    return [*groups, ("Python", python), ("Project", project)]


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
    texts = {page: page.read_text(encoding="utf-8") for page in pages()} | made()
    built = frozenset(texts)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    listed = contents()
    written = []
    for page, source in texts.items():
        here = place_of(page)
        markdown = mistune.create_markdown(renderer=_Page(page, built), plugins=["table"])
        body = str(markdown(source))
        title = re.search(r"<h1[^>]*>(.*?)</h1>", body)
        groups = [
            {"name": group, "links": [_beside(page, name, path) for name, _, path in found]} for group, found in listed
        ]
        file = output / here
        file.parent.mkdir(parents=True, exist_ok=True)
        name = html.unescape(re.sub(r"<[^>]+>", "", title[1])) if title else here.stem
        home = _from(here, place_of(ROOT / "README.md"))
        file.write_text(template.render(title=name, groups=groups, home=home, body=body), encoding="utf-8")
        (output / page.relative_to(ROOT)).write_text(source, encoding="utf-8")
        written.append(file)
    (output / "llms.txt").write_text(llms(), encoding="utf-8")
    return written


def llms() -> str:
    """Return the list of pages for programs that read text, in the form of llms.txt: title, summary, links."""
    summary = (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n")[1].replace("**", "")
    lines = ["# stabkit", "", *(f"> {line}" for line in summary.splitlines())]
    for group, found in contents():
        lines += ["", f"## {group}", ""]
        lines += [f"- [{name}]({path.relative_to(ROOT).as_posix()}): {told}" for name, told, path in found]
    return "\n".join(lines) + "\n"


def _beside(page: Path, name: str, path: Path) -> dict[str, Any]:
    return {"name": name, "href": _from(place_of(page), place_of(path)), "here": path == page}


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
    print(f"{len(written)} pages: {arguments.output / 'index.html'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
