"""The JSON Schema of ``stabkit.toml``, by which editors complete it, explain its keys and mark what is wrong.

Of draft 7, which the TOML language servers read; a file names its schema in its first line, ``#:schema ...``. It says
less than :func:`stabkit.load_config` does, which also knows what excludes what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from stabkit.config.settings import Config
from stabkit.errors import ConfigError

__all__ = ["SCHEMA_DIRECTIVE", "SCHEMA_NAME", "config_schema", "write_schema"]

SCHEMA_NAME: Final = "stabkit.schema.json"
SCHEMA_DIRECTIVE: Final = f"#:schema ./{SCHEMA_NAME}"
_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_TITLE: Final = "stabkit.toml"
_TABLES: Final = "definitions"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration: every table and key with its description.

    Examples
    --------
    >>> schema = config_schema()
    >>> schema["properties"]["condition"]["items"]["$ref"], schema["definitions"]["Objective"]["required"]
    ('#/definitions/Condition', ['below_ms'])
    """
    raw = Config.model_json_schema(ref_template=f"#/{_TABLES}/{{model}}")
    tables = raw.pop("$defs")
    return {"$schema": _DRAFT, "title": _TITLE, **_plain({**raw, _TABLES: tables})}


def write_schema(path: Path) -> Path:
    """Write the schema, also over one that an earlier stabkit wrote, and return its path.

    Raises
    ------
    ConfigError
        Another file is there, which is left as it is; or the folder cannot be written.
    """
    if path.exists() and not _is_ours(path):
        raise ConfigError(
            "Another file is there already.", where=str(path), hint="Nothing is overwritten: move it away first."
        )
    try:
        path.write_text(json.dumps(config_schema(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The file cannot be written: {error.strerror or error}.", where=str(path), hint="Choose another folder."
        ) from error
    return path


def _is_ours(path: Path) -> bool:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(found, dict) and (found.get("title"), found.get("$schema")) == (_TITLE, _DRAFT)
    return False


def _plain(schema: Any) -> Any:
    """Return a schema as TOML needs it: without null, which it has not, and without titles that repeat the key."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
    if "anyOf" in kept:
        choices = [one for one in kept.pop("anyOf") if one != {"type": "null"}]
        kept |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"].replace("``", "`")
    of_keys = kept.pop("properties", None)
    found = {key: _plain(value) for key, value in kept.items()}
    if of_keys is not None:
        found["properties"] = {key: _plain(value) for key, value in of_keys.items()}
    if "$ref" in found and len(found) > 1:  # in this draft, a reference hides what stands beside it
        found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found
