"""Source of any language as far as a pattern can read it: without comments, its calls, the part that leads back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Call", "calls_in", "nested_deeply", "split_ways", "texts_in", "without_script_comments"]

_LARGEST: Final = 400_000
_DEEPEST: Final = 100
_MARKS: Final = re.compile(r"//|/\*|\"\"\"|[\"'`]|(?<![\w&$:])#(?![{!\[])|<<[~-]?[\"']?([A-Z_]{2,})[\"']?")
# Bounded names: a word of a megabyte would be tried from each of its letters.
_CALL: Final = re.compile(
    r"(?<![\w$@\]\)])(?:(?P<owner>[\w$@\]\)]{1,80})\s{0,80}(?:->|\.|::)\s{0,80})?(?P<name>[A-Za-z_]\w{0,80}[?!]?)"
    r"(?:<[^<>()\n]{1,80}>)?(?P<open>[ \t]{0,80}\(|[ \t]{1,80}(?=[:\"'@\[]|table\())"
)
_BACK_BRACES: Final = re.compile(
    r"(?:\bfunc(?:tion)?\s+|\bfun\s+|\bvoid\s+|\bdef\s+|\bTask\s+|\basync\s+|\bpublic\s+|\bexports\.|"
    r"^[ \t]*|[{,][ \t]*)"
    r"(?:async\s+|override\s+|static\s+|const\s+)*(?P<name>down|safeDown|Down|revert|rollback|_down|down\w*|Down\w*)\s*(?:=|:|\()",
    re.MULTILINE,
)
_BACK_BLOCKS: Final = re.compile(r"^(?P<indent>[ \t]*)(?:def\s+(?:self\.)?down\b|\w+\.down\s+(?:do|\{))", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """A call: who it is asked of, its name without case and underscores, its arguments as texts, what is chained on."""

    owner: str
    name: str
    arguments: tuple[str, ...]
    named: dict[str, str]
    chain: str
    position: int
    raw: str

    def plain(self, number: int) -> str:
        """Return a positional argument that is a text or a symbol; empty for none."""
        return _literal(self.arguments[number]) if number < len(self.arguments) else ""


def nested_deeply(code: str) -> bool:
    """Say whether brackets are nested deeper than anybody writes them."""
    depth = 0
    for mark in re.finditer(r"[()]", code):
        depth += 1 if mark[0] == "(" else -1
        if depth > _DEEPEST:
            return True
    return False


def without_script_comments(source: str, *, hashes: bool) -> str:
    """Return source with spaces for comments; ``hashes``: ``#`` starts one, and ``//`` does not."""
    found: list[str] = []
    missing: set[str] = set()
    position = 0
    while mark := _MARKS.search(source, position):
        word = mark[0]
        found.append(source[position : mark.start()])
        start, position = mark.start(), mark.end()
        line = word == "#" if hashes else word == "//"
        block = word == "/*" and not hashes
        if not (line or block or word[0] in "\"'`"):
            found.append(word)
            continue
        if word in ("'", '"'):
            close = re.compile(rf"(?:\\.|[^{word}\\])*?{word}" if hashes else rf"(?:\\.|[^{word}\\\n])*{word}")
            end = close.match(source, position) if word not in missing else None
            if end is None and hashes:
                missing.add(word)
            stop = end.end() if end else position
        else:
            closer = {"/*": "*/", "#": "\n", "//": "\n"}.get(word, word)
            at = -1 if closer in missing else source.find(closer, position)
            if at < 0 and closer != "\n":
                missing.add(closer)
                stop = position
            else:
                stop = len(source) if at < 0 else at + (0 if closer == "\n" else len(closer))
        whole = source[start:stop]
        found.append(re.sub(r"[^\n]", " ", whole) if line or block else whole)
        position = stop
    found.append(source[position:])
    return "".join(found)


def split_ways(code: str, *, blocks: bool) -> tuple[str, str | None]:
    """Return the code that leads forward, the rest blank, and the body of what leads back; None if nothing does.

    Parameters
    ----------
    code : str
        Source without comments.
    blocks : bool
        True where blocks end by an ``end`` of the same indent, false where by a bracket.
    """
    back: list[str] = []
    forward = code
    for found in list((_BACK_BLOCKS if blocks else _BACK_BRACES).finditer(code))[:50]:
        if blocks:
            end = re.compile(rf"^{found['indent']}(?:end\b|\}})", re.MULTILINE).search(code, found.end())
            stop = end.end() if end else len(code)
            inside = code[found.end() : end.start() if end else stop]
        else:
            begin, stop = _body(code, found.end() - 1)
            inside = code[begin:stop]
        back.append(inside)
        forward = forward[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : stop]) + forward[stop:]
    return forward, "\n".join(back) if back else None


