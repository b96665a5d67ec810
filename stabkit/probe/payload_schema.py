"""JSON Schema for event payloads; imported only where a schema is declared: jsonschema takes seconds to import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import referencing
import referencing.exceptions

from stabkit.errors import ConfigError, EvidenceError
from stabkit.paths import read_bounded
from stabkit.text import decoded

__all__ = ["PayloadSchema"]

_LARGEST: Final = 32_000_000  # bytes


class PayloadSchema:
    """One schema file, formats included.

    Parameters
    ----------
    file : Path
        JSON Schema; draft 2020-12 unless it names another.
    where : str
        The key in the configuration, for errors.

    Raises
    ------
    ConfigError
        The file cannot be read, is not JSON, or is not a valid schema.
    """

    def __init__(self, file: Path, where: str) -> None:
        try:
            schema = json.loads(decoded(read_bounded(file, _LARGEST)))
            kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
            kind.check_schema(schema)
        except (OSError, ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise ConfigError(f"The schema {str(file)!r} cannot be read: {why}.", where=where) from error
        except jsonschema.SchemaError as error:
            raise ConfigError(
                f"Not a valid JSON Schema: {error.message}.", where=where, hint=f"Look at {error.json_path}."
            ) from error
        # An empty registry: a reference out of the file must not make the prober load something from the network.
        self._validator = kind(schema, format_checker=kind.FORMAT_CHECKER, registry=referencing.Registry())

    def fault(self, payload: Any) -> str | None:
        """Return where and how a payload breaks the schema, or None.

        Raises
        ------
        EvidenceError
            The schema refers to something that is not in its file.
        """
        try:
            fault = jsonschema.exceptions.best_match(self._validator.iter_errors(payload))
        except referencing.exceptions.Unresolvable as error:
            raise EvidenceError(f"the schema refers to {error.ref!r}, which is not in its file") from error
        except RecursionError:
            return "nested too deeply"
        return f"{fault.json_path}: {fault.message}" if fault else None
