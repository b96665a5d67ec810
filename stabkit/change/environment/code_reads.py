"""The environment variables that other languages than Python read, by the patterns of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.uses import REQUIRED, Use, Uses

__all__ = ["CODE_HINT", "code_uses", "language", "without_comments"]

CODE_HINT: Final = re.compile(rb"[eE][nN][vV]|@Value|onfig(?:Service)?\.get")
"""What stands in every file that reads a variable."""

_ENDINGS: Final = {
    "js": "js mjs cjs jsx ts mts cts tsx vue svelte astro",
    "go": "go",
    "ruby": "rb erb rake ru",
    "rust": "rs",
    "jvm": "java kt kts scala groovy clj",
    "php": "php",
    "dotnet": "cs fs vb",
    "elixir": "ex exs",
    "shell": "sh bash zsh ksh",
    "c": "c cc cpp cxx h hpp",
    "swift": "swift",
    "dart": "dart",
    "perl": "pl pm",
    "lua": "lua",
}
_LANGUAGES: Final = {ending: name for name, endings in _ENDINGS.items() for ending in endings.split()}
_SHELL_NAMES: Final = re.compile(r"(^|/)((docker-)?entrypoint|Procfile|run|start)$")
_Q: Final = r"""["'`]"""
_N: Final = r"([A-Za-z_]\w*)"
# A default as it is written: a text, a number, a word.
_D: Final = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`|[\w.+-]+)"""
_CAPITALS: Final = r"([A-Z][A-Z0-9_]+)"
# Functions that projects write over their language's own, by their name and a name in capitals.
_WRAPPER: Final = (
    rf"(?<![\w.])(?:\w+\.)?\w*[eE]nv(?!ironment)(?:Or|Var|Int|Str|Bool|String|Default|Required|Duration|Float|Value|OrDefault|OrElse|OrPanic|OrFail|_?[a-z_]*)?"
    rf"\(\s*{_Q}{_CAPITALS}{_Q}(?:\s*,\s*{_D})?"
)
_PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "js": (
        rf"(?:process|Bun|import\.meta)\??\.env\??\.{_N}(?:\s*\)?\s*(?:\|\||\?\?)\s*{_D})?",
        rf"(?:process|Bun|import\.meta)\??\.env(?:\?\.)?\[\s*{_Q}{_N}{_Q}\s*\](?:\s*(?:\|\||\?\?)\s*{_D})?",
        rf"Deno\.env\.get\(\s*{_Q}{_N}{_Q}\s*\)(?:\s*(?:\|\||\?\?)\s*{_D})?",
        rf"[cC]onfig(?:Service)?\.get(?:OrThrow)?(?:<[^>\n]*>)?\(\s*{_Q}{_CAPITALS}{_Q}(?:\s*,\s*{_D})?",
        _WRAPPER,
    ),
    "go": (
        rf"(?:os|syscall)\.(?:Getenv|LookupEnv)\(\s*[\"`]{_N}[\"`]",
        rf"viper\.BindEnv\([^,()\n]+,\s*\"{_N}\"",
        rf"\benv(?:config)?:\"{_N}(?:,[^\"`]*?default=([^\",`]*))?[^\"`]*\"(?:[^`\n]*?\b(?:envDefault|default):\"([^\"]*)\")?",
        rf"(?:EnvVar:\s*|EnvVars\()\"{_N}\"",
        _WRAPPER,
    ),
    "ruby": (
        rf"\bENV\[\s*{_Q}{_N}{_Q}\s*\](?:\s*\|\|=?\s*{_D})?",
        rf"\bENV\.fetch\(?\s*{_Q}{_N}{_Q}(?:\s*,\s*{_D}|\s*\)\s*\{{\s*{_D}\s*\}})?",
        rf"\bENV\.(?:key\?|has_key\?|include\?|dig)\(?\s*{_Q}{_N}{_Q}",
    ),
    "rust": (
        rf"\benv::var(?:_os)?\(\s*\"{_N}\"\s*\)(?:\s*\.unwrap_or(?:_else)?\((?:\|\w*\|\s*)?{_D})?",
        rf"\b(?:option_)?env!\(\s*\"{_N}\"",
        rf"#\[(?:arg|clap)\([^\]]*\benv\s*=\s*\"{_N}\"(?:[^\]]*?\bdefault_value(?:_t)?\s*=\s*{_D})?",
        _WRAPPER,
    ),
    "jvm": (
        rf"System\.getenv\(\s*\"{_N}\"\s*\)(?:\s*\?:\s*{_D})?",
        rf"System\.getenv\(\)\s*(?:\.get(?:OrDefault)?\(|\[)\s*\"{_N}\"(?:\s*,\s*{_D})?",
        rf"(?:sys\.env|env)(?:\.get|\.getOrElse)?\(\s*\"{_CAPITALS}\"(?:\s*,\s*{_D})?",
        rf"@Value\(\s*\"[^\"\n]*?\$\{{{_CAPITALS}(?::([^}}\"]*))?\}}",
        rf"\bdotenv(?:\.get\(|\[)\s*\"{_N}\"(?:\s*,\s*{_D})?",
    ),
    "php": (
        rf"(?<![\w>:$])getenv\(\s*{_Q}{_N}{_Q}[^)\n]*\)(?:\s*(?:\?:|\?\?|\|\|)\s*{_D})?",
        rf"\$_(?:ENV|SERVER)\[\s*{_Q}(?!HTTP_|REQUEST_|SERVER_|REMOTE_|SCRIPT_|QUERY_|DOCUMENT_|PHP_SELF|CONTENT_|PATH_|HTTPS|AUTH_|argv|argc|GATEWAY_|REDIRECT_){_N}{_Q}\s*\](?:\s*\?\?\s*{_D})?",
        rf"(?<![\w>:$])env\(\s*{_Q}{_N}{_Q}(?:\s*,\s*{_D})?",
        rf"%env\((?:\w+:)*{_CAPITALS}\)%",
    ),
    "dotnet": (rf"GetEnvironmentVariable\(\s*\"{_N}\"[^)\n]*\)(?:\s*\?\?\s*{_D})?",),
    "elixir": (rf"System\.(?:get_env|fetch_env!?)\(\s*\"{_N}\"(?:\s*,\s*{_D}|\s*\)\s*\|\|\s*{_D})?",),
    "c": (rf"\b(?:secure_)?getenv(?:_s)?\(\s*\"{_N}\"",),
    "swift": (rf"ProcessInfo\.processInfo\.environment\[\s*\"{_N}\"\s*\](?:\s*\?\?\s*{_D})?",),
    "dart": (
        rf"Platform\.environment\[\s*{_Q}{_N}{_Q}\s*\](?:\s*\?\?\s*{_D})?",
        rf"\w+\.fromEnvironment\(\s*{_Q}{_N}{_Q}(?:\s*,\s*defaultValue:\s*{_D})?",
    ),
    "perl": (rf"\$ENV\{{\s*{_Q}?{_N}{_Q}?\s*\}}(?:\s*(?:\|\||//)\s*{_D})?",),
    "lua": (rf"os\.getenv\(?\s*{_Q}{_N}{_Q}\)?(?:\s*or\s*{_D})?",),
}
_COMPILED: Final = {name: tuple(re.compile(p) for p in patterns) for name, patterns in _PATTERNS.items()}
_DYNAMIC: Final = {
    "js": re.compile(r"(?:process|Bun|import\.meta)\.env\[\s*(?![\"'`])([^\]\n]+)\]"),
    "go": re.compile(r"os\.(?:Getenv|LookupEnv)\(\s*(?![\"`])([\w.]+(?:\([^)]*\))?[^),]*)\)"),
    "ruby": re.compile(r"\bENV(?:\.fetch\(|\[)\s*(?![\"'])([^\]),\n]+)"),
    "rust": re.compile(r"\benv::var(?:_os)?\(\s*(?!\")([^)\n]+)\)"),
    "jvm": re.compile(r"System\.getenv\(\s*(?![\")])([^)\n]+)\)"),
    "php": re.compile(r"(?<![\w>:$])getenv\(\s*(?![\"')])([^)\n]+)\)"),
    "dotnet": re.compile(r"GetEnvironmentVariable\(\s*(?!\")([^),\n]+)"),
    "elixir": re.compile(r"System\.(?:get_env|fetch_env!?)\(\s*(?![\")])([^),\n]+)"),
}
_PREFIXES: Final = re.compile(r"SetEnvPrefix\(\s*\"([^\"]+)\"|envconfig\.Process\(\s*\"([^\"]+)\"")
# The variables by another name: what is read of that is read of them.
_RENAMED: Final = re.compile(
    r"\b(?:const|let|var)\s+(\w+)\s*(?::[^=;\n]+)?=\s*(?:process|Bun|import\.meta)\.env\b(?!\s*\??[.\[])"
    r"|\b(?:const|let|var)\s*\{\s*env\s*(?::\s*(\w+))?\s*\}\s*=\s*(?:process|Bun|import\.meta)\b(?!\s*\??[.\[])"
    r"|\bimport\s*\{[^{}]{0,300}?\benv\b(?:\s+as\s+(\w+))?[^{}]{0,300}\}\s*from\s*[\"'](?:node:)?process[\"']"
    r"|\bimport\s*\{[^{}]{0,300}?\benv\b(?:\s+as\s+(\w+))?[^{}]{0,300}\}\s*from\s*[\"']\$env/dynamic/\w+[\"']"
)
_DESTRUCTURED: Final = re.compile(r"\{([^{}]*)\}\s*(?::[^=;\n]+)?=\s*(?:process|Bun|import\.meta)\.env\b(?!\s*[.\[])")
_PART: Final = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?::\s*\w+)?\s*(?:=\s*(.+?))?\s*$", re.DOTALL)
_SVELTE: Final = re.compile(r"import\s*\{([^{}]*)\}\s*from\s*[\"']\$env/static/\w+[\"']")
_CHECKED: Final = re.compile(r"cleanEnv\(\s*(?:process\.env|env)|arse\(\s*(?:process\.env|import\.meta\.env)")
_CHECKED_KEY: Final = re.compile(
    r"\b([A-Z][A-Z0-9_]+)\s*:\s*(?:(?:z|Joi|yup|v|t|Type)\.|(?:str|num|port|bool|url|host|email|json|makeValidator)\()([^\n]*)"
)
_CHECKED_DEFAULT: Final = re.compile(rf"\.default\(\s*{_D}|\bdefault:\s*{_D}")
_BUILT_IN: Final = frozenset({"MODE", "DEV", "PROD", "SSR", "BASE_URL"})
_CONSTANT: Final = r"\b{}\b(?:\s*:?\s*[\w&' ]+)?\s*:?=\s*[\"'`]([A-Za-z_]\w*)[\"'`]"
_STRINGS: Final = r"""\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
_C_COMMENTS: Final = re.compile(rf"{_STRINGS}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_HASH_COMMENTS: Final = re.compile(rf"{_STRINGS}|(?:(?<=\s)|^)#[^\n]*", re.DOTALL | re.MULTILINE)
_HASHED: Final = frozenset({"ruby", "shell", "elixir", "perl"})


def language(path: str) -> str | None:
    """Return the language of a file whose patterns are known.

    Examples
    --------
    >>> language("web/app.tsx"), language("docker/entrypoint.sh"), language("a.txt")
    ('js', 'shell', None)
    """
    name = (
        _LANGUAGES.get(path.rpartition("/")[2].rpartition(".")[2].lower()) if "." in path.rpartition("/")[2] else None
    )
    return name or ("shell" if _SHELL_NAMES.search(path) else None)


def without_comments(text: str, *, hashed: bool = False) -> str:
    """Return code whose comments are blank, line by line as long as it was.

    Examples
    --------
    >>> without_comments('a("//b") // c')
    'a("//b")     '
    """
    pattern, starts = (_HASH_COMMENTS, ("#",)) if hashed else (_C_COMMENTS, ("//", "/*"))
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0].startswith(starts) else m[0], text)


def code_uses(path: str, text: str) -> Uses:
    """Return what a file in another language than Python reads; found by pattern, so never proven."""
    known = language(path)
    uses = Uses()
    if known is None or known == "shell":
        return uses
    text = without_comments(text, hashed=known in _HASHED)
    if known == "js":
        text = _named_plainly(text)
    found: dict[tuple[str, int], Use] = {}
    for name, value, at in _matches(known, text):
        line = text.count("\n", 0, at) + 1
        if known == "js" and name in _BUILT_IN:
            continue
        use = Use(name, line, value, proven=False)
        if (name, line) not in found or value is not None:
            found[name, line] = use
    uses.reads = list(found.values())
    pattern = _DYNAMIC.get(known)
    for match in pattern.finditer(text) if pattern is not None else ():
        line = text.count("\n", 0, match.start()) + 1
        expression = match[1].strip()
        constant = re.search(_CONSTANT.format(re.escape(expression)), text) if expression.isidentifier() else None
        if constant is not None:
            uses.reads.append(Use(constant[1], line, proven=False))
        elif not _is_parameter(expression, text, match.start()):
            uses.dynamic.append(Use(expression, line, proven=False))
    if known == "go":
        for match in _PREFIXES.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            uses.dynamic.append(Use(f"{match[1] or match[2]}_*", line, proven=False))
    return uses


def _named_plainly(text: str) -> str:
    """Return JavaScript in which the variables bear the name that they have everywhere; no line moves."""
    names = {next((group for group in match.groups() if group), "env") for match in _RENAMED.finditer(text)}
    for name in sorted(names):
        text = re.sub(rf"(?<![\w$.]){re.escape(name)}(?=\s*(?:\?\.)?\[|\??\.[A-Za-z_])", "process.env", text)
        text = re.sub(rf"(\}}\s*=\s*){re.escape(name)}(?=\s*(?:;|$))", r"\1process.env", text, flags=re.MULTILINE)
    return text


def _matches(known: str, text: str) -> Iterator[tuple[str, str | None, int]]:
    for pattern in _COMPILED.get(known, ()):
        for match in pattern.finditer(text):
            default = next((group for group in match.groups()[1:] if group is not None), None)
            strict = "fetch_env!" in match[0] or ("ENV.fetch" in match[0] and default is None)
            yield match[1], REQUIRED if strict else _plain(default), match.start()
    if known != "js":
        return
    for match in [*_DESTRUCTURED.finditer(text), *_SVELTE.finditer(text)]:
        for part in match[1].split(","):
            named = _PART.match(part.partition(" as ")[0])
            if named is not None:
                yield named[1], _plain(named[2]), match.start(1) + match[1].find(named[1])
    if _CHECKED.search(text):
        for match in _CHECKED_KEY.finditer(text):
            default = _CHECKED_DEFAULT.search(match[2])
            yield match[1], _plain(default[1] or default[2]) if default else None, match.start()


def _plain(default: str | None) -> str | None:
    if default is None or default in ("null", "nil", "undefined", "None", "process", "import.meta"):
        return None
    return default[1:-1] if default[0] in "\"'`" and default[-1:] == default[0] else default


def _is_parameter(expression: str, text: str, at: int) -> bool:
    """Say whether a name is one that a function nearby is given: its callers name the variable."""
    if not expression.isidentifier():
        return False
    nearby = text[max(0, at - 600) : at]
    return (
        re.search(
            rf"(?:func|function|fn|def|=>|static|const|public|private)\b[^\n]*\(?[^()\n]*\b{expression}\b", nearby
        )
        is not None
    )
