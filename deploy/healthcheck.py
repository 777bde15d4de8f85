"""The image's health check: exit status 0 if the worker in this container answers /livez with 200.

It asks on loopback, or on STREAMJOIN_WEB_HOST where that is one address. /livez needs no key and no
client certificate; the worker's own is not compared with a name: nobody stands between.
"""

import http.client
import os
import ssl
import sys

EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, never bound


def connected(host: str, port: int) -> http.client.HTTPConnection:
    """Give the connection to ask on, as the worker's settings have it."""
    if not os.environ.get("STREAMJOIN_TLS_CERTIFICATE_FILE"):
        return http.client.HTTPConnection(host, port, timeout=4)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=4, context=context)


def main() -> int:
    """Ask once, within 4 s."""
    host = os.environ.get("STREAMJOIN_WEB_HOST", "")
    port = os.environ.get("STREAMJOIN_WEB_PORT", "6066")
    try:
        connection = connected("127.0.0.1" if host in EVERY else host, int(port))
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
