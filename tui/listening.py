"""Listening, as the commands that serve do it: an address chosen by flags, and the Host headers that lead there."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from core.listening import LOOPBACK, Address


def as_flags(address: Address) -> str:
    """How a person chooses this address."""
    port = f"--port {address.port}"
    return port if address.host == LOOPBACK else f"--host {address.host} {port}"


def leads_here(host: str, names: Collection[str]) -> bool:
    """Whether nobody else can have chosen where this Host header leads: it is among these names, or an address in
    numbers, which needs no look-up."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
