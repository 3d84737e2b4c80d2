"""Addresses to listen at: how they are written, and why one cannot be had."""

from __future__ import annotations

import pytest

from core.errors import CannotListen
from core.listening import Address, address_of, listening


@pytest.mark.parametrize(
    ("text", "address", "local"),
    [
        ("9464", Address("127.0.0.1", 9464), True),
        ("0", Address("127.0.0.1", 0), True),
        ("localhost:1", Address("localhost", 1), True),
        ("0.0.0.0:9464", Address("0.0.0.0", 9464), False),
        ("[::1]:9464", Address("::1", 9464), True),
        ("host.example:65535", Address("host.example", 65535), False),
    ],
)
def test_a_port_or_a_host_and_a_port(text: str, address: Address, local: bool) -> None:
    assert (address_of(text), address_of(text).local) == (address, local)
    assert str(address_of(str(address))) == str(address)


@pytest.mark.parametrize(
    "text",
    ["", "port", "65536", "-1", "1.5", ":9464", "host:", "::1:9464", "[::1]", "a b:1", "http://h:1", "٣", "True"],
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="PORT"):
        address_of(text)


def test_a_taken_port_and_a_strange_address_are_told_with_another_choice() -> None:
    with listening(Address("127.0.0.1", 0), str) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            listening(Address("127.0.0.1", port), lambda other: f"--port {other.port}")
    assert str(refused.value).startswith(f"Port {port} of 127.0.0.1 is taken by another program. Choose another one, ")
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 is no address of this machine"):
        listening(Address("192.0.2.1", 9464), str)
    with pytest.raises(CannotListen, match="is no address of this machine"):
        listening(Address("no-such-host.invalid", 9464), str)
