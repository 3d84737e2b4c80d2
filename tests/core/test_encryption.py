"""What OpenSSL's words mean: one side's refusal is not taken for the other's."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

from core.encryption import Fault, fault_in
from tests.certificates import Authority


def fault_of(client: ssl.SSLContext, server: ssl.SSLContext) -> Fault | None:
    """What the client says of a handshake that fails, each side's bytes being handed to the other."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        try:
            ours.do_handshake()
            ours.read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as problem:
            return fault_in(str(problem))
        with suppress(ssl.SSLError):  # which the client is told of
            theirs.do_handshake()
    return None


def test_who_refuses_whose_certificate(tmp_path: Path) -> None:
    known, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=known.authority)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(known.signed("server"))

    def client(authority: Authority, certificate: Path | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=authority.authority)
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    assert fault_of(client(known, known.signed("ours")), server) is None
    assert fault_of(client(known, stranger.signed("theirs")), server) == "refused"
    assert fault_of(client(known, None), server) == "wanted"
    assert fault_of(client(stranger, None), server) == "authority"
