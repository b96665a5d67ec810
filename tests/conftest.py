"""What every room's tests rest on."""

from __future__ import annotations

import functools
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# A shell that starts the tests in the background lets them ignore Ctrl-C, and everything they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


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


def faults_of(browser: Any, file: Path, *, scheme: str, width: int) -> list[str]:
    """Return what is wrong with a page as a reader of that theme and width has it: nothing, for a sound one."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    found: list[str] = []
    page.on("console", lambda message: found.append(f"message: {message.text}"))
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    asked: list[str] = []
    page.goto(file.as_uri())
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth")
    found += [f"scrolls sideways: {wide}"] if wide > width else []
    found += [f"request: {url}" for url in asked if not url.startswith("data:") and url != file.as_uri()]
    if page.evaluate("document.scripts.length"):
        found.append("a script")
    if not page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)"):
        found.append("an image that does not show")
    dead = "[...document.querySelectorAll('a[href^=\\x22#\\x22]')].map(a => a.hash.slice(1))"
    found += [f"dead link: {name}" for name in page.evaluate(f"{dead}.filter(id => !document.getElementById(id))")]
    for rule in Axe().run(page).response["violations"]:
        found += [f"{rule['id']}: {node['html'][:200]}" for node in rule["nodes"][:2]]
    context.close()
    return found


@pytest.fixture(scope="module")
def faults(browser: Any) -> Any:
    """``faults(file, scheme=, width=)``: what a real browser and axe find wrong with a page."""
    return functools.partial(faults_of, browser)
