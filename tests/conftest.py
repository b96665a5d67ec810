"""What every room's tests rest on."""

from __future__ import annotations

import functools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# No test says how fast an example is: a busy machine takes as long as it takes.
hypothesis.settings.register_profile("stabkit", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("stabkit")

# A shell that starts the tests in the background lets them ignore Ctrl-C, and everything they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One process forks the kernels of many tests, on a machine of continuous integration too.
os.environ.setdefault("STABKIT_WARM_KERNELS", "30")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Let no test mask what another one said to be secret."""
    from stabkit.redact import forget

    yield
    forget()


def _made_for_all(item: pytest.Item) -> list[str]:
    """Return a group for the tests of a module that share what is made for all of them, by parameter where it has some.

    Each worker would make it anew, and the most expensive tests are those that make it.
    """
    fixtures = getattr(item, "_fixtureinfo", None)
    shared = [
        found[-1]
        for found in (fixtures.name2fixturedefs.values() if fixtures is not None else ())
        if found[-1].scope == "module" and found[-1].baseid.startswith("tests/")
    ]
    if not shared:
        return []
    known = getattr(getattr(item, "callspec", None), "params", {})
    own = [str(known[found.argname]) for found in shared if found.params and found.argname in known]
    return [" ".join([item.nodeid.partition("::")[0], *own])]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name the group of a test in its id, by which one worker gets all of them.

    pytest-xdist 3.8 writes it where pytest 9.2 looks no longer; what a group shares would be made by each worker.
    """
    if getattr(config.option, "loadgroup", False):
        for item in items:
            names = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")}) or _made_for_all(item)
            if names and hasattr(item, "_id"):
                item._id = type(item._id).parse(f"{item.nodeid}@{'_'.join(names)}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for one module: the driver's event loop must not meet tests that start their own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


# Every theme and width, and paper: A4 without its margins, in CSS pixels. 320 is a page of 1280 at 400 %.
VIEWS = (("light", 1280, "screen"), ("light", 390, "screen"), ("dark", 390, "screen"), ("dark", 1280, "screen"),
         ("light", 703, "print"))  # fmt: skip
WIDTHS = (1280, 901, 390, 320)
# What axe says of a row it says of every row with the same marks; contrast alone costs it milliseconds a cell.
KEEP_UNLIKE_ROWS = """() => {
  for (const body of document.querySelectorAll('tbody')) {
    const seen = new Set();
    for (const row of [...body.rows]) {
      const marks = row.innerHTML.replace(/ (alt|src|href|data-label)="[^"]*"/g, '').replace(/>[^<]+</g, '>x<');
      if (seen.has(marks)) row.remove(); else seen.add(marks);
    }
  }
}"""
# The tables that are read, not the data behind a figure: what is cut at the right is the outcome.
CUT_TABLES = """[...document.querySelectorAll('.scroll:has(> .cards)')]
    .filter(box => getComputedStyle(box).overflowX === 'auto' && box.scrollWidth > box.clientWidth + 1)
    .map(box => `${box.getAttribute('aria-label')}: ${box.scrollWidth} of ${box.clientWidth}`)"""
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, {resultTypes: ['violations'], preload: false});
  return violations.flatMap(({id, nodes}) => nodes.slice(0, 2).map(node => `${id}: ${node.html.slice(0, 200)}`));
}"""


def faults_of(browser: Any, file: Path) -> list[str]:
    """Return what is wrong with a page in any theme and width and on paper: nothing, for a sound one."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context()
    page = context.new_page()
    found: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: found.append(f"message: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    found += [f"request: {url}" for url in asked if not url.startswith("data:") and url != file.as_uri()]
    if page.evaluate("document.scripts.length"):
        found.append("a script")
    if not page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)"):
        found.append("an image that does not show")
    dead = "[...document.querySelectorAll('a[href^=\\x22#\\x22]')].map(a => a.hash.slice(1))"
    found += [f"dead link: {name}" for name in page.evaluate(f"{dead}.filter(id => !document.getElementById(id))")]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{width} px: scrolls sideways: {wide}"] if wide > width else []
        found += [f"{width} px: a table is cut: {caption}" for caption in page.evaluate(CUT_TABLES)]
    page.evaluate(KEEP_UNLIKE_ROWS)
    page.evaluate(Axe().axe_script)
    for scheme, width, media in VIEWS:
        page.emulate_media(media=media, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{scheme} {width} {media}: {violation}" for violation in page.evaluate(VIOLATIONS)]
    context.close()
    return found


@pytest.fixture(scope="module")
def faults(browser: Any) -> Any:
    """``faults(file)``: what a real browser and axe find wrong with a page."""
    return functools.partial(faults_of, browser)
