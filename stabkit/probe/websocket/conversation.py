"""One WebSocket session: connect, send, listen; everything is stamped, nothing is judged.

Sessions of a round run in one asyncio loop, each starting at its due time though earlier ones still listen: a session
that listens for seconds would else delay all that follow. The receiving task only stamps and appends; a slow check
must not pose as a slow server.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Final
from urllib.parse import SplitResult

import httpcore
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import Close
from websockets.typing import Subprotocol

from stabkit.config import WebSocketTarget
from stabkit.paths import find_field
from stabkit.probe.diagnosis import certificate_fault, diagnose
from stabkit.probe.tls import Session, read_session
from stabkit.probe.transport import is_address, resolve
from stabkit.probe.websocket.tunnel import open_tunnel

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_ROUND_BYTES",
    "MAX_ROUND_MESSAGES",
    "MAX_SESSION_BYTES",
    "MAX_SESSION_MESSAGES",
    "Record",
    "run_session",
]

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
MAX_SESSION_BYTES: Final = 64 * 1024 * 1024
MAX_ROUND_BYTES: Final = 512 * 1024 * 1024
"""Messages are kept until their round is over; the sessions of a round share this room."""
MAX_SESSION_MESSAGES: Final = 50_000
MAX_ROUND_MESSAGES: Final = 500_000
"""Small ones fill no room and still take their time: each is parsed, judged and has a row."""

_GOODBYE_S: Final = 2.0
_TO_PROXY: Final = ("name resolution", "connecting", "waiting for the tunnel")
_OVERHEAD_BYTES: Final = 100  # what even an empty message takes in memory


@dataclass
class Record:
    """What one session showed; times are those of ``perf_counter_ns``.

    Attributes
    ----------
    messages : list of (int, str or bytes)
        Arrival and content, in order.
    sent : list of (int, int)
        Position in ``target.send`` and time, in order.
    pings : list of float or None
        Round trip of each ping in ms; None if it was not answered in time.
    replies : list of (int, int)
        Of each reply that was waited for: when its message was sent and when it came.
    subprotocol : str or None
        What the server chose.
    deadline : bool
        True if listening ended because its time was up.
    abnormal : str or None
        Why the session, once connected, ended badly.
    reached_end : bool
        True if the event that ends a session came.
    done : bool
        False while the session is under way, and for good if it was interrupted.
    """

    due_ns: int
    round_number: int
    number: int
    started_ns: int = 0
    connected_ns: int = 0
    ended_ns: int = 0
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    upgrade_ms: float | None = None
    error: str | None = None
    certificate_fault: str | None = None
    tls: Session | None = None
    messages: list[tuple[int, str | bytes]] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)
    pings: list[float | None] = field(default_factory=list)
    replies: list[tuple[int, int]] = field(default_factory=list)
    subprotocol: str | None = None
    deadline: bool = False
    close_code: int | None = None
    abnormal: str | None = None
    reached_end: bool = False
    done: bool = False

    def ms(self, at_ns: int) -> float:
        """Return a time in ms after the connection was made."""
        return (at_ns - self.connected_ns) / 1e6


class _Stamped(ClientConnection):
    """A connection that notes when it was made, which is when TCP and TLS are done."""

    made_ns: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made_ns = perf_counter_ns()
        super().connection_made(transport)


async def run_session(
    record: Record,
    target: WebSocketTarget,
    *,
    url: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    context: ssl.SSLContext | None,
    proxy: httpcore.Proxy | None,
    secrets: tuple[str, ...],
) -> None:
    """Run one session and write into its record; failures of the target are recorded, not raised."""
    record.started_ns = perf_counter_ns()
    stage = ["name resolution"]
    try:
        async with asyncio.timeout(target.timeout_s):
            connection = await _connect(
                record, stage, target, url=url, parts=parts, headers=headers, context=context, proxy=proxy
            )
    except (OSError, WebSocketException, httpcore.ProxyError, ssl.CertificateError, ValueError, EOFError) as error:
        words = diagnose(error, timeout_s=target.timeout_s, stage=stage[0], secrets=secrets)
        at_proxy = proxy is not None and stage[0] in _TO_PROXY and not isinstance(error, httpcore.ProxyError)
        record.error = words.within("proxy: ") if at_proxy else words
        record.certificate_fault = certificate_fault(error)
        record.done = True
        return
    try:
        await _listen(record, target, connection)
        record.done = True
    finally:
        with suppress(WebSocketException, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await connection.close()
        connection.transport.abort()  # a server that floods, or does not listen, is not waited for
    record.close_code = connection.close_code if record.close_code is None else record.close_code


async def _connect(
    record: Record,
    stage: list[str],
    target: WebSocketTarget,
    *,
    url: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    context: ssl.SSLContext | None,
    proxy: httpcore.Proxy | None,
) -> ClientConnection:
    host = parts.hostname or ""
    port = parts.port or (443 if context else 80)
    near, door = (proxy.url.host.decode(), proxy.url.port or 80) if proxy else (host, port)
    addresses = [near]
    if not is_address(near):
        addresses, record.dns_ms = await asyncio.to_thread(resolve, near, door, target.timeout_s)
    stage[0] = "connecting"
    raw = await _open_socket(record, addresses, door)
    if proxy is not None:
        stage[0] = "waiting for the tunnel"
        try:
            await open_tunnel(raw, proxy, host, port)
        except BaseException:
            raw.close()
            raise
    begun = perf_counter_ns()
    stage[0] = "the TLS handshake" if context else "the upgrade"
    made: list[_Stamped] = []

    def create(*args: Any, **kwargs: Any) -> _Stamped:
        made.append(_Stamped(*args, **kwargs))
        return made[-1]

    tls: dict[str, Any] = {"ssl": context, "server_hostname": host} if context else {}
    try:
        connection = await connect(
            url,
            sock=raw,
            proxy=None,
            compression="deflate",
            max_size=MAX_MESSAGE_BYTES,
            max_queue=1024,
            open_timeout=None,  # one deadline covers all stages
            ping_interval=None,  # only those that are asked for: they are traffic of ours in the session's timings
            subprotocols=[Subprotocol(name) for name in target.subprotocols] or None,
            close_timeout=1,
            additional_headers=dict(headers),
            user_agent_header="stabkit",
            create_connection=create,  # type: ignore[arg-type]
            **tls,
        )
    except BaseException:
        raw.close()
        raise
    finally:
        if made and made[0].made_ns:
            stage[0] = "the upgrade"
            record.tls_ms = (made[0].made_ns - begun) / 1e6 if context else None
            _note_tls(record, made[0])
    record.connected_ns = perf_counter_ns()
    record.subprotocol = connection.subprotocol
    record.upgrade_ms = (record.connected_ns - made[0].made_ns) / 1e6
    return connection


def _note_tls(record: Record, connection: _Stamped) -> None:
    ssl_object = connection.transport.get_extra_info("ssl_object")
    if ssl_object is not None:
        record.tls = read_session(ssl_object)


async def _open_socket(record: Record, addresses: list[str], port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    last: OSError = OSError("the name has no address")
    for position, address in enumerate(addresses, start=1):
        raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        raw.settimeout(0)
        begun = perf_counter_ns()
        try:
            if position < len(addresses):
                # A dead address must leave time for the next one.
                await asyncio.wait_for(loop.sock_connect(raw, (address, port)), 1.0)
            else:
                await loop.sock_connect(raw, (address, port))
        except OSError as error:
            raw.close()
            last = error
        except BaseException:
            raw.close()
            raise
        else:
            record.connect_ms = (perf_counter_ns() - begun) / 1e6
            return raw
    raise last


async def _listen(record: Record, target: WebSocketTarget, connection: ClientConnection) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    ends = loop.time() + target.listen_ms / 1000
    helpers = [asyncio.create_task(_send(record, target, connection, arrived))]
    if target.ping_every_ms is not None:
        helpers.append(asyncio.create_task(_ping(record, target.ping_every_ms, target.pong_within_ms, connection)))
    try:
        async with asyncio.timeout_at(ends):
            await _receive(record, target, connection, arrived)
    except TimeoutError:
        state = connection.protocol
        if state.close_rcvd is None and state.close_sent is None and state.parser_exc is None:
            record.deadline = True
        else:
            # The session is over, but the other side has not hung up yet, which websockets waits for.
            failed = f"{state.close_sent.code} {state.close_sent.reason}" if state.close_sent else "lost"
            _note_close(record, target, state.close_rcvd, state.parser_exc or failed)
    except ConnectionClosed as closed:
        _note_close(record, target, closed.rcvd, closed.__cause__ or closed)
    finally:
        record.ended_ns = perf_counter_ns()
        for helper in helpers:
            helper.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await helper


def _note_close(record: Record, target: WebSocketTarget, frame: Close | None, why: object) -> None:
    record.close_code = frame.code if frame else 1006
    if frame is None or frame.code not in (1000, 1001, target.expect_close):
        # 1006 never comes over the wire: the cause says more than the number.
        record.abnormal = f"closed with {record.close_code}: {(frame.reason if frame else '') or why}"


async def _receive(
    record: Record, target: WebSocketTarget, connection: ClientConnection, arrived: asyncio.Event
) -> None:
    size, room = 0, min(MAX_SESSION_BYTES, MAX_ROUND_BYTES // target.sessions)
    most = max(1, min(MAX_SESSION_MESSAGES, MAX_ROUND_MESSAGES // target.sessions))
    while True:
        message = await connection.recv()
        record.messages.append((perf_counter_ns(), message))
        arrived.set()
        size += len(message) + _OVERHEAD_BYTES
        if size > room:
            record.abnormal = f"more than {room / 2**20:.3g} MiB in one session"
            return
        if len(record.messages) > most:
            record.abnormal = f"more than {most:,} messages in one session"
            return
        if _is_last(message, target):
            record.reached_end = True
            return


def _is_last(message: str | bytes, target: WebSocketTarget) -> bool:
    # Most messages are told apart by a search; only a likely last one is parsed while others may wait.
    if target.until_type is None or not isinstance(message, str) or target.until_type not in message:
        return False
    field_name = target.event.type_field if target.event else "type"
    with suppress(ValueError, RecursionError):
        return bool(find_field(json.loads(message), field_name) == target.until_type)
    return False


async def _send(record: Record, target: WebSocketTarget, connection: ClientConnection, arrived: asyncio.Event) -> None:
    for position, message in enumerate(target.send):
        text = message.text if message.text is not None else json.dumps(message.json_payload)
        arrived.clear()
        record.sent.append((position, perf_counter_ns()))
        await connection.send(text)
        if message.reply_within_ms is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), message.reply_within_ms / 1000)


async def _ping(record: Record, every_ms: float, within_ms: float, connection: ClientConnection) -> None:
    while True:
        await asyncio.sleep(every_ms / 1000)
        pong = await connection.ping()
        try:
            record.pings.append(1000 * await asyncio.wait_for(asyncio.shield(pong), within_ms / 1000))
        except TimeoutError:
            record.pings.append(None)
