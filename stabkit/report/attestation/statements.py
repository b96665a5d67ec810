"""The statement of a page, in the layout of in-toto: what it is, what it says, what that rests on, each by hash.

https://github.com/in-toto/attestation/tree/main/spec/v1 (Statement), https://github.com/secure-systems-lab/dsse (the
envelope, which signatures are put on).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from stabkit.installation import package_version

__all__ = [
    "PAYLOAD_TYPE",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "canonical",
    "conditions_of",
    "envelope_of",
    "statement_of",
]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:stabkit:judgement:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_LISTED: Final = 1000


def canonical(value: object) -> bytes:
    """Return a value as the JSON that is hashed: sorted keys, no spaces, ASCII.

    Examples
    --------
    >>> canonical({"b": 1, "a": None})
    b'{"a":null,"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def statement_of(result: Mapping[str, Any], contents: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what a report states.

    Parameters
    ----------
    result : mapping
        Its result, as :class:`stabkit.report.page.Rendered` holds it.
    contents : mapping
        Name of each of its files -> its bytes, without the statement.

    Returns
    -------
    dict
        ``_type``, ``subject``, ``predicateType``, ``predicate``: stabkit's version, notebook, verdict, exit code, the
        outcome of each condition (of the first 1,000), what the verdict rests on, and the sha256 of that evidence, of
        the configuration and of the verdict's piece.
    """
    summary = result.get("summary") or {}
    provenance = summary.get("provenance")
    digests = {"result": _sha256(canonical(summary))} if summary else {}
    if provenance:
        digests["evidence"] = _sha256(canonical([provenance["sides"], provenance["store"]]))
        digests["configuration"] = provenance["configuration"]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": _sha256(content)}} for name, content in contents.items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "stabkit": package_version(),
            "notebook": result["notebook"],
            "verdict": result["verdict"],
            "exit_code": result["exit_code"],
            "conditions": conditions_of(summary.get("gate")),
            "provenance": provenance,
            "sha256": digests,
        },
    }


def conditions_of(gate: object) -> list[list[str]]:
    """Return name and outcome of each condition of a gate's JSON, in its order; of the first 1,000."""
    conditions = gate.get("conditions") if isinstance(gate, Mapping) else None
    found = conditions if isinstance(conditions, (list, tuple)) else []
    return [[str(one["name"]), str(one["outcome"])] for one in found[:_LISTED]]


def envelope_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement in its envelope, which nobody has signed yet."""
    payload = base64.b64encode(canonical(statement)).decode()
    return {"payloadType": PAYLOAD_TYPE, "payload": payload, "signatures": []}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
