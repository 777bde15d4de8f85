"""Names and addresses of hosts."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone: `localhost`, all of 127.0.0.0/8, and ::1.

    `host`: a name or an address, an IPv6 one with or without brackets.
    """
    bare = host.removeprefix("[").removesuffix("]").removesuffix(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        address = ip_address(bare)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def host_of(authority: str) -> str:
    """Give the host of `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`, in small letters."""
    if authority.startswith("["):
        return authority.partition("]")[0].removeprefix("[").lower()
    return authority.partition(":")[0].lower()
