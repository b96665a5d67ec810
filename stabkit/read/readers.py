"""Every supported evidence file, read by the module that recognises its content.

A new format is one new module in ``tests``, ``scans``, ``coverage`` or ``loads``, or in a family of formats there, with
``FORMAT``, ``KIND``, ``recognise(head)`` and ``read(path, *, suite, root)``; it is found by its being there. A module
of several readers names them in ``READERS``, each an object with these four. Other packages bring readers by entry
points of ``stabkit.readers``; they are asked only where no reader of this package recognises a file.
"""

from __future__ import annotations

import glob
import importlib
import logging
import multiprocessing
import os
import pkgutil
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, Protocol

import pandas as pd

from stabkit.config import FindingMapping
from stabkit.errors import EvidenceError, UsageError
from stabkit.installation import Plugin, load_plugins
from stabkit.read import coverage, loads, records, scans, tests
from stabkit.read.content import ReportError, check_regular, conflict_line, nearest_formats, read_head, xml_root
from stabkit.read.load_repeats import once_each, without_sketches
from stabkit.read.origin import Origin, origin_of
from stabkit.read.repeats import drop_repeats, scans_once
from stabkit.read.scans import _mapping
from stabkit.read.summary import source_summary
from stabkit.redact import redact_evidence, redact_text
from stabkit.schema import Evidence
from stabkit.sources import Fault, source_evidence
from stabkit.text import spelt

__all__ = [
    "KINDS",
    "SHARED_FILES",
    "Reader",
    "expand",
    "known_formats",
    "plugged_readers",
    "read_file",
    "read_paths",
    "readers",
    "recognised",
    "source_summary",
]

Kind = Literal["tests", "scan", "coverage", "load", "records"]
KINDS: Final = ("tests", "scan", "coverage", "load", "records")
SHARED_FILES: Final = 200
"""From so many files on it pays to start processes, which takes about as long as to read a hundred small files."""

_log = logging.getLogger(__name__)
_CONFIG_NAME: Final = "stabkit.toml"


class Reader(Protocol):
    """What a reader offers: a module, or one of the ``READERS`` of a module."""

    FORMAT: str
    KIND: str

    def recognise(self, head: bytes) -> bool:
        """Say whether a file that begins with these bytes is of this format."""

    def read(self, path: Path, *, suite: str | None = None, root: Path | None = None) -> Evidence:
        """Return what the file holds, with its ``sources`` row."""


def _modules(package: ModuleType) -> Iterator[Any]:
    """Yield the modules of a package and of its families, folders that hold formats of one kind."""
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            yield from _modules(module) if found.ispkg else (module,)


@cache
def readers() -> tuple[Reader, ...]:
    """Return the readers: records first, then those of the four packages, each package by module or format.

    What begins with an underscore is part of a reader. A module that cannot be imported, or that lacks
    a part of a reader, is an error at once: a format silently gone would be evidence silently gone.
    """
    found: list[tuple[str, Any]] = [("records", records)]
    for package in (tests, scans, coverage, loads):
        mine: list[tuple[str, Any]] = []
        for module in _modules(package):
            name, several = module.__name__.rpartition(".")[2], getattr(module, "READERS", None)
            mine += [(name, module)] if several is None else [(reader.FORMAT, reader) for reader in several]
        found += sorted(mine, key=itemgetter(0))
    for name, reader in found:
        missing = [part for part in ("FORMAT", "KIND", "recognise", "read") if not hasattr(reader, part)]
        if missing or reader.KIND not in KINDS:
            raise TypeError(f"{name} is no reader: {', '.join(missing) or 'unknown KIND'}")
    return tuple(reader for _, reader in found)


@cache
def plugged_readers() -> tuple[Reader, ...]:
    """Return the readers that other packages bring; what is no reader, or takes a known name, is left out and told."""
    found = load_plugins("readers", _fault_of, {reader.FORMAT for reader in readers()})
    return tuple(reader for _, reader in found.values())


def known_formats() -> tuple[tuple[str, str], ...]:
    """Return each format that is recognised, with its kind: those of this package first, then those of plugins."""
    return tuple((reader.FORMAT, reader.KIND) for reader in (*readers(), *plugged_readers()))


def _fault_of(plugin: Plugin, reader: Any) -> str | None:
    missing = [part for part in ("FORMAT", "KIND", "recognise", "read") if not hasattr(reader, part)]
    if missing:
        return f"it has no {', '.join(missing)}"
    if plugin.name != reader.FORMAT:
        return f"its FORMAT is {reader.FORMAT!r}, not the name of its entry point"
    if reader.KIND not in KINDS:
        return f"its KIND is none of: {', '.join(KINDS)}"
    return None if callable(reader.recognise) and callable(reader.read) else "recognise or read cannot be called"


def _recognised_by(reader: Reader, head: bytes) -> bool:
    try:
        return bool(reader.recognise(head))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's reader raises, the file is not one of its own
        _log.warning("the reader %s fails where it looks at a file: %s", reader.FORMAT, type(error).__name__)
        return False


