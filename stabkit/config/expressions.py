r"""Regular expressions that people write, kept from running without end on text that others write.

``(\w+\s?)*$`` is written in good faith and finds its end on every text but one. On that one it tries all ways to part
the text, for longer than anybody waits, and nothing in this process can stop it. So an expression that repeats is run
in a process of its own, which is ended when its time is over. That process imports nothing and is kept for the next.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from stabkit.errors import ConfigError

__all__ = ["LONGEST_SEARCH_S", "is_found", "replaced"]

LONGEST_SEARCH_S: Final = 5.0
"""Seconds that one expression may take on all texts it is asked about at once."""

_REPEATS: Final = re.compile(r"[*+?{|]")
_LENGTH: Final = struct.Struct("!Q")
_SHOWN: Final = 80
# Answers with a list: was the expression found in each text, or each text with its replacements.
_PROGRAM: Final = """
import json, re, struct, sys
length, given, told = struct.Struct("!Q"), sys.stdin.buffer, sys.stdout.buffer
while head := given.read(length.size):
    asked = json.loads(given.read(length.unpack(head)[0]))
    sought, new = re.compile(asked["pattern"]), asked["new"]
    found = [sought.search(text) is not None if new is None else sought.sub(new, text) for text in asked["texts"]]
    answer = json.dumps(found).encode()
    told.write(length.pack(len(answer)) + answer)
    told.flush()
"""

_lock: Final = threading.Lock()
_running: dict[int, subprocess.Popen[bytes]] = {}


@lru_cache(maxsize=65_536)
def is_found(pattern: str, text: str, *, where: str, limit_s: float = LONGEST_SEARCH_S) -> bool:
    r"""Say whether a regular expression is found anywhere in a text.

    Parameters
    ----------
    pattern : str
        A sound one.
    text : str
        Of any length.
    where : str
        Key of the configuration that holds the expression, for the error.
    limit_s : float
        Seconds.

    Raises
    ------
    ConfigError
        It takes longer than that.

    Examples
    --------
    >>> is_found(r"build \d+", "build 7 of shop", where="http.api.expect_match")
    True
    >>> is_found(r"(\w+\s?)*$", "a" * 40 + "!", where="http.api.expect_match", limit_s=0.2)
    Traceback (most recent call last):
    stabkit.errors.ConfigError: http.api.expect_match: '(\\w+\\s?)*$' takes longer than 0.2 s on a text...
    """
    if _REPEATS.search(pattern) is None:
        return re.search(pattern, text) is not None
    return bool(_answer(pattern, None, [text], where, limit_s)[0])


def replaced(
    pattern: str, new: str, texts: Sequence[str], *, where: str, limit_s: float = LONGEST_SEARCH_S
) -> list[str]:
    r"""Return texts with whatever an expression finds in them replaced, as :func:`re.sub` does.

    Raises
    ------
    ConfigError
        It takes longer than ``limit_s`` seconds on all of them.

    Examples
    --------
    >>> replaced(r"\[\d+-(\w+)\]", r"[\1]", ["test_a[7-fast]", "test_b"], where="test_aliases")
    ['test_a[fast]', 'test_b']
    """
    if not texts:
        return []
    if _REPEATS.search(pattern) is None:
        return [re.sub(pattern, new, text) for text in texts]
    return [str(text) for text in _answer(pattern, new, texts, where, limit_s)]


def _answer(pattern: str, new: str | None, texts: Sequence[str], where: str, limit_s: float) -> list[Any]:
    body = json.dumps({"pattern": pattern, "new": new, "texts": list(texts)}).encode()
    with _lock:
        process = _started()
        try:
            assert process.stdin is not None
            process.stdin.write(_LENGTH.pack(len(body)) + body)
            process.stdin.flush()
            until = time.monotonic() + limit_s
            (length,) = _LENGTH.unpack(_read(process, _LENGTH.size, until))
            return list(json.loads(_read(process, length, until)))
        except (TimeoutError, OSError) as error:
            _end()
            shown = pattern if len(pattern) <= _SHOWN else f"{pattern[:_SHOWN]}…"
            if not isinstance(error, TimeoutError):
                what = f"{shown!r} could not be run: its process ended."
                raise ConfigError(what, where=where, hint="Is there memory enough?") from error
            raise ConfigError(
                f"{shown!r} takes longer than {limit_s:g} s on a text that it meets, and was stopped.",
                where=where,
                hint="Repeat nothing that repeats itself, as in (a+)+: there are too many ways to part a text.",
            ) from None
        except BaseException:  # interrupted: what it would still say must not answer the next question
            _end()
            raise


def _started() -> subprocess.Popen[bytes]:
    process = _running.get(os.getpid())
    if process is None or process.poll() is not None:
        _running.clear()  # of a parent that was forked, or ended
        process = _running[os.getpid()] = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return process


def _read(process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
    assert process.stdout is not None
    number, parts = process.stdout.fileno(), bytearray()
    while len(parts) < size:
        if not select.select([number], [], [], max(0.0, until - time.monotonic()))[0]:
            raise TimeoutError
        more = os.read(number, min(size - len(parts), 1 << 20))
        if not more:
            raise BrokenPipeError
        parts += more
    return bytes(parts)


@atexit.register
def _end() -> None:
    process = _running.pop(os.getpid(), None)
    if process is not None:
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                stream.close()  # type: ignore[union-attr]
