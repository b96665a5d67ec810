"""``stabkit.toml`` found, read and checked; every fault is told with its key and a remedy."""

from __future__ import annotations

import logging
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from stabkit.config.settings import Config
from stabkit.errors import ConfigError, nearest
from stabkit.paths import other_owner, read_bounded
from stabkit.text import decoded

__all__ = ["find_config", "load_config", "nearest_config", "refuse_existing", "write_example"]

_log = logging.getLogger(__name__)

CONFIG_NAME: Final = "stabkit.toml"
_NAMED: Final = ("http", "websocket", "resources", "prometheus", "tests", "scans", "coverage", "areas")
_SHAPES: Final = {"tuple_type": "list", "model_type": "table", "dict_type": "table", "mapping_type": "table"}
_BOUNDS: Final = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_LARGEST: Final = 4_000_000  # bytes; the largest that people write has some ten thousand


def find_config(start: Path | None = None) -> Path | None:
    """Return the nearest ``stabkit.toml``, from the given folder upwards; None if there is none.

    Raises
    ------
    ConfigError
        It belongs to another user: its commands would run as this one, who only called stabkit somewhere below it.
    """
    found = nearest_config(start)
    owner = None if found is None else other_owner(found)
    if owner is not None:
        raise ConfigError(
            f"This file was found on the way up and belongs to another user, {owner}: it is not taken by itself.",
            where=str(found),
            hint=f"If you trust it, name it: --config {shlex.quote(str(found))}, or STABKIT_CONFIG in the environment.",
        )
    return found


def nearest_config(start: Path | None = None) -> Path | None:
    """Return what :func:`find_config` does, whoever owns it: to compare with, never to read."""
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        # os.path: a folder that may not be entered holds nothing for us.
        if os.path.lexists(candidate / CONFIG_NAME) and not os.path.isdir(candidate / CONFIG_NAME):  # noqa: PTH112
            return candidate / CONFIG_NAME
    return None


def refuse_existing(path: Path) -> None:
    """Do nothing where a configuration can be written.

    Raises
    ------
    ConfigError
        There is one already.
    """
    if os.path.lexists(path):
        raise ConfigError("The file exists already.", where=str(path), hint="Edit it, or move it away first.")


def write_example(path: Path | str, *, first_line: str | None = None, text: str | None = None) -> Path:
    """Write a commented configuration to start from, and return its path; above it, if given, a comment for editors.

    Parameters
    ----------
    text : str, optional
        The configuration; left out: the example that names every key.

    Raises
    ------
    ConfigError
        The file exists already, or its folder cannot be written. Nothing is overwritten.
    """
    file = Path(path)
    example = Path(__file__).parent / "example.toml"
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(f"{first_line}\n" if first_line else "")
            output.write(example.read_text(encoding="utf-8") if text is None else text)
    except FileExistsError:
        raise ConfigError("The file exists already.", where=str(file), hint="Edit it, or move it away first.") from None
    except OSError as error:
        raise ConfigError(
            f"The file cannot be written: {error.strerror or error}.", where=str(file), hint="Choose another folder."
        ) from error
    return file


