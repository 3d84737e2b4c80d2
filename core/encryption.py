"""What OpenSSL's complaints mean, whichever driver repeats them: each fault of an encrypted connection told apart."""

from __future__ import annotations

import re
from typing import Final, Literal

Fault = Literal["expired", "early", "name", "authority", "wanted", "refused", "plain"]
"""The server's certificate has expired, is not valid yet, is for another host, or signed by nobody that is known; the
server wants a certificate of ours, or does not accept it; it does not encrypt at all."""
REASONS: Final[dict[Fault, str]] = {
    "expired": "its certificate has expired",
    "early": "its certificate is not valid yet",
    "name": "its certificate is for another name",
    "authority": "its certificate was signed by nobody that is known here",
    "wanted": "it asks for a certificate of ours",
    "refused": "it does not accept our certificate",
    "plain": "it does not encrypt its connections",
}
RENEW: Final = "Renew it on the server, and check the clocks."
CLOCKS: Final = "Check the clocks of both machines."
_WORDS: Final[tuple[tuple[str, Fault], ...]] = (
    (r"certificate has expired", "expired"),
    (r"not yet valid", "early"),
    (r"[Hh]ostname mismatch|IP address mismatch|doesn't match|does not match host name", "name"),
    # Said by the server, of ours.
    (r"ALERT_UNKNOWN_CA|alert unknown ca", "refused"),
    (r"self[- ]signed|unable to get (local )?issuer|unable to verify|unknown ca\b", "authority"),
    (
        r"CERTIFICATE_REQUIRED|certificate required|requires a valid client certificate|HANDSHAKE_FAILURE"
        r"|handshake failure|ALERT_BAD_CERTIFICATE",
        "wanted",
    ),
    (
        r"WRONG_VERSION_NUMBER|wrong version number|RECORD_LAYER_FAILURE|record layer failure|UNEXPECTED_MESSAGE"
        r"|does not support SSL",
        "plain",
    ),
)


def fault_in(text: str) -> Fault | None:
    """The fault that a driver's words speak of; None where they speak of none of these."""
    return next((fault for pattern, fault in _WORDS if re.search(pattern, text)), None)
