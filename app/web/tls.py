"""TLS of a worker's HTTP: its own certificate, and whom it trusts.

Files are looked at while the worker runs, and taken anew when they have changed: certificates are
renewed every few weeks, and a worker may run for longer. A file that cannot be used, since it is
half written, say, changes nothing.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple, Self

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""Seconds between two looks at the files."""


class TlsFiles(NamedTuple):
    """PEM files. `certificate`: with its chain; `key`: its key, not encrypted.

    `client_ca`: signs what clients and other workers have to show, None where they need show none.
    `ca`: what other workers' certificates are checked against; None: `client_ca`, else the system's
    authorities.
    """

    certificate: Path
    key: Path
    client_ca: Path | None
    ca: Path | None

    def server(self) -> ssl.SSLContext:
        """Give what connections are taken with. Raises ValueError naming the setting."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._show(context)
        if self.client_ca is not None:
            _trust(context, "tls_client_ca_file", self.client_ca)
            # Not of all: probes have none. Who asks for more than those has to (`guard`).
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client(self) -> ssl.SSLContext:
        """Give what other workers are asked with. Raises ValueError naming the setting."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        trusted = self.ca or self.client_ca
        if trusted is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            _trust(context, "tls_ca_file" if self.ca else "tls_client_ca_file", trusted)
        self._show(context)
        return context

    def checked(self) -> Self:
        """Check that all can be used. Raises ValueError with one line that names the setting."""
        self.server()
        self.client()
        return self

    def changed(self) -> tuple[object, ...]:
        """Give what differs when a file has been written anew, or is another's by a link."""
        return tuple(_stamp(path) for path in self if path is not None)

    def _show(self, context: ssl.SSLContext) -> None:
        _check_readable("tls_certificate_file", self.certificate)
        _check_readable("tls_key_file", self.key)
        try:
            # Without a function OpenSSL would ask for an encrypted key's password on the terminal.
            context.load_cert_chain(self.certificate, self.key, lambda: "")
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(
                f"tls_certificate_file {self.certificate} and tls_key_file {self.key} are no "
                "certificate with its own key in PEM, the key not encrypted"
            ) from error


class ServerTls:
    """The contexts of a worker, those of its files as they are now."""

    def __init__(self, files: TlsFiles, failed: Callable[[], None]) -> None:
        """`failed`: told of renewed files that cannot be used. Raises ValueError."""
        self._files = files
        self._failed = failed
        self._used = self._seen = files.changed()
        self.context, self.client = files.server(), files.client()

    async def watching(self, _: object) -> AsyncIterator[None]:
        """Look at the files again and again, while the application runs."""
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Take the files anew once they have changed; connections that are open keep the former.

        Not before the look after that: a certificate and its key are not written at one moment.
        """
        before, self._seen = self._seen, self._files.changed()
        if self._seen == self._used or self._seen != before:
            return
        self._used = self._seen
        try:
            self.context, self.client = self._files.server(), self._files.client()
        except (ValueError, OSError) as error:
            self._failed()
            log.warning("%s: the former certificates stay in use", error)
        else:
            log.info("the TLS files have changed: they are in use")


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _check_readable(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"{name} {path} cannot be read ({error.strerror})") from error


def _trust(context: ssl.SSLContext, name: str, path: Path) -> None:
    _check_readable(name, path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ValueError(f"{name} {path} holds no certificates in PEM") from error
