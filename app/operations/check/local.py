"""What can be checked without a broker."""

import os
from collections.abc import Iterator
from pathlib import Path

from app.cluster.addresses import parse_addresses
from app.hosts import is_loopback
from app.operations.check.finding import Finding, ok, warning, wrong
from app.settings import Settings


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Say what holds: the settings fit together, or they would not have been loaded."""
    if (exposure := settings.exposed) is not None:
        yield wrong("settings", exposure)
    else:
        yield ok("settings", f"group {settings.app_id}, {settings.processing_guarantee}")
    folder = _there(settings.data_dir)
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        yield ok("data folder", f"{settings.data_dir} can be written")
    else:
        yield wrong(
            "data folder",
            f"{settings.data_dir} cannot be written: name another (STREAMJOIN_DATA_DIR)",
        )
    cluster = settings.cluster
    addresses = parse_addresses(cluster.bootstrap)
    remote = not all(is_loopback(address.host) for address in addresses)
    if cluster.authenticates and cluster.encrypts:
        user = settings.sasl_username or settings.sasl_oauth_client_id or "of the AWS credentials"
        text = f"user {user} by {settings.sasl_mechanism}, over TLS"
        yield ok("credentials", text)
    elif cluster.encrypts:
        yield ok("credentials", f"TLS, {'a' if cluster.certificate_file else 'no'} certificate")
    elif remote:
        yield warning(
            "credentials",
            f"{settings.security_protocol} to another machine: everybody on the way can read and "
            "change it; set security_protocol to SASL_SSL or SSL",
        )
    else:
        yield ok("credentials", f"{settings.security_protocol}, on this machine")


def _there(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
