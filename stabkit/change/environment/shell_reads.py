"""The variables that shell scripts and files with ``${NAME}`` in them take from their environment."""

from __future__ import annotations

import re
from typing import Final

from stabkit.change.environment.uses import REQUIRED, Use

__all__ = ["interpolations", "shell_reads"]

_EXPANDED: Final = re.compile(r"(?<![\\$])\$(?:\{([A-Z][A-Z0-9_]+)(?:(:?[-=?+])([^}\n]*))?[^}\n]*\}|([A-Z][A-Z0-9_]+))")
_ASSIGNED: Final = re.compile(
    r"(?:^|[\s;&|(`])(?:(?:export|local|declare|readonly|typeset)\s+(?:-\w+\s+)*)?([A-Z][A-Z0-9_]*)\+?=(?!=)"
    r"|\bfor\s+([A-Z][A-Z0-9_]*)\s+in\b|\bread\s+(?:-\w+\s+)*([A-Z][A-Z0-9_]*)|\bgetopts\s+\S+\s+([A-Z][A-Z0-9_]*)",
    re.MULTILINE,
)
_SINGLE: Final = re.compile(r"'[^'\n]*'|(?:(?<=\s)|^)#[^\n]*", re.MULTILINE)
# What the shell itself or every system sets.
_SHELL: Final = """
BASH_SOURCE BASH_VERSION BASHPID BASH RANDOM PWD OLDPWD IFS PATH HOME USER UID EUID GID SHELL HOSTNAME LINENO OPTARG
OPTIND FUNCNAME PIPESTATUS SECONDS COLUMNS LINES TERM LANG LOGNAME PPID REPLY SHLVL OSTYPE HOSTTYPE MACHTYPE TMPDIR
DISPLAY EDITOR ZSH_VERSION PS1 PS4 NF NR FS
"""
_SHELL_SETS: Final = frozenset(_SHELL.split())
_INTERPOLATED: Final = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)(?:(:[-=?+]?|[-?+])((?:[^{}\n]|\$\{[^{}\n]*\})*))?\}")
_OC_ENV: Final = re.compile(r"\$\{oc\.env:\s*([A-Za-z_]\w*)(?:,([^}\n]*))?\}")


def shell_reads(text: str) -> list[Use]:
    r"""Return the variables in capitals that a script takes from outside.

    Examples
    --------
    >>> [(use.name, use.value) for use in shell_reads('A=1\necho $A ${PORT:-80} $TOKEN ${DB:?no}\n')]
    [('PORT', '80'), ('TOKEN', None), ('DB', '(required)')]
    """
    text = _SINGLE.sub(lambda found: " " * len(found[0]), text)
    assigned: dict[str, int] = {}
    for match in _ASSIGNED.finditer(text):
        name = next(group for group in match.groups() if group)
        assigned.setdefault(name, match.end())
    found = []
    for match in _EXPANDED.finditer(text):
        name, sign, word = match[1] or match[4], match[2], match[3]
        line = text.count("\n", 0, match.start()) + 1
        # X=${X:-1} takes X from outside, though the script gives it a value from there on.
        first = assigned.get(name)
        own = first is not None and match.start() - first not in (0, 1)
        if name in _SHELL_SETS or own:
            continue
        found.append(Use(name, line, _default(sign, word), proven=False))
    return found


def interpolations(text: str) -> list[Use]:
    r"""Return the variables that a file of settings asks for, as compose and Spring write them; in capitals alone.

    Examples
    --------
    >>> [(use.name, use.value) for use in interpolations('a: ${PORT:8080} ${BC:-c} ${{ X }} $${D} ${e}\n')]
    [('PORT', '8080'), ('BC', 'c')]
    """
    found = []
    for match in _INTERPOLATED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Use(match[1], line, _default(match[2], match[3]), proven=False))
        within = _INTERPOLATED.finditer(match[3] or "")
        found.extend(Use(inner[1], line, _default(inner[2], inner[3]), proven=False) for inner in within)
    for match in _OC_ENV.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Use(match[1], line, match[2].strip() if match[2] else REQUIRED, proven=False))
    return found


def _default(sign: str | None, word: str | None) -> str | None:
    if sign is None or sign.endswith("+"):
        return None
    return REQUIRED if sign.endswith("?") else (word or "")
