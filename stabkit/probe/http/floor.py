"""The prober's own floor: what a request costs when network and server cost next to nothing."""

from __future__ import annotations

import socketserver
import threading
from pathlib import Path
from typing import Final

from stabkit.config import HttpTarget
from stabkit.errors import EvidenceError
from stabkit.probe.http.http_probe import HttpProbe

__all__ = ["measure_floor"]

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Answering(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while self.rfile.readline(65_537):
            while self.rfile.readline(65_537) not in (b"\r\n", b""):
                pass
            self.wfile.write(_ANSWER)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def measure_floor(*, requests: int = 40) -> float:
    """Return the median service time of requests to an in-process loopback server, in ms.

    Store it with the run as ``floor_ms`` and compare margins with it; never subtract it.

    Parameters
    ----------
    requests : int
        At least 20, over one reused connection; the one that opens it is left out.

    Raises
    ------
    EvidenceError
        A loopback request failed, so nothing measured on this machine can be trusted.
    """
    with _Server(("127.0.0.1", 0), _Answering) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        probe = HttpProbe("floor", HttpTarget(url=url, requests=max(requests, 20) + 1, rate=500), url=url, root=Path())
        try:
            probe.open()
            probe.run(0)
        finally:
            probe.close()
            server.shutdown()
    samples = probe.evidence()["samples"]
    if not samples["ok"].all():
        raise EvidenceError(
            f"A request to this machine itself failed: {samples['error'].dropna().iloc[0]}.",
            where="loopback",
            hint="Look for a firewall or an exhausted machine.",
        )
    return float(samples.loc[~samples["warmup"], "service_ms"].median())
