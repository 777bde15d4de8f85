"""Why no connection comes about, in one line that says what to change.

aiokafka tells its log and no caller. So after a failure one connection is tried by itself, and its
error is put into words. None of them holds a secret.
"""

import asyncio
import logging
import ssl
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from app.cluster.addresses import Address, parse_addresses
from app.cluster.cluster import Broker, Cluster
from app.cluster.tokens import TokenError, TokenRefusedError
from app.errors import SettingError

_EXPIRED: Final = 10
_WRONG_HOST: Final = (62, 64)
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, and those of a host name or an address that differs."""


async def cannot_connect(broker: Broker) -> str:
    """Say why no client gets in, as far as one more try shows it.

    Raises SettingError where no token is given to the client that the settings name.
    """
    cluster = Cluster.of(broker)
    try:
        await cluster.token()
    except TokenRefusedError as error:
        raise SettingError(str(error)) from None
    except TokenError as error:
        return f"no way into the cluster: {error}"
    addresses = parse_addresses(cluster.bootstrap)
    logger = logging.getLogger("aiokafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        found = await asyncio.gather(*(_refusal(cluster, at) for at in addresses))
    finally:
        logger.setLevel(before)
    for address, why in zip(addresses, found, strict=True):
        if why is not None:
            return f"the broker at {address} {why}"
    return (
        f"no Kafka broker answers at {cluster}; start one "
        "(streamjoin broker start) or name another with --broker HOST:PORT"
    )


async def _refusal(cluster: Cluster, address: Address) -> str | None:
    """Try one address; None where nobody listens or answers, or nothing is wrong with it."""
    try:
        async with asyncio.timeout(cluster.question_timeout):
            await _try(cluster, address)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error)
    except ssl.SSLError as error:
        return _no_tls(error)
    except (SaslAuthenticationFailed, AuthenticationFailedError):
        return _not_let_in(cluster)
    except UnsupportedSaslMechanismError:
        return (
            f"does not take {cluster.mechanism}: set sasl_mechanism "
            "(STREAMJOIN_SASL_MECHANISM) to one that it offers"
        )
    except IllegalSaslStateError:
        return (
            "asks for no user: set security_protocol (STREAMJOIN_SECURITY_PROTOCOL) to "
            f"{'SSL' if cluster.encrypts else 'PLAINTEXT'}, and leave out the sasl settings"
        )
    except (KafkaError, ConnectionResetError, ConnectionAbortedError) as error:
        return _cut_off(cluster, error)
    except (OSError, TimeoutError):
        return None
    return None


async def _try(cluster: Cluster, address: Address) -> None:
    arguments = cluster.arguments()
    del arguments["bootstrap_servers"]
    connection = await create_conn(
        address.host,
        address.port,
        client_id="streamjoin-probe",
        request_timeout_ms=round(cluster.broker_timeout * 1000),
        **arguments,
    )
    try:
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


def _not_let_in(cluster: Cluster) -> str:
    if cluster.takes_tokens:
        return (
            "does not take the token: have the provider give one with the issuer, audience and "
            "scope that its listener expects"
        )
    return (
        f"does not let user {cluster.username} in by {cluster.mechanism}: set "
        "sasl_username and sasl_password (STREAMJOIN_SASL_PASSWORD) to a user that it knows"
    )


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "shows a certificate that has expired: have it renewed"
    if error.verify_code in _WRONG_HOST:
        return f"shows a certificate of another name ({error.verify_message.rstrip('.')})"
    return (
        f"shows a certificate that is not trusted ({error.verify_message}): name the CA that "
        "signed it by ssl_ca_file (STREAMJOIN_SSL_CA_FILE)"
    )


def _no_tls(error: ssl.SSLError) -> str:
    reason = (error.reason or "no reason given").replace("_", " ").lower()
    if "alert" in reason:
        return _REFUSED_CERTIFICATE.format(reason=reason)
    return (
        f"does not speak TLS there ({reason}): set security_protocol "
        "(STREAMJOIN_SECURITY_PROTOCOL), or the port, to what its listener has"
    )


_REFUSED_CERTIFICATE: Final = (
    "refuses the TLS connection ({reason}): it may demand a client certificate that it trusts, by "
    "ssl_certificate_file and ssl_key_file"
)


def _cut_off(cluster: Cluster, error: Exception) -> str:
    """Name what ends a connection that was made: TLS errors that come after the handshake."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return _no_tls(cause)
    if cluster.protocol == "PLAINTEXT":
        return (
            "ends the connection: its listener may demand TLS or a user, which "
            "security_protocol (STREAMJOIN_SECURITY_PROTOCOL) is set for"
        )
    return (
        f"ends the connection: its listener may have another protocol than {cluster.protocol}, or "
        "demand a client certificate (ssl_certificate_file, ssl_key_file)"
    )