def load_config(path: Path | str) -> Config:
    """Read and check a configuration file.

    Raises
    ------
    ConfigError
        The file is missing or unreadable, is not TOML, or holds an unknown key or a wrong value; names the key, the
        nearest known key, and all faults found.

    Examples
    --------
    >>> load_config("data/sample/stabkit.toml").project.name
    'chat service'
    """
    file = Path(path)
    try:
        text = decoded(read_bounded(file, _LARGEST, pipes=True))
    except FileNotFoundError:
        raise ConfigError("There is no such file.", where=str(file), hint="Write one with: stabkit init") from None
    except IsADirectoryError:
        hint = f"Name the file in it: {file / CONFIG_NAME}"
        raise ConfigError("This is a folder, not a file.", where=str(file), hint=hint) from None
    except UnicodeDecodeError as error:
        hint = "Save it as UTF-8 text."
        raise ConfigError("The file cannot be read: it is no UTF-8 text.", where=str(file), hint=hint) from error
    except OSError as error:
        what = f"The file cannot be read: {error.strerror or error}."
        raise ConfigError(what, where=str(file), hint="Check its permissions, or name another one.") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "Correct it there. Text stands in quotes, a table's name in brackets: [http.api]"
        raise ConfigError(f"Not valid TOML: {error}.", where=str(file), hint=hint) from error
    except RecursionError as error:
        hint = "Write its lists and tables less deeply."
        raise ConfigError("It is nested too deeply.", where=str(file), hint=hint) from error
    _log.info("configuration: %s", file)
    try:
        return Config.model_validate({**data, "root": file.resolve().parent})
    except ValidationError as error:
        raise _translate(error, file) from error


def _translate(error: ValidationError, file: Path) -> ConfigError:
    faults = [_fault(fault) for fault in error.errors(include_url=False)]
    first_key, first_text, hint = faults[0]
    more = [f"{key}: {text}" for key, text, _ in faults[1:]]
    what = first_text + (f" Also: {'; '.join(more)}" if more else "")
    return ConfigError(what, where=f"{file}, key {first_key}", hint=hint)


def _fault(fault: Any) -> tuple[str, str, str]:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location) or "(file)"
    if fault["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        guess = nearest(location[-1], known)
        hint = f"Did you mean {guess!r}?" if guess else f"Known here: {', '.join(known)}."
        return key, f"Unknown key {location[-1]!r}.", hint
    if fault["type"] == "missing":
        return key, "This key is missing.", f"Add {location[-1]!r}."
    if fault["type"] in _SHAPES:
        shape = _SHAPES[fault["type"]]
        hint = _list_hint(fault["input"], location) if shape == "list" else _table_hint(location)
        return key, f"A {shape} is needed here.", hint
    if fault["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        guess = nearest(str(fault["input"]), known)
        hint = (f"Did you mean {guess!r}? " if guess else "") + f"Known: {', '.join(known)}."
        # An entry of a list is one of what its key calls many.
        entry = str(location[-1]).isdigit() and len(location) > 1
        name = str(location[-2]).removesuffix("s") if entry else location[-1]
        return key, f"There is no {name} {fault['input']!r}.", hint
    if fault["type"] in _BOUNDS:
        return (
            key,
            f"{fault['msg'].replace('Input should', 'It has to')}, and is {fault['input']}.",
            "Correct this value.",
        )
    text = str(fault["msg"]).removeprefix("Value error, ")
    return key, f"{text[:1].upper()}{text[1:]}.", fault.get("ctx", {}).get("hint", "Correct this value.")


def _list_hint(given: Any, location: list[str]) -> str:
    if isinstance(given, dict):
        return f"Write it with two brackets, once for each: [[{'.'.join(location)}]]"
    # Not the words given: a command line may hold a secret.
    return 'Each word by itself: ["pytest", "-q"]' if "command" in location[-1] else 'Such as: ["first", "second"]'


def _table_hint(location: list[str]) -> str:
    if location[0] in _NAMED and len(location) <= 2:
        return f"Each has a name, which you choose: [{location[0]}.NAME]"
    known = _known_keys(location)
    if known and len(known) <= 3:
        return f"Such as: {location[-1]} = {{ {', '.join(f'{key} = ...' for key in known)} }}"
    return f"Write it with its keys below: [{'.'.join(location)}]"


def _known_keys(location: list[str]) -> list[str]:
    model: Any = Config
    for part in location:
        fields = {(info.alias or name): info for name, info in model.model_fields.items()}
        # A name under a mapping or an index in a list is no field and leaves the model as it is.
        if part in fields:
            model = _inner_model(fields[part].annotation)
        if model is None:
            return []
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return sorted(info.alias or name for name, info in model.model_fields.items() if name != "root")


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return None
