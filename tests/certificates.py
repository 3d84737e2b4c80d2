"""Certificates for servers of a test's own, good and bad, made by the openssl program."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """An authority of a test's own: its certificate is `authority`, and what it signs is in `folder`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.authority = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        _openssl(
            *("req", "-x509", *_KEY, "-subj", f"/CN={name}", "-days", "2"),
            *("-keyout", str(self._key), "-out", str(self.authority)),
        )

    def signed(self, name: str, *hosts: str, days: int = 2) -> Path:
        """A certificate for these hosts, or for localhost, and its key, in one file; with no days it has expired."""
        hosts = hosts or ("localhost",)
        key, asked, names = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "names"))
        certificate = self.folder / f"{name}.crt"
        alternatives = (f"{'IP' if host[0].isdigit() else 'DNS'}:{host}" for host in hosts)
        names.write_text(f"subjectAltName={','.join(alternatives)}")
        _openssl("req", "-new", *_KEY, "-subj", f"/CN={hosts[0]}", "-keyout", str(key), "-out", str(asked))
        _openssl(
            *("x509", "-req", "-in", str(asked), "-CA", str(self.authority), "-CAkey", str(self._key)),
            *("-CAcreateserial", "-extfile", str(names), "-days", str(days), "-out", str(certificate)),
        )
        both = self.folder / f"{name}.pem"
        both.write_text(key.read_text() + certificate.read_text())
        both.chmod(0o600)
        return both


def _openssl(*words: str) -> None:
    # A configuration of the machine's own may say otherwise.
    subprocess.run(["openssl", *words], check=True, capture_output=True, env={"PATH": os.environ["PATH"]})


@asynccontextmanager
async def showing(certificate: Path) -> AsyncIterator[int]:
    """The port of a server on localhost that shows a certificate, and says nothing more."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "localhost", 0, ssl=context) as server:
        yield int(server.sockets[0].getsockname()[1])
        server.close()
