"""Addresses as people may see them: with the password taken out."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^:@/\n]*):(?P<secret>[^\n]*)@(?=[^@]*$)")
_PARAMETER = re.compile(
    r"(?i)(?P<name>\b(?:\w*passw(?:or)?d|authMechanismProperties)\s*=\s*)"
    r"(?:'(?:[^'\\]|\\.)*'?|[^&\s]+)"  # quoted as in PostgreSQL's key=value form, or bare
)


def masked(url: str | None) -> str:
    """The address with every password replaced by three asterisks; empty for None."""
    if url is None:
        return ""
    return _without_parameters(_USERINFO.sub(r"\g<scheme>\g<user>:***@", url))


def masked_address(text: str) -> str:
    """What somebody meant for an address, though it may be none: all between the first colon and the last @ is taken
    for a password."""
    before, slashes, after = text.partition("://")
    scheme, rest = (before, after) if slashes else ("", text)
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return _without_parameters(f"{scheme}{slashes}{user}{colon and ':***'}{at}{place}")


def _without_parameters(text: str) -> str:
    return _PARAMETER.sub(r"\g<name>***", text)
