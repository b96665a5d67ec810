"""TLS of probed targets: the context, and what a session says about its certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from stabkit.errors import ConfigError

__all__ = ["Session", "TlsFacts", "client_context", "read_session"]


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


class TlsFacts:
    """What the TLS sessions of one target showed, and the ``checks`` rows that follow from it.

    Parameters
    ----------
    target, check : str
        The configured name, and what its certificate's row is called.
    minimum_days : int or None
        Days that the certificate must last.
    minimum_version : str or None
        ``1.2`` or ``1.3``.
    """

    def __init__(
        self, target: str, check: str, *, minimum_days: int | None = None, minimum_version: str | None = None
    ) -> None:
        self._target = target
        self._check = check
        self._minimum_days = minimum_days
        self._minimum_version = minimum_version
        self._session: Session | None = None
        self._oldest: str | None = None
        self._fault: str | None = None

    @property
    def wanted(self) -> bool:
        """True if the configuration asks something of the certificate or the version."""
        return self._minimum_days is not None or self._minimum_version is not None

    def note(self, session: Session | None, fault: str | None = None) -> None:
        """Take in one session, or why its certificate was not accepted."""
        self._fault = fault or self._fault
        if session is None:
            return
        self._oldest = session.version if self._oldest is None else min(self._oldest, session.version)
        known = self._session
        # Behind a balancer certificates may differ; the one that ends first is the one to speak of.
        if known is None or (session.not_after and known.not_after and session.not_after < known.not_after):
            self._session = session

    def rows(self, *, encrypted: bool, now: datetime) -> list[dict[str, Any]]:
        """Return the rows of certificate and version; none for a plain target of which nothing is asked."""
        if not encrypted and self._session is None and self._fault is None:
            return [self.unchecked("the target is not encrypted")] if self.wanted else []
        rows = [self._certificate_row(now)]
        if self._minimum_version is not None:
            rows.append(self._version_row(f"TLSv{self._minimum_version}"))
        return rows

    def unchecked(self, why: str, **more: Any) -> dict[str, Any]:
        """Return a row that says why the certificate could not be judged."""
        row = {
            "target": self._target,
            "check": self._check,
            "expected": self._expected,
            "observed": None,
            "outcome": "not_checked",
            "detail": why,
        }
        return row | more

    @property
    def _expected(self) -> str:
        days = self._minimum_days
        return "trusted and valid" if days is None else f"trusted and valid, at least {days} days left"

    def _certificate_row(self, now: datetime) -> dict[str, Any]:
        session = self._session
        if self._fault is not None:
            return self.unchecked(f"OpenSSL: {self._fault}", outcome="fail", observed=self._fault)
        if session is None:
            return self.unchecked("no TLS session was made")
        days = session.days_left(now)
        if session.not_after is None or days is None:
            return self.unchecked(f"verification is off; {session.version}")
        enough = self._minimum_days is None or days >= self._minimum_days
        return self.unchecked(
            f"{session.version}, issuer {session.issuer}, valid until {session.not_after:%Y-%m-%d %H:%M} UTC",
            outcome="pass" if enough else "fail",
            observed=f"{days} days left",
        )

    def _version_row(self, wanted: str) -> dict[str, Any]:
        outcome = "not_checked" if self._oldest is None else "pass" if self._oldest >= wanted else "fail"
        return {
            "target": self._target,
            "check": "tls version",
            "expected": f"{wanted} or newer",
            "observed": self._oldest,
            "outcome": outcome,
            "detail": "no TLS session was made" if self._oldest is None else None,
        }