def read_file(
    path: Path | str,
    *,
    kind: str | None = None,
    suite: str | None = None,
    root: Path | None = None,
    mapping: FindingMapping | None = None,
) -> Evidence:
    """Return what one evidence file holds; always with a ``sources`` row, whatever the file is.

    Parameters
    ----------
    path : Path or str
        Any file. What cannot be read or recognised gives status ``error`` and a message, never an exception.
    kind : str, optional
        ``tests``, ``scan``, ``coverage``, ``load`` or ``records``; a file of another kind is then an error.
    suite : str, optional
        The configured suite or scan the file belongs to.
    root : Path, optional
        Absolute paths beneath it become relative.
    mapping : FindingMapping, optional
        Where the findings stand; then the file's format is not looked for.

    Raises
    ------
    UsageError
        Unknown ``kind``.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"Unknown kind {kind!r}.", hint=f"Known: {', '.join(KINDS)}.")
    return without_sketches(_read_whole(path, kind=kind, suite=suite, root=root, mapping=mapping))


def _read_whole(
    path: Path | str,
    *,
    kind: str | None = None,
    suite: str | None = None,
    root: Path | None = None,
    mapping: FindingMapping | None = None,
) -> Evidence:
    """Return what :func:`read_file` does, with the claims by which two files of one load test are known."""
    path = Path(path)
    form, found = None, kind
    try:
        check_regular(path)
        if mapping is not None:
            form, found = _mapping.FORMAT, "scan"
            evidence = _mapping.read_mapped(path, mapping, suite=suite, root=root)
        else:
            reader = _recognise(path, kind)
            form, found = reader.FORMAT, reader.KIND
            evidence = _read(reader, path, suite, root)
        origin = origin_of(path, evidence)
    except EvidenceError as error:
        _log.info("%s: %s", path, error.what)
        line, column = (error.line, error.column) if isinstance(error, ReportError) else (None, None)
        evidence = source_evidence(
            {},
            kind=found or "tests",
            path=path,
            form=form,
            status="error",
            messages=[error.what],
            line=line,
            column=column,
        )
        origin = origin_of(path, evidence)
    return Evidence(redact_evidence(_with_origin(evidence, path, origin).tables))


def _read(reader: Reader, path: Path, suite: str | None, root: Path | None) -> Evidence:
    """Return what a reader finds; a shape that it did not expect costs this file, never those beside it."""
    try:
        return (
            reader.read(path, suite=suite, root=root)
            if reader in readers()
            else _read_plugged(reader, path, suite, root)
        )
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        _log.exception("%s", path)
        what = f"the reader of {reader.FORMAT} did not expect such content: {type(error).__name__}: {str(error)[:200]}"
        raise ReportError(what) from error


def _read_plugged(reader: Reader, path: Path, suite: str | None, root: Path | None) -> Evidence:
    """Return what the reader of another package finds, which may raise and return anything."""
    try:
        found = reader.read(path, suite=suite, root=root)
    except EvidenceError:
        raise
    except Exception as error:
        raise TypeError(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Evidence) or found["sources"].empty:
        raise TypeError("it returns no evidence with a row of sources")
    return found


def _recognise(path: Path, kind: str | None) -> Reader:
    head = read_head(path)
    matching = [reader for reader in readers() if reader.recognise(head)]
    if not any(kind in (None, reader.KIND) for reader in matching):
        matching += [reader for reader in plugged_readers() if _recognised_by(reader, head)]
    for reader in matching:
        if kind in (None, reader.KIND):
            return reader
    wanted = {
        "tests": "a test report",
        "scan": "a scan report",
        "coverage": "a coverage report",
        "load": "a load file",
        "records": "a stabkit record",
    }
    expected = wanted[kind] if kind else "a test report, nor any other evidence that a reader recognises"
    if matching:
        other = Fault(f"not {expected}: it is {matching[0].FORMAT}", "unknown_format")
        raise ReportError(other, line=1, column=1)
    marker = conflict_line(path)
    if marker is not None:
        raise ReportError(f"unresolved merge conflict, line {marker}", line=marker, column=1)
    known = [form for form, of_kind in known_formats() if kind in (None, of_kind)]
    exported = [form for form in known if form != records.FORMAT]  # what stabkit itself writes, nobody exports
    near = nearest_formats(path.name, head, exported) if head.strip() else ()
    what = f"not {expected}: {_describe(head)}"
    what += f"; nearest of {len(known)} known formats: {', '.join(near)}" if near else ""
    raise ReportError(Fault(what, "html" if _is_html(head) else "unknown_format"), line=1, column=1)


def recognised(path: Path) -> tuple[str, str] | None:
    """Return the kind and the format of a file by how it begins; None for one that no reader recognises.

    Raises
    ------
    ReportError
        It cannot be read.

    Examples
    --------
    >>> recognised(Path("data/sample/stabkit.toml")) is None
    True
    """
    check_regular(path)
    head = read_head(path)
    found = next((reader for reader in readers() if reader.recognise(head)), None)
    return None if found is None else (found.KIND, found.FORMAT)


def _start(head: bytes) -> bytes:
    return head[:512].lstrip(b"\xef\xbb\xbf \t\r\n")


def _is_html(head: bytes) -> bool:
    return _start(head)[:15].lower().startswith((b"<!doctype html", b"<html"))


def _describe(head: bytes) -> str:
    root, text = xml_root(head), _start(head)
    if _is_html(head):
        return "it is an HTML page"
    if root is not None:
        return f"its root element is {root[:80]!r}"
    if not head.strip():
        return "it is empty"
    if b"".join(head.split()) == b"[]":
        return "it is an empty list, which names no tool; SARIF does"
    if b"\0" in head[:1024]:
        return "its content is binary"
    return "its content is JSON of another kind" if text[:1] in (b"{", b"[") else "its content is unknown text"


def _with_origin(evidence: Evidence, path: Path, origin: Origin) -> Evidence:
    """Return the evidence with what its file is in its ``sources`` row."""
    sources, own = evidence["sources"], redact_text(spelt(path))
    # Only the file's own row: a claim in a record speaks of another document.
    mine = [place == own for place in sources["path"]]
    known = {
        name: pd.array(
            [value if here else told for here, told in zip(mine, sources[name], strict=True)], dtype=sources[name].dtype
        )
        for name, value in vars(origin).items()
    }
    return Evidence({**evidence.tables, "sources": sources.assign(**known)})


def read_paths(
    paths: Iterable[Path | str],
    *,
    kind: str | None = None,
    suite: str | None = None,
    root: Path | None = None,
    processes: int = 1,
    keep_repeats: bool = False,
) -> Evidence:
    """Return what several files hold: paths, globs and folders, each file once.

    Folders are read recursively and sorted, hidden files and ``stabkit.toml`` left out. A path that matches nothing is
    an error row of ``sources``. Test cases that an aggregate repeats from other files are dropped, and so is a scan
    that an earlier file tells in another format; the file's message says so.

    Parameters
    ----------
    paths : iterable of Path or str
        Paths, globs and folders.
    kind, suite, root
        As in :func:`read_file`.
    processes : int
        From :data:`SHARED_FILES` files on, so many processes share the work. More than 1 only in a program whose main
        module may be imported again, as :mod:`multiprocessing` demands.
    keep_repeats : bool
        Keep what an aggregate repeats, and only say so: each file by itself is asked for, not the run they make.

    Raises
    ------
    UsageError
        No path at all, or an unknown ``kind``.
    """
    parts: list[Evidence | Path] = []
    seen: set[Path] = set()
    given = [str(path) for path in paths]
    if not given:
        raise UsageError("No evidence file was given.", hint="Name files, folders or globs.")
    for text in given:
        files = expand(text)
        if not files:
            what = "holds no file" if os.path.isdir(text) else "matches no file"  # noqa: PTH112
            none = Fault(what, "no_file")
            parts.append(source_evidence({}, kind=kind or "tests", path=text, status="error", messages=[none]))
        for file in files:
            place = Path(file).absolute()
            if place not in seen:
                seen.add(place)
                parts.append(file)
    if kind is not None and kind not in KINDS:
        raise UsageError(f"Unknown kind {kind!r}.", hint=f"Known: {', '.join(KINDS)}.")
    read = partial(_read_whole, kind=kind, suite=suite, root=root)
    contents = _each(read, [part for part in parts if isinstance(part, Path)], processes)
    contents = once_each(contents, keep=keep_repeats)
    if not keep_repeats:
        contents = scans_once(contents)
    merged = Evidence().merge(*(next(contents) if isinstance(part, Path) else part for part in parts))
    return drop_repeats(merged, keep=keep_repeats)


def _each(read: Callable[[Path], Evidence], files: Sequence[Path], processes: int) -> Iterator[Evidence]:
    if processes < 2 or len(files) < SHARED_FILES:
        yield from map(read, files)
        return
    context = multiprocessing.get_context("spawn")
    # An interrupt is the parent's to answer.
    with ProcessPoolExecutor(processes, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            yield from pool.map(read, files, chunksize=SHARED_FILES // 8)
        finally:
            pool.shutdown(cancel_futures=True)


def expand(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob stands for, sorted; a missing plain path stands for itself."""
    path = Path(text)
    # os.path, unlike pathlib, answers False for a name that no file can have.
    if os.path.isdir(path):  # noqa: PTH112
        return _files_of(path)
    # A file's name may hold brackets: what exists is no glob.
    if not glob.has_magic(text) or os.path.lexists(path):
        return [path]
    found: list[Path] = []
    for match in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207 - pathlib's refuses absolute globs
        found += _files_of(Path(match)) if Path(match).is_dir() else [Path(match)]
    return list(dict.fromkeys(found))


def _files_of(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if not file.is_dir()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.name != _CONFIG_NAME
    )
