"""Where a case finds its configuration and its store, and how a command names them."""

from __future__ import annotations

from pathlib import Path

from stabkit.config import Config, find_config, load_config, nearest_config
from stabkit.errors import StabkitError
from stabkit.store import Store, is_store, open_store

__all__ = ["find_settings", "find_settings_file", "is_store", "open_project", "places", "store_place"]


def places(config: Config, path: Path | None, store: Store | None) -> tuple[str, ...]:
    """Return the options that say where configuration and store are, unless a command finds them by itself."""
    options: list[str] = []
    if path is not None and path != nearest_config():
        options += ["--config", str(_near(path))]
    if store is not None and (path is None or config.data != _place(store)):
        options += ["--data", str(_near(_place(store)))]
    return tuple(options)


def store_place(store: Store) -> str:
    """Return how a store is called from the working folder: relative where it lies beneath it."""
    return str(_near(_place(store)))


def _place(store: Store) -> Path | str:
    return str(store.place) if store.root is None else store.root


def _near(path: Path | str) -> Path | str:
    """Return the path as it is seen from the working folder, where it lies beneath it; an address as it is."""
    if isinstance(path, str):
        return path
    whole, here = path.absolute(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else path


def open_project(
    data: str | Path | None, config: str | Path | Config | None, *, needed: bool = True
) -> tuple[Store | None, Config, Path | None]:
    """Return the store, the configuration and the file that it came from.

    Parameters
    ----------
    data : str, Path or None
        The store. None or empty: the one that the configuration names, else ``data``.
    config : str, Path, Config or None
        None or empty: the ``stabkit.toml`` in the given data folder or above it; where that stands above the working
        folder too, or is none, the nearest from the working folder upwards. Without any, the empty configuration,
        which declares nothing.
    needed : bool
        False: None where there is no store.

    Raises
    ------
    StoreError
        There is no store, and it is needed.
    ConfigError
        The file is missing or wrong.
    """
    if data:
        store = _opened(data, needed=needed)
        return store, *find_settings(config, data, store)
    settings, path = find_settings(config, None, None)
    declared = path is not None or isinstance(config, Config)
    return _opened(settings.data if declared else None, needed=needed), settings, path


def _opened(data: str | Path | None, *, needed: bool) -> Store | None:
    try:
        return open_store(data)
    except StabkitError:
        if needed:
            raise
        return None


def find_settings(
    config: str | Path | Config | None, data: str | Path | None, store: Store | None
) -> tuple[Config, Path | None]:
    """Return the configuration and its file, as :func:`open_project` finds them."""
    if isinstance(config, Config):
        return config, None
    path = find_settings_file(config, data, store)
    return (Config(), None) if path is None else (load_config(path), path)


def find_settings_file(config: str | Path | None, data: str | Path | None, store: Store | None) -> Path | None:
    """Return the file that :func:`open_project` reads; None if there is none.

    Parameters
    ----------
    config, data, store
        What was given, and the opened store. A store that is named but not opened is looked up.
    """
    if config:
        return Path(config)
    if store is None and data:
        store = _opened(data, needed=False)
    near = store.root if store is not None else Path(data) if data and "://" not in str(data) else None
    with_store = None if near is None else find_config(near)
    # Of a store in this project the working folder says more; of any other store its own conditions are meant.
    shared = with_store is not None and Path.cwd().resolve().is_relative_to(with_store.parent)
    return find_config() if with_store is None or shared else with_store
