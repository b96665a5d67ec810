"""Whether the settings that the running system reads are the same: a line of the checklist."""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from stabkit.change.environment.variables import ENV_FILE, assigned
from stabkit.change.facts import Answer, Fact, answered
from stabkit.change.paths import categorise
from stabkit.change.snapshots import Snapshots

__all__ = ["answer_configuration"]

_MOST_SETTINGS: Final = 100_000


def answer_configuration(snapshots: Snapshots) -> Answer:
    """Return the answer of the line."""
    found: list[Fact] = []
    unread = []
    for change in snapshots.changes:
        if categorise(change.path) != "config":
            continue
        old, new = (
            {} if content is None else _settings(path, content)
            for path, content in ((change.base_path, snapshots.before(change)), (change.path, snapshots.after(change)))
        )
        if snapshots.unread(change) or old is None or new is None:
            unread.append(change.path)
            continue
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        found += [
            Fact(change.path, None, key, "added" if key not in old else "removed" if key not in new else "changed")
            for key in keys
        ]
    known = sum(categorise(path) == "config" for path in {**snapshots.base_tree, **snapshots.head_tree})
    why = f"could not be parsed: {', '.join(unread)}" if unread else None
    return answered(found, known, "configuration files", why=why)


def _settings(path: str, content: bytes) -> dict[str, str] | None:  # noqa: PLR0911 - one return a format
    try:
        text = content.decode("utf-8")
        if path.endswith(".toml"):
            return dict(_flat(tomllib.loads(text)))
        if path.endswith(".json"):
            return dict(_flat(json.loads(text)))
        if path.endswith((".ini", ".cfg")):
            parser = configparser.RawConfigParser()
            parser.read_string(text)
            own = {f"{part}.{key}": value for part in parser.sections() for key, value in parser.items(part)}
            return own | {f"DEFAULT.{key}": value for key, value in parser.defaults().items()}
        if path.endswith(".properties") or ENV_FILE.search(path):
            return {name: value for name, value, _ in assigned(text)}
        if path.endswith((".yml", ".yaml")):
            import yaml  # type: ignore[import-untyped, unused-ignore]

            # Aliases of aliases may stand for more keys than any memory holds.
            found = dict(islice(_flat(list(yaml.safe_load_all(text))), _MOST_SETTINGS + 1))
            return found if len(found) <= _MOST_SETTINGS else None
    except Exception:  # noqa: BLE001 - any parser may refuse foreign text in its own way; the answer is "not parsed"
        return None
    return None


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{prefix}[{number}]")
    else:
        yield prefix or "(all)", repr(value)
