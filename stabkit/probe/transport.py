"""An httpx transport whose name resolution is measured apart, and whose deadline covers the whole request.

httpcore resolves inside ``connect_tcp`` and limits each read by itself, so that a server that drips one byte a second
is never late. This backend resolves first, connects to the found addresses one by one, and gives every step only what
remains until one deadline. Host header, SNI and certificate verification keep the host name.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from time import perf_counter_ns
from typing import Any

import httpcore
import httpx

__all__ = ["MeasuredTransport", "is_address", "resolve"]


def is_address(host: str) -> bool:
    """Say whether the host is an IP address, which needs no resolution.

    Examples
    --------
    >>> is_address("127.0.0.1"), is_address("::1"), is_address("localhost")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(host: str, port: int, timeout_s: float) -> tuple[list[str], float]:
    """Return the addresses of a host, in the system's order, and how long that took in ms.

    Raises
    ------
    socket.gaierror
        The name has no address.
    TimeoutError
        No answer in time. The system's resolver cannot be interrupted, so it runs in a thread of its own.
    """
    answers: queue.SimpleQueue[tuple[list[str], float] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        begun = perf_counter_ns()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            answers.put(socket.gaierror(socket.EAI_NONAME, "not a valid host name"))
        except OSError as error:
            answers.put(error)
        else:
            took = (perf_counter_ns() - begun) / 1e6
            answers.put((list(dict.fromkeys(str(entry[4][0]) for entry in found)), took))

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError("name resolution timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


class _Deadline:
    """The end of the request under way, shared by all streams of one transport."""

    def __init__(self) -> None:
        self.at_ns = 0

    def remaining(self) -> float:
        left = (self.at_ns - perf_counter_ns()) / 1e9
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        return self._inner.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline rules
        self._inner.write(buffer, self._deadline.remaining())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.remaining()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()
        self._preferred: str | None = None
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.dns_ms = None
        addresses = [host]
        if not is_address(host):
            try:
                addresses, self.dns_ms = resolve(host, port, self._deadline.remaining())
            except TimeoutError as error:
                raise httpcore.ConnectTimeout("name resolution timed out") from error
            except OSError as error:
                raise httpcore.ConnectError(str(error)) from error
        # The address that answered last goes first, so that a dead one costs its time once, not on each request.
        addresses.sort(key=lambda address: address != self._preferred)
        for position, address in enumerate(addresses, start=1):
            begun = perf_counter_ns()
            share = self._deadline.remaining() / (len(addresses) - position + 1)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses):
                    raise
                continue
            self.connect_ms = (perf_counter_ns() - begun) / 1e6
            self._preferred = address
            return _Stream(stream, self._deadline)
        raise httpcore.ConnectError("the name has no address")


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class MeasuredTransport(httpx.BaseTransport):
    """HTTP/1.1 or HTTP/2 over one connection a host, without retries or redirects.

    Parameters
    ----------
    context : ssl.SSLContext or None
        Shared by all connections; None for plain HTTP, as making one takes some 20 ms.
    reuse : bool
        False closes the connection after each response.
    hosts : int
        How many hosts may be connected at once: more than one where redirects are followed.
    http2 : bool
        Offer HTTP/2 in the TLS handshake.
    plain_http2 : bool
        Speak HTTP/2 without asking, as over plain HTTP there is no handshake to ask in.
    proxy : httpcore.Proxy or None
        An HTTP proxy: plain requests are handed to it, TLS goes through a tunnel.

    Notes
    -----
    Errors are those of httpcore. For one thread. Through a proxy, ``dns_ms`` and ``connect_ms`` are the proxy's.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *,
        reuse: bool,
        hosts: int = 1,
        http2: bool = False,
        plain_http2: bool = False,
        proxy: httpcore.Proxy | None = None,
    ) -> None:
        self._deadline = _Deadline()
        self._backend = _Backend(self._deadline)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            proxy=proxy,
            max_connections=hosts,
            max_keepalive_connections=hosts if reuse else 0,
            keepalive_expiry=None,
            http1=not plain_http2,
            http2=http2 or plain_http2,
            retries=0,
            network_backend=self._backend,
        )

    def limit(self, deadline_ns: int) -> None:
        """Set the end of the next request, on the clock of ``perf_counter_ns``."""
        self._deadline.at_ns = deadline_ns

    @property
    def dns_ms(self) -> float | None:
        """How long the latest connection's name resolution took; None for an address."""
        return self._backend.dns_ms

    @property
    def connect_ms(self) -> float | None:
        """How long the latest connection's successful TCP connect took."""
        return self._backend.connect_ms

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body is read from the returned response."""
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()
