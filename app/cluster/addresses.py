"""Brokers' addresses, as people write them: HOST:PORT, IPv6 in brackets, several with commas."""

import re
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from app.errors import SettingError

_WRITTEN: Final = re.compile(
    r"(?:\[(?P<six>[^\[\]\s]+)\]|(?P<host>[^\[\]:\s/@]+)):(?P<port>[0-9]+)"
)
_FORM: Final = "must be HOST:PORT, or several with commas between them"
_LARGEST_PORT: Final = 65_535


class AddressError(SettingError, ValueError):
    """An address that is none; one line that names it."""


class Address(NamedTuple):
    """Where one broker listens; as text what was read, an IPv6 address in brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read one address or several; spaces around them and a comma at the end do not count.

    Raises AddressError that names the one that is wrong.
    """
    written = [one.strip() for one in text.split(",")]
    if written[-1] == "" and len(written) > 1:
        written.pop()
    return tuple(_parse(one) for one in written)


def _parse(written: str) -> Address:
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise AddressError(f"{_explain(written)}: {_FORM}")
    port = int(found["port"])
    if not 1 <= port <= _LARGEST_PORT:
        raise AddressError(f"{written} has port {port}: ports are 1 to {_LARGEST_PORT}")
    if found["six"] is not None and not _is_ipv6(found["six"]):
        raise AddressError(f"{written}: only an IPv6 address stands in brackets")
    return Address(found["six"] or found["host"], port)


def _explain(written: str) -> str:
    if not written:
        return "an address is empty"
    if re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", written):
        return f"{written}: an IPv6 address stands in brackets, as in [::1]:9092"
    return f"{written} is no address"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
