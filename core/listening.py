"""Listening: an address of this machine to be reached at, how it is chosen, and the error where it cannot be had."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from core.errors import CannotListen

LOOPBACK: Final = "127.0.0.1"
_WRITTEN: Final = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+):)?(?P<port>[0-9]{1,5})")


class Address(NamedTuple):
    """A host, by name or number, and a port; port 0 is any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


def address_of(text: str) -> Address:
    """What `PORT` or `HOST:PORT` names; without a host, this machine alone. Raises ValueError on anything else."""
    written = _WRITTEN.fullmatch(text)
    if written is None or not text.isascii() or int(written["port"]) > 65_535:
        raise ValueError(f"{text!r} is neither PORT nor HOST:PORT.")
    return Address((written["host"] or LOOPBACK).strip("[]"), int(written["port"]))


def as_flags(address: Address) -> str:
    """How a person chooses this address on a command line."""
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


def listening(address: Address, choose: Callable[[Address], str]) -> socket.socket:
    """A socket that listens there. Raises CannotListen; `choose` is how a person writes the choice of another one."""
    try:
        family, kind, _, _, found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(found)
            bound.listen()
        except BaseException:
            bound.close()
            raise
    except OSError as problem:
        raise cannot_listen(problem, address, choose) from None
    return bound


def cannot_listen(problem: OSError, address: Address, choose: Callable[[Address], str]) -> CannotListen:
    """Why there is no listening there, in words, and what to do about it."""
    host, port = address
    if problem.errno == errno.EADDRINUSE:
        other = choose(address._replace(port=port + 1 if port < 65_535 else port - 1))
        return CannotListen(
            f"Port {port} of {host} is taken by another program.",
            remedy=f"Choose another one, such as {other}, or {choose(address._replace(port=0))} for any that is free.",
        )
    if problem.errno == errno.EACCES:
        return CannotListen(f"Port {port} of {host} is not ours to open.", remedy="Choose one above 1023.")
    if problem.errno == errno.EADDRNOTAVAIL or isinstance(problem, socket.gaierror):
        return CannotListen(
            f"{host} is no address of this machine.",
            remedy=f"Choose {choose(address._replace(host=LOOPBACK))} to be reached from this machine alone, or "
            f"{choose(address._replace(host='0.0.0.0'))} for all its addresses.",
        )
    return CannotListen(f"{address} cannot be opened: {problem}", remedy="Choose another address or port.")
