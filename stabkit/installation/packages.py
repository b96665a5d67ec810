"""Packages that an installation may come without, and what brings them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from stabkit.errors import UsageError

__all__ = ["EXTRAS", "lacking", "need_for"]

EXTRAS: Final = MappingProxyType(
    {
        "cluster": ("distributed",),
        "demo": ("cryptography", "pytest", "ruff", "starlette", "uvicorn"),
        "notebooks": ("matplotlib", "nbconvert", "papermill"),
        "sign": ("cryptography",),
    }
)
"""What it is for -> packages. ``stabkit`` has those of notebooks and pages; the others are extras of it."""

_WHOLE: Final = "notebooks"


def need_for(*purposes: str) -> None:
    """Refuse to begin what could not be finished: a package is not installed.

    Parameters
    ----------
    *purposes : str
        Keys of ``EXTRAS``.

    Raises
    ------
    UsageError
        With the packages and the line that installs them.
    """
    missing = [(purpose, name) for purpose in purposes for name in EXTRAS[purpose] if find_spec(name) is None]
    if missing:
        raise _refusal([name for _, name in missing], [purpose for purpose, _ in missing])


def lacking(error: ModuleNotFoundError) -> UsageError | None:
    """Return in words which package an import did not find; None where it is no package of somebody else.

    Examples
    --------
    >>> print(lacking(ModuleNotFoundError(name="papermill.iorw")))
    This needs papermill, which is not installed. Install it with: pip install stabkit
    >>> print(lacking(ModuleNotFoundError(name="stabkit.gone")))
    None
    """
    name = (error.name or "").partition(".")[0]
    if name in ("", "stabkit"):
        return None
    return _refusal([name], [purpose for purpose, packages in EXTRAS.items() if name in packages])


def _refusal(names: Sequence[str], purposes: Sequence[str]) -> UsageError:
    extras = sorted(set(purposes) - {_WHOLE})
    whole = f"'stabkit[{','.join(extras)}]'" if extras else "stabkit"
    one = len(names) == 1
    return UsageError(
        f"This needs {', '.join(names)}, which {'is' if one else 'are'} not installed.",
        hint=f"Install {'it' if one else 'them'} with: pip install {whole}",
    )
