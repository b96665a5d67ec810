"""Text: foreign text made fit for a line, the grammar of counts and lists, and command lines that can be pasted.

Nothing here states a finding; it only joins words. What is joined may be hostile (a test name, a path, a message), so
:func:`plain` removes what could break a line or reverse its direction; escaping is the display's task. A number in a
tool's message may be a count that changes by itself, a name, as a CVE's, or the measure that is complained of:
:func:`mask_numbers` and :func:`measures` tell them apart.
"""

from __future__ import annotations

import codecs
import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from stabkit.numbers import amount_text

__all__ = [
    "LONGEST_NAME",
    "TEMPORARY_ROOT",
    "all_of",
    "amount",
    "capital",
    "count",
    "decoded",
    "joined",
    "mask_numbers",
    "measures",
    "plain",
    "plural",
    "shell",
    "spelt",
    "subject",
    "verb",
    "without_colours",
]

LONGEST_NAME: Final = 90
"""Characters of a name beyond which it is cut in its middle."""

TEMPORARY_ROOT: Final = (
    r"(?:(?:/private)?(?:/var)?/tmp|(?:/private)?/var/folders/[^/\s]+/[^/\s]+/T"
    r"|[A-Za-z]:[\\/](?:[^:*?\n]*?[\\/]AppData[\\/]Local[\\/]|Windows[\\/])?Temp)"
)
"""A regular expression for the folder that holds a system's temporary ones; what lies in it is named anew each time."""

