"""The image's health check: exit status 0 if the worker in this container answers /livez with 200.

It asks on loopback, or on STREAMJOIN_WEB_HOST where that is one address. /livez needs no key.
"""

import http.client
import os
import sys

EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, never bound


def main() -> int:
    """Ask once, within 4 s."""
    host = os.environ.get("STREAMJOIN_WEB_HOST", "")
    port = os.environ.get("STREAMJOIN_WEB_PORT", "6066")
    try:
        connection = http.client.HTTPConnection(
            "127.0.0.1" if host in EVERY else host, int(port), timeout=4
        )
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer on port {port}: {error}\n")
        return 1
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"/livez answered {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
