"""Options that several commands share, and where the configuration and the store are found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stabkit.cli.terminal import Format, Terminal
from stabkit.errors import ConfigError

if TYPE_CHECKING:
    from stabkit.config import Config
    from stabkit.store import Store

__all__ = [
    "BaselineArgument",
    "CandidateArgument",
    "ConfigOption",
    "DataOption",
    "FormatOption",
    "OutputOption",
    "open_data",
    "require_config",
    "terminal_of",
    "usual_config",
]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="STABKIT_CONFIG", help="Configuration; else the nearest stabkit.toml."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", "-d", envvar="STABKIT_DATA", help="Store of runs; else the one the configuration names."),
]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the result is printed.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="Folder for the pages.")]
BaselineArgument = Annotated[
    str, typer.Argument(metavar="BASELINE", help="Run before: label, id, latest~1, or a folder of evidence files.")
]
CandidateArgument = Annotated[
    str, typer.Argument(metavar="CANDIDATE", help="Run after: label, id, latest, or a folder of evidence files.")
]


def terminal_of(context: typer.Context) -> Terminal:
    """Return the terminal that the global options made."""
    terminal = context.find_object(Terminal)
    return terminal if terminal is not None else Terminal()


def usual_config(given: Path | None) -> Path | None:
    """Return the configuration file given, else the nearest one, else None."""
    from stabkit.config import find_config

    return given if given is not None else find_config()


def require_config(given: Path | None) -> Config:
    """Return the configuration.

    Raises
    ------
    ConfigError
        There is none, or it cannot be used.
    """
    from stabkit.config import load_config

    path = usual_config(given)
    if path is None:
        raise ConfigError(
            "There is no stabkit.toml here or in any folder above.",
            hint="Write one with: stabkit init, or name one with --config.",
        )
    return load_config(path)


def data_folder(config: Path | None, data: Path | None) -> Path:
    """Return the store's folder: the one given, else the one that the configuration names."""
    return data if data is not None else require_config(config).data


def open_data(config: Path | None, data: Path | None, *, create: bool = False) -> Store:
    """Return the store: the one given, else the one that the configuration names."""
    from stabkit.store import open_store

    return open_store(data_folder(config, data), create=create)
