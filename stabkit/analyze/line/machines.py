"""Whether both runs were measured from one machine: times of two machines tell the machines apart, not the versions."""

from __future__ import annotations

import json
from typing import Any, Final

from stabkit.analyze.facts import Need
from stabkit.analyze.sides import Sides

__all__ = ["different_machine", "same_machine"]

_PARTS: Final = ("cpu", "cores", "cpu_limit")
_STOLEN: Final = 0.10  # of the processor time, taken by neighbours: a busy host is another machine


def different_machine(sides: Sides) -> Need | None:
    """Return why times of two runs cannot be set against each other: another machine measured; None if they can.

    Rounds that were interleaved had one machine. Where neither run says where it was measured nothing speaks against
    them; where one alone does, it is not known to be the same.
    """
    if sides.baseline is None or sides.paired:
        return None
    machines = [side.fact("machine") for _, side in sides.named]
    if same_machine(*machines):
        return None
    lacking = [name for (name, _), machine in zip(sides.named, machines, strict=True) if machine is None]
    if lacking:
        return Need(None, "runs", "not_comparable", "machine_unknown", side=lacking[0])
    return Need(None, "runs", "not_comparable", "machines", tuple(_words(machine) for machine in machines))


def same_machine(one: Any, other: Any) -> bool:
    """Say whether two runs were measured from machines that are alike, as far as the runs tell.

    Examples
    --------
    >>> fast, slow = '{"cpu": "A", "cores": 4, "steal_share": 0.001}', '{"cpu": "A", "cores": 2, "steal_share": 0.0}'
    >>> same_machine(fast, fast), same_machine(fast, slow), same_machine(None, None), same_machine(fast, None)
    (True, False, True, False)
    """
    if one is None or other is None:
        return one is None and other is None
    return _told(one) == _told(other)


def _stated(machine: Any) -> dict[str, Any]:
    try:
        found = json.loads(machine)
    except (TypeError, ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"cpu": str(machine)}


def _told(machine: Any) -> tuple[str, ...]:
    stated = _stated(machine)
    stolen = stated.get("steal_share")
    busy = isinstance(stolen, (int, float)) and stolen >= _STOLEN
    return (*(json.dumps(stated.get(part)) for part in _PARTS), str(busy))


def _words(machine: Any) -> str:
    stated = _stated(machine)
    return ", ".join(f"{part} {stated[part]}" for part in (*_PARTS, "steal_share") if stated.get(part) is not None)