def _body(code: str, at: int) -> tuple[int, int]:
    """Return where the body of a function begins and ends, whose name ends at the place."""
    limit = min(len(code), at + _LARGEST)
    position = at
    if code[at] != "(":  # exports.down = async function (knex) { ... }, = (knex) => ...
        opened = re.compile(r"[({]|=>").search(code, at, limit)
        if not opened:
            return at, limit
        position = opened.start()
    if code[position] == "(":
        position = _closing(code, position, limit)
    begin = re.compile(r"\{|=>\s*(?![\s{])|;").search(code, position, limit)
    if not begin or begin[0] == ";":
        return position, begin.start() if begin else limit
    if begin[0] == "{":
        return begin.start() + 1, _closing(code, begin.start(), limit)
    following = re.compile(r";|^\s*(?:module\.)?exports\b|^export\b", re.MULTILINE).search(code, begin.end(), limit)
    return begin.end(), following.start() if following else limit


def _closing(code: str, at: int, limit: int) -> int:
    pairs = {"(": ")", "{": "}", "[": "]"}
    opener, closer = code[at], pairs[code[at]]
    depth = 0
    for mark in re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|[(){}\[\]]").finditer(code, at, limit):
        if mark[0] == opener:
            depth += 1
        elif mark[0] == closer:
            depth -= 1
            if not depth:
                return mark.start()
    return limit


def calls_in(code: str) -> Iterator[Call]:
    """Yield the calls of a source without comments, in their order, those within others too."""
    for found in _CALL.finditer(code):
        start = found.end()
        if found["open"].strip():
            stop = _closing(code, start - 1, min(len(code), start + 20_000))
            after = stop + 1
        else:
            stop = after = _line_end(code, start)
        raw = code[start:stop]
        parts = _parts(raw)
        named: dict[str, str] = {}
        plain: list[str] = []
        for part in parts:
            key = re.match(r"(?s)['\":]?(\w+)['\"]?\s*(?:=>|:(?!:)|=(?![=>]))\s*(.*)", part)
            if (
                key and not part.startswith(("{", "[", "function", "new ")) and "=>" not in part[key.start(2) :][:30]
            ) or (key and part.startswith(":")):
                named[key[1]] = key[2].strip()
            else:
                plain.append(part)
        rest = re.compile(r"(?:\s*(?:->|\.)\s*\w+\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?){1,12}").match(code, after)
        name = found["name"].replace("_", "").lower()
        yield Call(found["owner"] or "", name, tuple(plain), named, rest[0] if rest else "", found.start("name"), raw)


def _line_end(code: str, at: int) -> int:
    position = at
    for _ in range(30):
        end = code.find("\n", position)
        if end < 0:
            return len(code)
        if not code[at:end].rstrip().endswith((",", "\\", "(", "[")):
            return end
        position = end + 1
    return position


def _parts(raw: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for found in re.finditer(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|[(){}\[\],]", raw):
        mark = found[0]
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark == "," and depth <= 0:
            parts.append(raw[start : found.start()].strip())
            start = found.end()
    return [part for part in [*parts, raw[start:].strip()] if part]


def _literal(part: str) -> str:
    found = re.match(r"(?:table\(\s*)?(?:[\"'`]([^\"'`]*)[\"'`]|:\"?(\w+)\"?|@\"([^\"]*)\")", part.strip())
    return next((group for group in found.groups() if group), "") if found else ""


_TEXTS: Final = re.compile(
    r"\"\"\"(?P<three>.*?)\"\"\"|<<[~-]?[\"']?(?P<word>[A-Z_]{2,})[\"']?[^\n]*\n(?P<here>.*?)\n\s*(?P=word)\b"
    r"|\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>(?:\\.|[^'\\])*)'|`(?P<tick>(?:\\.|[^`\\])*)`",
    re.DOTALL,
)


def texts_in(code: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a source with the place of each; what is put in at run time becomes a name."""
    for found in _TEXTS.finditer(code[:_LARGEST]):
        for name in ("three", "here", "double", "single", "tick"):
            text = found[name]
            if text:
                text = re.sub(r"[$#]\{[^}]*\}", "name_made_at_run_time", text)
                yield (
                    found.start(name),
                    text.replace('\\"', '"').replace("\\'", "'").replace("\\n", "\n").replace("\\`", "`"),
                )
