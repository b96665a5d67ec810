"""The probes that a configuration declares, each guarded so that its failure is evidence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from stabkit.config import Config
from stabkit.errors import StabkitError
from stabkit.probe.http import HttpProbe
from stabkit.probe.resources import ResourceProbe
from stabkit.probe.rounds import Probe
from stabkit.probe.websocket import WebSocketProbe
from stabkit.schema import Evidence
from stabkit.sources import Fault, fault_code, named, source_evidence

__all__ = ["declared_probes"]

_LOG: Final = logging.getLogger(__name__)


class _Guarded:
    """A probe whose own failure is evidence: it never stops the other probes."""

    def __init__(self, kind: str, probe: Probe) -> None:
        self.target = probe.target
        self.planned = probe.planned
        self._kind = kind
        self._probe = probe
        self._fault: Fault | None = None

    def open(self) -> None:
        self._attempt(self._probe.open)

    def run(self, round_number: int) -> None:
        if self._fault is None:
            self._attempt(lambda: self._probe.run(round_number))

    def close(self) -> None:
        self._probe.close()

    def evidence(self) -> Evidence:
        return named(self._evidence(), self.target)

    def _evidence(self) -> Evidence:
        if self._fault is None:
            return self._probe.evidence()
        fault = source_evidence({}, kind=self._kind, path=self.target, status="error", messages=[self._fault])
        kept = {name: frame for name, frame in self._probe.evidence().tables.items() if name == "samples"}
        return Evidence(kept).merge(fault)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (StabkitError, OSError) as error:
            self._fault = Fault(str(error), fault_code(error))
            _LOG.warning("%s %s: %s", self._kind, self.target, error)


def declared_probes(
    config: Config, chosen: Callable[[str, str], bool], *, baseline: bool, resources: bool = True
) -> list[Probe]:
    """Return the probes of one side: of each chosen target that says where that side is.

    Parameters
    ----------
    config : Config
        Targets.
    chosen : callable
        Whether a kind and name are to be collected.
    baseline : bool
        Which side.
    resources : bool
        Also read processes.

    Returns
    -------
    list of Probe
        A probe whose own failure is evidence, and never stops the others.
    """
    found: list[Probe] = []
    for name, http in config.http.items():
        url = http.baseline_url if baseline else http.url
        if url and chosen("http", name):
            found.append(_Guarded("http", HttpProbe(name, http, url=url, root=config.root)))
    for name, socket in config.websocket.items():
        url = socket.baseline_url if baseline else socket.url
        if url and chosen("websocket", name):
            found.append(_Guarded("websocket", WebSocketProbe(name, socket, url=url, root=config.root)))
    for name, target in config.resources.items() if resources else ():
        if baseline:
            ways: dict[str, Any] = {
                "pid": target.baseline_pid,
                "pid_file": target.baseline_pid_file,
                "port": target.baseline_port,
                "process_name": target.baseline_process_name,
            }
        else:
            ways = {key: getattr(target, key) for key in ("pid", "pid_file", "port", "process_name")}
        ways = {key: value for key, value in ways.items() if value is not None}
        if "pid_file" in ways:
            ways["pid_file"] = config.path(ways["pid_file"])
        if ways and chosen("resources", name):
            found.append(_Guarded("resources", ResourceProbe(name, **ways, container=target.container)))
    return found
