"""Certificates of a test's own: an authority, what it signed, and one that nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
KEY_PASSWORD = "canary-key-password-2718"


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain, and its key (PKCS #8), both PEM."""

    certificate: str
    key: str

    def properties(self) -> Mapping[str, str]:
        """As Kafka's settings of a key store, to be prefixed with the listener's."""
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": self.certificate,
            "ssl.keystore.key": self.key,
        }


class Authority:
    """A CA and its certificates, as files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA(organization_name=name)
        self._folder = folder
        self.pem = self._ca.cert_pem.bytes().decode()
        self.file = folder / f"{name}-ca.pem"
        self.file.write_text(self.pem)

    def pair(self, name: str, *, expired: bool = False) -> Pair:
        """Sign for a host's name or address, or a client's name."""
        until = _LONG_AGO + timedelta(days=1)
        signed = (
            self._ca.issue_cert(name, not_before=_LONG_AGO, not_after=until)
            if expired
            else self._ca.issue_cert(name, common_name=name)
        )
        chain = b"".join(blob.bytes() for blob in signed.cert_chain_pems)
        return Pair(chain.decode(), _pkcs8(signed.private_key_pem.bytes(), None))

    def files(self, name: str, password: str | None = None) -> tuple[Path, Path]:
        """Sign for a client: its certificate and its key, as files."""
        made = self.pair(name)
        certificate, key = (self._folder / f"{name}.{what}" for what in ("pem", "key"))
        certificate.write_text(made.certificate)
        key.write_text(_pkcs8(made.key.encode(), password))
        return certificate, key


def _pkcs8(key: bytes, password: str | None) -> str:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    loaded = load_pem_private_key(key, None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()
