"""Addresses as people may see them: with the password taken out."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^:@/\s]*):(?P<secret>[^\n]*)@(?=[^@]*$)")
_PARAMETER = re.compile(
    r"(?i)(?P<name>\b(?:password|passwd|sslpassword|authMechanismProperties)\s*=\s*)"
    r"(?:'(?:[^'\\]|\\.)*'?|[^&\s]+)"  # quoted as in PostgreSQL's key=value form, or bare
)


def masked(url: str | None) -> str:
    """The address with every password replaced by three asterisks; empty for None."""
    if url is None:
        return ""
    return _PARAMETER.sub(r"\g<name>***", _USERINFO.sub(r"\g<scheme>\g<user>:***@", url))
