"""Listening: an address and a port of this machine, why they cannot be had, and who reaches them."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from core.errors import ReelcacheError


class CannotListen(ReelcacheError):
    """The address or the port cannot be had."""


def cannot_listen(problem: OSError, host: str, port: int) -> CannotListen:
    """What the system's refusal means, in words."""
    if problem.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else port - 1
        return CannotListen(
            f"Port {port} of {host} is taken by another program.",
            remedy=f"Choose another one, such as --port {other}, or --port 0 for any that is free.",
        )
    if problem.errno == errno.EACCES:
        return CannotListen(f"Port {port} of {host} is not ours to open.", remedy="Choose one above 1023.")
    if problem.errno == errno.EADDRNOTAVAIL or isinstance(problem, socket.gaierror):
        return CannotListen(
            f"{host} is no address of this machine.",
            remedy="Leave --host out to be reached from this machine alone, or give 0.0.0.0 for all its addresses.",
        )
    return CannotListen(f"{host} port {port} cannot be opened: {problem}", remedy="Choose another --host or --port.")


def address_of(host: str, port: int) -> str:
    """The beginning of every address there."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether this machine alone reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


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
