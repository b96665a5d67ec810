"""A tunnel through an HTTP proxy, for what speaks another protocol behind it.

Source: RFC 9110, section 9.3.6, "CONNECT".
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final

import httpcore

__all__ = ["open_tunnel"]

_LONGEST: Final = 16_384
_ANSWER: Final = re.compile(rb"HTTP/1\.[01] (?P<status>\d{3}) ?(?P<reason>[^\r\n]*)\r?\n")


async def open_tunnel(connection: socket.socket, proxy: httpcore.Proxy, host: str, port: int) -> None:
    """Ask the proxy at the other end of a connection to pass on all that follows to a host.

    Raises
    ------
    httpcore.ProxyError
        It refuses, or does not speak HTTP.
    OSError
        The connection is lost.
    """
    loop = asyncio.get_running_loop()
    name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    lines = [f"CONNECT {name}:{port} HTTP/1.1".encode(), f"Host: {name}:{port}".encode()]
    lines += [field + b": " + value for field, value in proxy.headers]
    await loop.sock_sendall(connection, b"\r\n".join(lines) + b"\r\n\r\n")
    answer = b""
    # Byte by byte: what follows the answer is the target's.
    while not answer.endswith((b"\r\n\r\n", b"\n\n")):
        byte = await loop.sock_recv(connection, 1)
        if not byte:
            raise httpcore.ProxyError("it closed the connection")
        answer += byte
        if len(answer) > _LONGEST:
            raise httpcore.ProxyError("its answer has no end")
    found = _ANSWER.match(answer)
    if found is None:
        raise httpcore.ProxyError("it does not speak HTTP")
    if not found["status"].startswith(b"2"):
        raise httpcore.ProxyError(f"{found['status'].decode()} {found['reason'].decode('latin-1')}")
