"""The settings that say where a worker serves HTTP, and how."""

import socket
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, model_validator

from app.cluster.settings import ClusterSettings, Given
from app.hosts import is_loopback
from app.web.tls import TlsFiles


def _has_port(url: SplitResult) -> bool:
    """Whether its port, if it names one, can be one."""
    try:
        return url.port != 0
    except ValueError:
        return False


class HttpSettings(ClusterSettings):
    """Address, connections and TLS of a worker's HTTP; keys are in `Settings`."""

    web_host: str = "127.0.0.1"
    web_port: int = Field(6066, ge=1, le=65_535)
    advertised_url: Given[str] = None
    web_connections: int | None = Field(None, ge=32, le=100_000)
    tls_certificate_file: Given[Path] = None
    tls_key_file: Given[Path] = None
    tls_client_ca_file: Given[Path] = None
    tls_ca_file: Given[Path] = None

    @model_validator(mode="after")
    def _serves(self) -> Self:
        files = self.tls
        if self.advertised_url is not None:
            url = urlsplit(self.advertised_url)
            if url.scheme not in ("http", "https") or not url.hostname or not _has_port(url):
                raise ValueError("advertised_url must be http://HOST:PORT")
            if files is not None and url.scheme == "http":
                raise ValueError(
                    f"advertised_url {self.advertised_url} is not https, which this worker speaks "
                    "(tls_certificate_file): make it https://HOST:PORT"
                )
        return self

    @property
    def tls(self) -> TlsFiles | None:
        """The files of TLS, None for plain HTTP. Raises ValueError where one is missing."""
        certificate, key = self.tls_certificate_file, self.tls_key_file
        if certificate is not None and key is not None:
            return TlsFiles(certificate, key, self.tls_client_ca_file, self.tls_ca_file)
        if certificate is not None or key is not None:
            raise ValueError("tls_certificate_file and tls_key_file go together: give both")
        for name in ("tls_client_ca_file", "tls_ca_file"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is given, but HTTP is not encrypted: give tls_certificate_file and "
                    "tls_key_file too"
                )
        return None

    @property
    def on_loopback(self) -> bool:
        """Whether no other machine can reach it."""
        return is_loopback(self.web_host)

    @property
    def url(self) -> str:
        """What other workers forward to; `{hostname}` stands for this machine's name."""
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        scheme = "http" if self.tls is None else "https"
        given = self.advertised_url or f"{scheme}://{host}:{self.web_port}"
        return given.replace("{hostname}", socket.gethostname()).rstrip("/")
