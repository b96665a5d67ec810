"""Options of commands in other languages, by pattern: cobra and pflag, commander and yargs, clap, and their likes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from stabkit.change.api.commands.parameters import Parameter

__all__ = ["matched_options"]

_GO_TYPES: Final = r"(?:String|Bool|Int|Uint|Float|Duration|IP|Count|Text|Bytes|Enum)\w*?"
_GO: Final = re.compile(
    rf"(?:[fF]lags?(?:\(\))?|[fF]lagSet|fs|fset|cmd)\.({_GO_TYPES})(Var)?(P)?\("
    r"\s*(?:&?[\w.\[\]()]{1,80}\s*,\s*)?\"([\w.-]+)\"(?:\s*,\s*\"(\w?)\")?"
)
_GO_COMMAND: Final = re.compile(r"\bUse:\s*\"([\w-]+)")
_GO_STRUCT: Final = re.compile(r"\b(?:cli\.)?\w*Flag\{\s*Name:\s*\"([\w-]+)\"")
_COMMANDER: Final = re.compile(
    r"\.(option|requiredOption|addOption\(\s*new\s+Option)\(\s*[\"'`]([^\"'`\n]{1,120})[\"'`]"
)
_YARGS: Final = re.compile(r"\.(option|positional)\(\s*[\"']([\w-]+)[\"']\s*,\s*\{([^{}]{0,800})")
_JS_COMMAND: Final = re.compile(r"\.command\(\s*[\"'`]([\w:-]+)([^\"'`\n]{0,80})")
_CLAP: Final = re.compile(
    r"#\[(?:arg|clap|structopt)\(([^\]]{0,400})\)\]\s*(?:#\[[^\]]{0,200}\]\s*)*(?:pub\s+)?(\w+)\s*:\s*(\w+)"
)
_CLAP_BUILT: Final = re.compile(r"\.long\(\s*\"([\w-]+)\"")
_RUBY: Final = re.compile(r"\bon\(([^\n]{1,200})")
_NAMES: Final = re.compile(r"[\"'](--?[\w\[\]-]+)")
_PICOCLI: Final = re.compile(r"@(?:CommandLine\.)?Option\(([^)]{1,400})")
_DOTNET: Final = re.compile(r"new\s+Option(?:<[^>]{1,60}>)?\(([^)]{1,300})")
_SYMFONY: Final = re.compile(r"->add(Option|Argument)\(\s*['\"]([\w-]+)['\"]")

_Found = Iterator[tuple[int, list[str], bool, str]]


def matched_options(path: str, content: bytes) -> list[Parameter]:
    """Return the options and commands that a file of another language than Python seems to set up."""
    for suffixes, guard, finder in _LANGUAGES:
        if path.endswith(suffixes) and guard.search(content):
            text = content.decode("utf-8", "replace")
            return [
                Parameter(path, name, path, line, noun, name, required=required, first=not number, proven=False)
                for line, names, required, noun in finder(text)
                for number, name in enumerate(names)
            ]
    return []


def _lines(text: str) -> Callable[[int], int]:
    """Return what tells the line of a place, without counting from the start each time."""
    from bisect import bisect_right

    starts = [match.end() for match in re.finditer("\n", text)]
    return lambda place: bisect_right(starts, place) + 1


def _go(text: str) -> _Found:
    line = _lines(text)
    demanded = set(re.findall(r"MarkFlagRequired\(\s*\"([\w.-]+)\"", text))
    for match in _GO.finditer(text):
        names = [f"--{match[4]}", *([f"-{match[5]}"] if match[3] and match[5] else [])]
        yield line(match.start()), names, match[4] in demanded, "option"
    for match in _GO_STRUCT.finditer(text):
        yield line(match.start()), [f"--{match[1]}"], False, "option"
    for match in _GO_COMMAND.finditer(text):
        yield line(match.start()), [match[1]], False, "command"


def _javascript(text: str) -> _Found:
    line = _lines(text)
    for match in _COMMANDER.finditer(text):
        names = re.findall(r"(?<![\w<\[-])--?[\w-]+", match[2])
        if names:
            names.sort(key=lambda name: not name.startswith("--"))
            yield line(match.start()), names, match[1] == "requiredOption", "option"
    for match in _YARGS.finditer(text):
        demanded = re.search(r"\b(demandOption|required)\s*:\s*true", match[3]) is not None
        aliases = re.findall(r"\balias\s*:\s*[\"'](\w+)[\"']", match[3])
        names = [f"--{match[2]}", *(f"-{name}" for name in aliases)] if match[1] == "option" else [match[2]]
        yield line(match.start()), names, demanded, match[1].replace("positional", "argument")
    for match in _JS_COMMAND.finditer(text):
        yield line(match.start()), [match[1]], False, "command"


def _rust(text: str) -> _Found:
    line = _lines(text)
    for match in _CLAP.finditer(text):
        said = re.search(r"\blong\b(?:\s*=\s*\"([\w-]+)\")?", match[1])
        if said:
            name = said[1] or match[2].replace("_", "-")
            optional = match[3] in ("Option", "Vec", "bool") or "default_value" in match[1]
            yield line(match.start()), [f"--{name}"], not optional, "option"
    for match in _CLAP_BUILT.finditer(text):
        yield line(match.start()), [f"--{match[1]}"], False, "option"


def _quoted(pattern: re.Pattern[str]) -> Callable[[str], _Found]:
    def find(text: str) -> _Found:
        line = _lines(text)
        for match in pattern.finditer(text):
            names = _NAMES.findall(match[1])
            if names:
                demanded = re.search(r"(?i)\b(is)?required\s*[=:]\s*true", match[1]) is not None
                names.sort(key=lambda name: not name.startswith("--"))
                yield line(match.start()), names, demanded, "option"

    return find


def _php(text: str) -> _Found:
    line = _lines(text)
    for match in _SYMFONY.finditer(text):
        option = match[1] == "Option"
        yield line(match.start()), [f"--{match[2]}" if option else match[2]], False, match[1].lower()


_LANGUAGES: Final[tuple[tuple[tuple[str, ...], re.Pattern[bytes], Callable[[str], _Found]], ...]] = (
    ((".go",), re.compile(rb"spf13/|\"flag\"|urfave/cli|alecthomas/kong"), _go),
    (
        (".js", ".mjs", ".cjs", ".ts", ".mts"),
        re.compile(rb"['\"](commander|yargs|cac|sade)(/[\w/-]+)?['\"]"),
        _javascript,
    ),
    ((".rs",), re.compile(rb"\b(clap|structopt)\b"), _rust),
    ((".rb",), re.compile(rb"OptionParser|optparse"), _quoted(_RUBY)),
    ((".java", ".kt"), re.compile(rb"picocli"), _quoted(_PICOCLI)),
    ((".cs",), re.compile(rb"System\.CommandLine"), _quoted(_DOTNET)),
    ((".php",), re.compile(rb"Symfony.Component.Console"), _php),
)
