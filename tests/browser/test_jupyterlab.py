"""Every notebook in a real JupyterLab: Run All works, and its figures and tables show, trusted and sanitised."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
PLAIN = "explore.ipynb"  # a sentence and data frames, no figure of ours
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Limits for a machine under load; alone, a notebook takes about ten seconds.
START_S = 120
RUN_MS = 300_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("lab"),  # one server for all
    pytest.mark.skipif(CHROMIUM is None, reason="No Chromium: JupyterLab cannot be opened."),
    # Event loops and sockets of the browser's driver are closed by its own process, not by ours.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

# The code cells of the notebook in front, as JupyterLab holds them.
STATE = """() => {
  const widget = window.jupyterapp.shell.currentWidget;
  const cells = widget.content.model.sharedModel.toJSON().cells.filter(cell => cell.cell_type === 'code');
  return {
    path: widget.context.path,
    status: widget.sessionContext.session?.kernel?.status ?? 'none',
    counts: cells.map(cell => cell.execution_count),
    trusted: [...widget.content.model.cells].filter(cell => cell.type === 'code').map(cell => cell.trusted),
    errors: cells.flatMap(cell => cell.outputs).filter(output => output.output_type === 'error')
      .map(output => `${output.ename}: ${output.evalue}`),
    images: cells.flatMap(cell => cell.outputs).map(output => output.data?.['text/html'] ?? '')
      .map(html => (Array.isArray(html) ? html.join('') : html).split('<img class="fig"').length - 1)
      .reduce((a, b) => a + b, 0),
  };
}"""
# Run All has ended: every code cell has a count, or one has failed and the rest were dropped.
DONE = f"""() => {{
  const now = ({STATE})();
  return now.status === 'idle' && (now.errors.length > 0 || now.counts.every(count => count !== null));
}}"""
PAINTED = (
    """() => [...window.jupyterapp.shell.currentWidget.node.querySelectorAll('figure img')].every(i => i.complete)"""
)
# Where a link of an output leads is where JupyterLab finds it: by the id of a heading.
DEAD = """() => [...window.jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-OutputArea-output a[href^="#"]')]
  .map(link => link.getAttribute('href').slice(1))
  .filter(id => !document.querySelector(`[data-jupyter-id="${CSS.escape(id)}"], #${CSS.escape(id)}`))"""
SHOWN = """() => {
  const panel = window.jupyterapp.shell.currentWidget.node;
  const images = [...panel.querySelectorAll('figure img')];
  const sum = (selector) => panel.querySelectorAll(`.jp-OutputArea-output ${selector}`).length;
  return {
    images: images.length,
    loaded: images.filter(image => image.complete && image.naturalWidth > 100 && image.alt.length > 20).length,
    titles: sum('figure h3'), tables: sum('table'), headings: sum('th[scope]'), folds: sum('details'),
    links: sum('a[href^="#"]'),
    scripts: sum('script'), styles: sum('style'),
    text: [...panel.querySelectorAll('.jp-OutputArea-output')].map(output => output.textContent).join(' '),
  };
}"""

# Text of an output that stands out from what is behind it by less than WCAG 2.2 asks, 4.5 to 1.
FAINT = """() => {
  const numbers = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...window.jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-RenderedHTML *')]
    .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()));
  return [texts.length, texts.filter(node => {
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map(node => node.textContent.trim().slice(0, 60))];
}"""
THEMES = ("JupyterLab Dark", "JupyterLab Light")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab on loopback with folders and a token of its own; the repository's files are copied, not touched."""
    home = tmp_path_factory.mktemp("jupyter")
    work = home / "work"
    shutil.copytree(ROOT / "notebooks", work / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (work / "data").mkdir()
    (work / "data" / "sample").symlink_to(ROOT / "data" / "sample", target_is_directory=True)
    # Every output in the page, not only those in view; no question about news.
    tracker = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}')
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
    token = secrets.token_urlsafe(16)
    places = {"HOME": "", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    places |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {name: str(home / place) for name, place in places.items()} | {"JUPYTER_TOKEN": token}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--ServerApp.root_dir={work}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = home / "server.log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=sink, stderr=sink)
        try:
            yield f"{address(process, home / 'runtime', log)}lab?token={token}", work
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def address(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return where the server listens, as it writes down itself once it does."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # half written
                return str(json.loads(file.read_text())["url"]).replace("localhost", "127.0.0.1")
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start (exit code {process.poll()}):\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def lab(server: tuple[str, Path]) -> Iterator[Any]:
    """One browser page with JupyterLab in it, for all notebooks."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(START_S * 1000)
        page.goto(server[0])
        page.wait_for_function("window.jupyterapp !== undefined")
        page.evaluate("window.jupyterapp.restored.then(() => true)")
        yield page
        chromium.close()


def show(lab: Any, path: str) -> None:
    lab.evaluate("path => { window.jupyterapp.commands.execute('docmanager:open', {path}); }", path)
    lab.wait_for_function(
        """path => {
          const widget = window.jupyterapp.shell.currentWidget;
          return widget?.context?.path === path && widget.context.isReady;
        }""",
        arg=path,
    )


def legible(lab: Any) -> None:
    for theme in THEMES:
        lab.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        lab.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
        texts, faint = lab.evaluate(FAINT)
        assert texts > 0
        assert faint == [], theme


def run_all(lab: Any, name: str) -> Any:
    show(lab, f"notebooks/{name}")
    lab.wait_for_function(f"() => ({STATE})().status === 'idle'")
    # Not awaited here, so that the limit below holds.
    lab.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    lab.wait_for_function(DONE, timeout=RUN_MS)
    state = lab.evaluate(STATE)
    assert state["errors"] == []
    return state


def test_run_all_shows_plain_data_frames(lab: Any, server: tuple[str, Path]) -> None:
    assert run_all(lab, PLAIN)["images"] == 0
    assert lab.evaluate(SHOWN)["tables"] == 7  # one for each cell but the first sentence and the figure
    legible(lab)


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name != PLAIN])
def test_run_all_shows_every_figure_and_table(lab: Any, server: tuple[str, Path], name: str) -> None:
    state = run_all(lab, name)
    assert state["images"] > 0
    assert all(state["trusted"])
    lab.wait_for_function(PAINTED)
    shown = lab.evaluate(SHOWN)
    assert shown["images"] == shown["loaded"] == shown["titles"] == state["images"]
    assert shown["tables"] > 0
    assert shown["links"] > 0 or name != "stability_report.ipynb"
    assert lab.evaluate(DEAD) == []
    assert shown["headings"] > shown["tables"]
    lab.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    # As somebody else sees the file: what is not signed is sanitised.
    work = server[1]
    node = nbformat.read(work / "notebooks" / name, as_version=4)
    node["metadata"]["title"] = "received by mail"
    nbformat.write(node, work / f"received_{name}")
    lab.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    show(lab, f"received_{name}")
    assert not any(lab.evaluate(STATE)["trusted"])
    lab.wait_for_function(PAINTED)
    received = lab.evaluate(SHOWN)
    assert lab.evaluate(DEAD) == []
    assert received == shown
    assert received["scripts"] == received["styles"] == 0
    legible(lab)  # sanitised, in either theme
