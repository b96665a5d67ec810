"""Writing files whole or not at all, into a folder that can be written."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError
from stabkit.paths import on_this_machine

__all__ = ["UNFINISHED", "check_folder", "write_whole"]

UNFINISHED: Final = ".unfinished-"
"""What the names of files begin with that are being written; one that stays behind is of a process that was killed."""


def check_folder(output: Path) -> None:
    """Make a folder for pages if there is none, and refuse one that cannot be written before any work is done for it.

    Raises
    ------
    UsageError
        It cannot be made, or no file in it, or it is an address.
    """
    on_this_machine(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise UsageError(
            f"The folder for the pages cannot be written: {error.strerror or error}.",
            where=str(output),
            hint="Name another folder with --output.",
        ) from error


def write_whole(texts: Mapping[Path, str | bytes]) -> None:
    r"""Write texts to files of one folder, each whole or not at all: a reader never sees half of one.

    All are written beside their places first and renamed last, in the order given. Half of a surrogate pair, which the
    name of a file may hold, is written as JSON does: ``\udc80``.

    Raises
    ------
    OSError
        One cannot be written; then none has changed. Or a folder lies in the place of one; then those before it have.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            content = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
            with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=UNFINISHED, delete=False) as file:
                written.append((Path(file.name), path))
                file.write(content)
            Path(file.name).chmod(0o644)
        for unfinished, path in written:
            unfinished.replace(path)
    finally:
        for unfinished, _ in written:
            unfinished.unlink(missing_ok=True)
