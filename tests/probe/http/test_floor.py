"""The prober's own floor."""

import socketserver

import pytest

from stabkit.errors import EvidenceError
from stabkit.probe.http import floor


def test_floor_is_a_positive_time() -> None:
    assert floor.measure_floor(requests=20) > 0


def test_a_broken_loopback_is_an_error(monkeypatch) -> None:
    class Silent(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline(10)

    monkeypatch.setattr(floor, "_Answering", Silent)
    with pytest.raises(EvidenceError, match="without an answer"):
        floor.measure_floor()
