"""Where a Redis server is and how to log in, read from a URL as redis-py reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

if TYPE_CHECKING:
    import ssl

_LOGIN: Final = frozenset({"db", "username", "password"})
_TLS: Final = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})
_OURS: Final = frozenset({"socket_timeout", "socket_connect_timeout", "protocol", "decode_responses"})
"""Parameters that no URL may choose: the cache needs them as they are."""


class Address(msgspec.Struct, frozen=True):
    """One server. `path` is that of a unix socket; without one `host` and `port` count. `tls` holds the URL's choices
    by redis-py's names, and is None without encryption."""

    path: str | None = None
    host: str = "localhost"
    port: int = 6379
    user: str | None = None
    password: str | None = None
    database: int = 0
    tls: dict[str, str] | None = None

    def context(self) -> ssl.SSLContext | None:
        """The encryption's terms; None without. Raises OSError where a certificate cannot be read."""
        if self.tls is None:
            return None
        import ssl

        context = ssl.create_default_context(cafile=self.tls.get("ssl_ca_certs"), capath=self.tls.get("ssl_ca_path"))
        if self.tls.get("ssl_cert_reqs") == "none":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate := self.tls.get("ssl_certfile"):
            context.load_cert_chain(certificate, self.tls.get("ssl_keyfile"))
        return context


def address_of(url: str) -> Address | None:
    """The address in a URL; None where it means nothing, or asks for something that the lanes do not do."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
        choices = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        in_path = "" if parts.scheme == "unix" else parts.path.strip("/")
        database = int(choices.get("db", in_path or "0"))
    except ValueError:
        return None
    known = _LOGIN | _OURS | (_TLS if parts.scheme == "rediss" else frozenset())
    if parts.scheme not in ("redis", "rediss", "unix") or choices.keys() - known or parts.fragment:
        return None
    if choices.get("ssl_cert_reqs", "none") not in ("none", "required") or database < 0:
        return None
    if parts.scheme == "unix" and not parts.path:
        return None
    return Address(
        path=unquote(parts.path) if parts.scheme == "unix" else None,
        host=unquote(parts.hostname or "localhost"),
        port=port,
        user=choices.get("username", unquote(parts.username or "")) or None,
        password=choices.get("password", unquote(parts.password or "")) or None,
        database=database,
        tls={name: text for name, text in choices.items() if name in _TLS} if parts.scheme == "rediss" else None,
    )
