"""TLS of probed targets: the context, and what a session says about its certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from stabkit.errors import ConfigError

__all__ = ["Session", "certificate_check", "client_context", "read_session", "unchecked_certificate"]


@dataclass(frozen=True)
class Session:
    """What one TLS session showed.

    Attributes
    ----------
    issuer : str or None
        Null if the certificate was not verified, as the client then learns nothing of it.
    not_after : datetime or None
        UTC.
    """

    version: str
    issuer: str | None = None
    not_after: datetime | None = None

    def days_left(self, now: datetime) -> int | None:
        """Return whole days until the certificate ends; None if unknown."""
        return None if self.not_after is None else (self.not_after - now).days


def client_context(*, verify: bool, ca_file: Path | None, where: str) -> ssl.SSLContext:
    """Return the context for all connections to one target; making it takes some 20 ms.

    Parameters
    ----------
    verify : bool
        False accepts every certificate; checks of it are then ``not_checked``.
    ca_file : Path or None
        PEM file; only these authorities are trusted then. None: those of the system and of ``certifi``.
    where : str
        The configuration key, for errors.

    Raises
    ------
    ConfigError
        The file is missing or holds no certificate.
    """
    if not verify:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)  # with the authorities of certifi
        context.load_default_certs()
        return context
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise ConfigError(
            f"The CA file {str(ca_file)!r} cannot be used: {reason}.",
            where=f"{where}.ca_file",
            hint="Give a PEM file with at least one certificate.",
        ) from error


def read_session(ssl_object: Any) -> Session:
    """Return the facts of an established session, given its ``ssl_object`` or socket."""
    certificate = ssl_object.getpeercert() or {}
    names = {key: value for part in certificate.get("issuer", ()) for key, value in part}
    not_after = certificate.get("notAfter")
    return Session(
        version=str(ssl_object.version() or "unknown"),
        issuer=names.get("commonName") or names.get("organizationName"),
        not_after=datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC) if not_after else None,
    )


def certificate_check(
    target: str, check: str, session: Session, *, minimum_days: int | None, now: datetime
) -> dict[str, Any]:
    """Return the ``checks`` row of a verified session; ``not_checked`` if verification was off."""
    expected = "trusted and valid" if minimum_days is None else f"trusted and valid, at least {minimum_days} days left"
    days = session.days_left(now)
    if session.not_after is None or days is None:
        return unchecked_certificate(target, check, f"verification is off; {session.version}", expected=expected)
    enough = minimum_days is None or days >= minimum_days
    return {
        "target": target,
        "check": check,
        "expected": expected,
        "observed": f"{days} days left",
        "outcome": "pass" if enough else "fail",
        "detail": f"{session.version}, issuer {session.issuer}, valid until {session.not_after:%Y-%m-%d %H:%M} UTC",
    }


def unchecked_certificate(target: str, check: str, why: str, *, expected: str = "trusted and valid") -> dict[str, Any]:
    """Return a ``checks`` row that says why the certificate could not be judged."""
    return {
        "target": target,
        "check": check,
        "expected": expected,
        "observed": None,
        "outcome": "not_checked",
        "detail": why,
    }
