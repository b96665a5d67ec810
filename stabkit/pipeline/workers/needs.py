"""What a worker of a cluster must see so that it makes the same reports as this machine would."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from stabkit.case import existing, open_runs
from stabkit.errors import StabkitError
from stabkit.installation import package_version
from stabkit.pipeline.notebooks import find_notebook, notebook_defaults
from stabkit.pipeline.workers.attempts import Task
from stabkit.redact import redact_text
from stabkit.report.page import UNFINISHED
from stabkit.store import Store
from stabkit.store.places import Bucket, in_bucket

__all__ = ["Needs", "all_needs", "lacking", "needs_of", "signed", "signs", "store_needs"]


@dataclass(frozen=True)
class Needs:
    """What some tasks need; small, as it travels with each of them.

    Attributes
    ----------
    version : str
        Of stabkit.
    folder : str
        The working folder of the command.
    relative : bool
        Whether anything is named as seen from there.
    output, sign : str
        Folder of the reports, and the name of a file that lies in it; empty where there are none.
    files : tuple of (str, str or None)
        Whole paths that must be there, with the SHA-256 of a notebook.
    stores : tuple of (str, str or None)
        Where stores lie, and the newest batch in each.
    """

    version: str
    folder: str
    relative: bool
    output: str
    sign: str
    files: tuple[tuple[str, str | None], ...] = ()
    stores: tuple[tuple[str, str | None], ...] = ()


def needs_of(task: Task, sign: str) -> Needs:
    """Return what one task needs."""
    path = find_notebook(task.job.notebook)
    values = {**notebook_defaults(path), **task.job.parameters}
    texts = [value for name, value in values.items() if isinstance(value, str) and value and name != "data"]
    named = [path, *([task.output] if task.address is None else []), *(Path(text) for text in texts if existing(text))]
    data = values.get("data")
    # Without a store and a configuration, a notebook looks for those of its working folder.
    looks_around = data == "" and not values.get("config")
    store = _store(data) if isinstance(data, str) and data else None
    if store is not None and existing(str(data)):
        named.append(Path(str(data)))
    return Needs(
        package_version(),
        str(Path.cwd()),
        looks_around or not all(one.expanduser().is_absolute() for one in named),
        task.address or str(task.output.absolute()),
        sign,
        tuple((str(one.expanduser().absolute()), _digest(one) if one is path else None) for one in named),
        () if store is None else (store,),
    )


def store_needs(store: Store) -> Needs:
    """Return what reading a store needs."""
    return Needs(package_version(), str(Path.cwd()), relative=False, output="", sign="", stores=(_newest(store),))


def all_needs(each: Iterable[Needs]) -> Needs:
    """Return what several tasks of one batch need together."""
    every = list(each)
    first = every[0]
    return Needs(
        first.version,
        first.folder,
        any(one.relative for one in every),
        first.output,
        first.sign,
        tuple(dict.fromkeys(file for one in every for file in one.files)),
        tuple(dict.fromkeys(place for one in every for place in one.stores)),
    )


@contextlib.contextmanager
def signed(output: Path, address: str | None = None) -> Iterator[str]:
    """Lay a file into the output folder by which workers know it, for as long as a batch is at work; yield its name."""
    sign = f"{UNFINISHED}cluster-{secrets.token_hex(8)}"
    if address is not None:
        place = Bucket.named(in_bucket(address) or "")
        place.write(sign, sign.encode())
        try:
            yield sign
        finally:
            for name in place.hidden(sign):
                place.remove(name)
        return
    output.joinpath(sign).write_text(sign, encoding="ascii")
    try:
        yield sign
    finally:
        for file in output.glob(f"{sign}*"):
            file.unlink(missing_ok=True)


def lacking(needs: Needs) -> list[str]:
    """Say at a worker what it lacks, each as the end of a sentence that begins with its name; empty if nothing.

    A worker that sees the output folder answers the sign with a file of its own.
    """
    if needs.version != package_version():
        return [f"has stabkit {package_version()}, and this is {needs.version}"]
    found = []
    if needs.relative and not Path(needs.folder).is_dir():
        found.append(f"does not see the working folder {needs.folder}")
    if needs.output and (problem := _output_problem(needs.output, needs.sign)):
        found.append(problem)
    for path, digest in needs.files:
        if not Path(path).exists():
            if path != needs.output:
                found.append(f"does not see {path}")
        elif digest is not None and _digest(Path(path)) != digest:
            found.append(f"has another notebook at {path}")
    for place, batch_id in needs.stores:
        if problem := _store_problem(place, batch_id):
            found.append(problem)
    return [redact_text(one) for one in found]


@lru_cache(maxsize=256)
def _output_problem(output: str, sign: str) -> str | None:
    try:
        if in_bucket(output) is not None:
            return _bucket_problem(output, sign)
        return _folder_problem(Path(output), sign)
    except (StabkitError, OSError) as error:
        said = error.what if isinstance(error, StabkitError) else error.strerror or str(error)
        return f"cannot write the output folder {output}: {said}"


def _bucket_problem(address: str, sign: str) -> str | None:
    place = Bucket.named(in_bucket(address) or "")
    try:
        if place.read(sign) != sign.encode():
            return f"has another folder at {address}"
    except FileNotFoundError:
        return f"does not see the output folder {address}"
    place.write(f"{sign}-{secrets.token_hex(4)}", sign.encode())
    return None


def _folder_problem(output: Path, sign: str) -> str | None:
    try:
        if output.joinpath(sign).read_text(encoding="ascii") != sign:
            return f"has another folder at {output}"
        output.joinpath(f"{sign}-{secrets.token_hex(4)}").write_text(sign, encoding="ascii")
    except FileNotFoundError:
        return f"does not see the output folder {output}"
    return None


def signs(needs: Needs) -> int:
    """Count the workers whose answer is seen here."""
    if (inside := in_bucket(needs.output)) is not None:
        return len(Bucket.named(inside).hidden(f"{needs.sign}-"))
    return sum(1 for _ in Path(needs.output).glob(f"{needs.sign}-*"))


@lru_cache(maxsize=256)
def _store_problem(place: str, batch_id: str | None) -> str | None:
    try:
        known = {known for _, known in open_runs(place).batch_ids()}
    except StabkitError as error:
        return f"cannot read the store {place}: {error.what}"
    return None if batch_id is None or batch_id in known else f"has another store, or an older state of it, at {place}"


@cache
def _store(data: str) -> tuple[str, str | None] | None:
    """Return where a store lies and its newest batch; None where it cannot be read, which its reports say."""
    try:
        return _newest(open_runs(data))
    except StabkitError:
        return None


def _newest(store: Store) -> tuple[str, str | None]:
    ids = store.batch_ids()
    return str(store.place), ids[-1][1] if ids else None


def _digest(path: Path) -> str | None:
    status = path.stat()
    return _hashed(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=256)
def _hashed(path: Path, _state: Any) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
