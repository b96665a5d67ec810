"""What to do about evidence that could not be gathered, from the message that its source carries."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["advise"]

# The first that fits counts: the special before the general.
_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    (r"self-signed|unable to get local issuer", 'Give the certificate of its authority: ca_file = "authority.pem".'),
    (r"certificate has expired", "Renew the certificate of that service."),
    (r"certificate not accepted", "Check the certificate of that service, and the host name in the url."),
    (r"does not speak TLS", "Does the url begin with http:// or ws:// instead?"),
    (r"connection refused|no route to the host|host does not answer", "Start the service, or correct its url."),
    (r"most often: HTTP \d+, expected", "Correct its url, or expect_status, or look why the service answers so."),
    (r"host name could not be resolved", "Correct the host name in the url."),
    (r"timed out after", "Give it more time: timeout_s."),
    (r"environment variable '.+' is not set", "Set it, then collect again."),
    (r"no process listens on port", "Start the service, or correct its port."),
    (r"command could not start", "Install it, activate the environment that has it, or correct the command."),
    (r"wrote no report", "Let the command write its report to {output}, and run it by hand to see what it says."),
    (r"there is no such file|matches no file|holds no file", "Check the path and the working folder."),
    (r"is HTML|is an HTML page", "Export the report in a machine-readable format, such as JUnit XML or SARIF."),
    (r"not a (test report|scan report|load file|stabkit record)", "Export it in one of the known formats."),
    (r"cut off|truncated|ends early|unclosed|no element found", "Write the report again: its writer did not finish."),
    (r"permission denied", "Make it readable for this user."),
)  # fmt: skip


def advise(message: str | None) -> str | None:
    """Return what to do about a failed source, or None where its message says all that is known.

    Examples
    --------
    >>> advise("6 of 6 requests failed, most often: connection refused: nothing listens there")
    'Start the service, or correct its url.'
    >>> advise("anything else") is None
    True
    """
    text = message or ""
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text, re.IGNORECASE)), None)
