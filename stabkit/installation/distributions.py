"""The distributions that bring this code: ``stabkit``, and ``stabkit-gate`` without what notebooks and pages need."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from stabkit.errors import UsageError

__all__ = ["DISTRIBUTIONS", "check_distributions", "package_version"]

DISTRIBUTIONS: Final = ("stabkit", "stabkit-gate")
"""By name; the first has all packages, and is asked first."""

_PACKAGES: Final = Path(__file__).parents[2]


@cache
def package_version() -> str:
    """Return the version of the distribution that brought this code.

    Raises
    ------
    PackageNotFoundError
        It was not installed at all, only found on the path.
    """
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    whole, gate = DISTRIBUTIONS
    try:
        return version(whole)
    except PackageNotFoundError:
        return version(gate)


def check_distributions(folder: Path = _PACKAGES) -> None:
    """Refuse to run a mixture: both distributions are installed in one folder, in different versions.

    In the same version they hold the same files, and whichever came last changes nothing.

    Parameters
    ----------
    folder : Path
        Where the package and what is known of its distributions lie; the one that this code was loaded from.

    Raises
    ------
    UsageError
        There are two versions.
    """
    found = {
        name: version
        for entry in folder.glob("stabkit*.dist-info")
        for name, _, version in [entry.name.removesuffix(".dist-info").replace("_", "-").rpartition("-")]
        if name in DISTRIBUTIONS
    }
    if len(set(found.values())) > 1:
        both = " and ".join(f"{name} {found[name]}" for name in DISTRIBUTIONS)
        raise UsageError(
            f"{both} are both installed, and each brings the package stabkit: what runs is a mixture of them.",
            where=str(folder),
            hint=f"Keep one: pip uninstall {' '.join(DISTRIBUTIONS)}, and then: pip install stabkit",
        )