_WORD: Final = 16
_PLURALS: Final = {"is": "are", "has": "have", "was": "were", "does": "do", "query": "queries", "matches": "match"}
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]{0,16}m")
_SPACES: Final = re.compile(r"[^\S\u202f\u00a0]+")
# In this order: what names something is kept as it is, and the numbers that are left are masked.
_PARTS: Final = re.compile(
    r"(?P<digest>sha\d+:[0-9a-fA-F]{8,}+)"
    r"|(?P<address>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]))"
    r"|(?P<port>\bports?\b\W{0,3}\d++)"
    r"|(?P<version>\b[vV]\d++(?:\.\d++)++)"
    # A letter begins a name, and what hangs on it belongs to it (CVE-2024-1, sha1); a dotted version does not.
    r"|(?P<name>[^\W\d]\w*+(?:-(?!\d++\.\d)\w++)*+)"
    r"|(?P<number>\d++(?:[.,:/-]\d++)*+)"
)
_MASKED: Final = frozenset({"digest", "version", "number"})
_MEASURED: Final = re.compile(
    r"(?<![\w/])\d[\d.,]*+%?\s*+(?:[<>]=?|/|of\s+at\s+most|exceeds|over\s+the|\(?(?:max|limit|allowed|threshold))[^\d\n]{0,20}\d"
    r"|\b(?:complexity|complex|score|rating|cvss|coverage|duplication|duplicated)\b[^\d\n]{0,20}\d",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d++(?:[.,]\d++)*+")
_QUOTED: Final = re.compile(
    r"`([^`\n]{1,200})`|“([^”\n]{1,200})”|‘([^’\n]{1,200})’|\"([^\"\n]{1,200})\"|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)


def plain(text: object, longest: int = LONGEST_NAME) -> str:
    r"""Return foreign text as one line without control or direction characters, cut in the middle if long.

    Examples
    --------
    >>> plain("test_a\n\x1b[31m<b>")
    'test_a [31m<b>'
    >>> plain("x" * 200, longest=11)
    'xxxxx…xxxxx'
    >>> plain("seven tests of the checkout suite disappeared", longest=30)
    'seven tests … disappeared'
    """
    # Cc, Cf, Cs: control, direction and surrogate characters. A space keeps the words apart.
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in str(text))
    # Narrow spaces hold a number to its unit and its thousands together; only breaking spaces are joined.
    line = _SPACES.sub(" ", kept).strip()
    if len(line) <= longest:
        return line
    half = (longest - 1) // 2
    head, tail = line[:half], line[-half:]
    if " " in head[-_WORD:]:  # prose is cut between words, a long name within
        head = head[: head.rindex(" ") + 1]
    if " " in tail[:_WORD]:
        tail = tail[tail.index(" ") :]
    return f"{head}…{tail}"


def without_colours(text: str) -> str:
    r"""Return a text without the sequences by which a terminal colours it.

    Examples
    --------
    >>> without_colours("\x1b[31mfailed\x1b[39m: a[1]")
    'failed: a[1]'
    """
    return _COLOURS.sub("", text)


def decoded(content: bytes) -> str:
    r"""Return the text of a file that people write: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Editors and shells of Windows write marks, and UTF-16. Line ends become ``\n``.

    Raises
    ------
    UnicodeDecodeError
        It is neither.

    Examples
    --------
    >>> decoded(b"\xef\xbb\xbfa\r\nb"), decoded("a".encode("utf-16"))
    ('a\nb', 'a')
    """
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig").replace("\r\n", "\n")


def spelt(text: object) -> str:
    r"""Return text that can be stored and sent; bytes of a file's name that are no UTF-8 are spelt out.

    Examples
    --------
    >>> spelt("a\udce9.xml"), spelt("é.xml"), spelt("\ud800")
    ('a\\xe9.xml', 'é.xml', '\\ud800')
    """
    found = str(text)
    try:
        return found.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character of another origin
        return found.encode("utf-8", "backslashreplace").decode()


def shell(words: Sequence[object]) -> str:
    """Return a command line that can be pasted: every word quoted as a POSIX shell needs it.

    Examples
    --------
    >>> shell(["stabkit", "collect", "--only", "x; rm -r ."])
    "stabkit collect --only 'x; rm -r .'"
    """
    return shlex.join(plain(word, longest=400) for word in words)


def plural(word: str, amount: float | None) -> str:
    """Return the word in the number that fits the amount.

    Examples
    --------
    >>> plural("test", 1), plural("test", 2), plural("retry", 2), plural("is", 0), plural("pass", 2)
    ('test', 'tests', 'retries', 'are', 'passes')
    """
    if amount == 1:
        return word
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def all_of(amount: int, word: str) -> str:
    """Return that all of them are meant, as people say it: the one, both, all of more.

    Examples
    --------
    >>> all_of(1, "time"), all_of(2, "time"), all_of(1500, "time")
    ('The one time', 'Both times', 'All 1,500 times')
    """
    if amount == 1:
        return f"The one {word}"
    return f"Both {plural(word, 2)}" if amount == 2 else f"All {count(amount, word)}"


def verb(singular: str, amount: int) -> str:
    """Return a verb in the number that fits the amount: ``shows`` for one, ``show`` for many.

    Examples
    --------
    >>> verb("shows", 1), verb("shows", 3), verb("is", 3)
    ('shows', 'show', 'are')
    """
    if amount == 1:
        return singular
    return _PLURALS.get(singular) or singular.removesuffix("s")


def count(amount: float | None, word: str, many: str | None = None) -> str:
    """Return an amount with its noun; ``many`` says how the noun reads for many, where the grammar here does not know.

    Examples
    --------
    >>> count(1, "round"), count(0, "finding"), count(2, "session of chat"), count(2, "run has", "runs have")
    ('1 round', '0 findings', '2 sessions of chat', '2 runs have')
    """
    if many is not None:
        return f"{amount_text(amount)} {word if amount == 1 else many}"
    head, _, tail = word.partition(" of ")
    return f"{amount_text(amount)} {plural(head, amount)}" + (f" of {tail}" if tail else "")


def joined(parts: Iterable[object], *, most: int = 3, last: str = "and", more: str = "") -> str:
    """Return parts as a list in words; a cut list says how many more there are.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    >>> joined(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    >>> joined([])
    ''
    """
    texts = [plain(part) for part in parts]
    if len(texts) > most:
        # "and 1 more" is longer to read than the one itself.
        if len(texts) == most + 1:
            return joined(texts, most=most + 1, last=last)
        rest = f"{len(texts) - most} more{' ' + more if more else ''}"
        return f"{', '.join(texts[:most])} and {rest}"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def capital(text: str) -> str:
    """Return the text with its first letter in upper case, the rest untouched.

    Examples
    --------
    >>> capital("p99 rose"), capital("")
    ('P99 rose', '')
    """
    return text[:1].upper() + text[1:]


def amount(number: int, one: str, many: str) -> str:
    """Return a number and what is said of so many things.

    Examples
    --------
    >>> amount(1, "line is no JSON", "lines are no JSON"), amount(1200, "line is no JSON", "lines are no JSON")
    ('1 line is no JSON', '1,200 lines are no JSON')
    """
    return f"{number:,} {one if number == 1 else many}"


def mask_numbers(text: str) -> str:
    """Return the text with each number as ``#``, since counts and line numbers in messages change by themselves.

    A number that names something stays: that of an advisory, an address, a port, or within a word.

    Examples
    --------
    >>> mask_numbers("function has 1,204 lines (limit 25)")
    'function has # lines (limit #)'
    >>> mask_numbers("CVE-2024-1 in musl 1.2.0, image shop:1.5.0"), mask_numbers("port 8080 is open on 10.0.0.7")
    ('CVE-2024-1 in musl #, image shop:#', 'port 8080 is open on 10.0.0.7')
    """
    return _PARTS.sub(lambda part: "#" if part.lastgroup in _MASKED else part.group(), text)


def measures(text: str) -> tuple[str, ...]:
    """Return the numbers of a message that says how much of something there is; none of any other message.

    Examples
    --------
    >>> measures("`f` is too complex (35 > 10)"), measures("redefinition of `x` from line 12")
    (('35', '10'), ())
    """
    return tuple(_NUMBER.findall(text)) if _MEASURED.search(text) else ()


def subject(text: str) -> str | None:
    """Return the first name that a message quotes, with its numbers masked; None if it quotes none.

    Examples
    --------
    >>> subject("`os.path` imported but unused"), subject("Line too long"), subject("It's what the tool's log says")
    ('os.path', None, None)
    """
    found = _QUOTED.search(text)
    return None if found is None else mask_numbers(next(name for name in found.groups() if name is not None))
