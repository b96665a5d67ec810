"""What to do about evidence that could not be gathered, by the code of its fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["advise"]

_ADVICE: Final[Mapping[str, str]] = {
    "unknown_authority": 'Give the certificate of its authority: ca_file = "authority.pem".',
    "expired_certificate": "Renew the certificate of that service.",
    "certificate": "Check the certificate of that service, and the host name in the url.",
    "no_tls": "Does the url begin with http:// or ws:// instead?",
    "unreachable": "Start the service, or correct its url.",
    "unexpected_status": "Correct its url, or expect_status, or look why the service answers so.",
    "unknown_host": "Correct the host name in the url.",
    "timeout": "Give it more time: timeout_s.",
    "unset_variable": "Set it, then collect again.",
    "no_process": "Start the service, or correct its port.",
    "not_startable": "Install it, activate the environment that has it, or correct the command.",
    "no_report": "Let the command write its report to {output}, and run it by hand to see what it says.",
    "no_file": "Check the path and the working folder.",
    "html": "Export the report in a machine-readable format, such as JUnit XML or SARIF.",
    "unknown_format": "Export it in one of the known formats, which stabkit read --formats lists.",
    "cut_off": "Write the report again: its writer did not finish.",
    "no_permission": "Make it readable for this user.",
    "old": "Delete old reports before the tools run, let them run again, then collect again.",
    "same_address": "Give baseline_url the address of the old version, or collect both one after the other.",
}


def advise(fault: object) -> str | None:
    """Return what to do about a fault, by its code; None where its message says all that is known.

    Examples
    --------
    >>> advise("unreachable")
    'Start the service, or correct its url.'
    >>> advise(None) is None
    True
    """
    return _ADVICE.get(fault) if isinstance(fault, str) else None
