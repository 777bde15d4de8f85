"""Who gives bearer tokens: an OpenID Connect provider, or AWS's signer."""

import asyncio
import base64
import json
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from pydantic import SecretStr

from app.cluster.tokens import Token, TokenError, TokenRefusedError
from app.errors import SettingError
from app.hosts import is_loopback

FETCH_SECONDS: Final = 4.0
"""For the provider's whole answer."""
_LONGEST_ANSWER: Final = 256 * 1024
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""A token in HTTP's syntax (RFC 6750, 2.1), which SASL has taken over."""


@dataclass(frozen=True)
class OidcClient:
    """A client of an OpenID Connect provider: its credentials (RFC 6749, 4.4).

    `url`: the token endpoint. `ca_file`: the certificates, PEM, that it is checked against, by
    default the system's.
    """

    url: str
    client_id: str
    secret: SecretStr
    scope: str | None
    ca_file: Path | None

    async def fetch(self) -> Token:
        """Ask for a token. Raises TokenError."""
        # Imported here: no other command needs it, and it costs a fifth of a second.
        import aiohttp

        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        user, secret = quote_plus(self.client_id), quote_plus(self.secret.get_secret_value())
        shown = base64.b64encode(f"{user}:{secret}".encode()).decode()
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.url,
                    data=form,
                    headers={"Accept": "application/json", "Authorization": f"Basic {shown}"},
                    ssl=self.tls(),
                    allow_redirects=False,
                ) as answer,
            ):
                body = b""
                async for chunk in answer.content.iter_chunked(_LONGEST_ANSWER):
                    body = body[:_LONGEST_ANSWER] + chunk
                return self._read(answer.status, body)
        except TimeoutError:
            raise TokenError(f"{self._who} does not answer within {FETCH_SECONDS:.0f} s") from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise TokenError(
                f"{self._who} shows a certificate that is not trusted, or speaks no TLS: name the "
                "CA that signed it by sasl_oauth_ca_file (STREAMJOIN_SASL_OAUTH_CA_FILE)"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TokenError(f"{self._who} cannot be reached ({type(error).__name__})") from error

    def tls(self) -> ssl.SSLContext:
        """Trust these certificates and no others. Raises ValueError."""
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise ValueError(
                f"sasl_oauth_ca_file {self.ca_file} cannot be read, or holds no certificates in PEM"
            ) from error

    @property
    def _who(self) -> str:
        return f"the token endpoint {self.url}"

    def _read(self, status: int, body: bytes) -> Token:
        answer = _object(body)
        if status in (400, 401, 403):
            reason = answer.get("error")
            said = f" ({reason})" if isinstance(reason, str) and reason.isidentifier() else ""
            raise TokenRefusedError(
                f"{self._who} gives client {self.client_id} no token: HTTP status {status}{said}; "
                "set sasl_oauth_client_id, sasl_oauth_client_secret and sasl_oauth_scope "
                "(STREAMJOIN_SASL_OAUTH_...) to what it knows"
            )
        if status != 200:
            raise TokenError(f"{self._who} answers with HTTP status {status}")
        token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(token, str) or not _BEARER.fullmatch(token):
            raise TokenError(f"{self._who} answers without an access_token in JSON")
        if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
            seconds = int(seconds)
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
            raise TokenError(f"{self._who} answers with an expires_in that is no number")
        return Token(token, float(seconds))


def _object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; what is none is empty."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class MskSigner:
    """AWS credentials, as the AWS SDK finds them, for Amazon MSK with IAM."""

    region: str

    async def fetch(self) -> Token:
        """Sign a token on this machine. Raises TokenError."""
        return await asyncio.to_thread(self._sign)

    def _sign(self) -> Token:
        signer = msk_signer()
        try:
            text, expires_ms = signer.generate_auth_token(self.region)
        except Exception as error:  # The SDK has no type of its own that holds all of its errors.
            raise TokenRefusedError(
                f"no token for Amazon MSK in {self.region}: the AWS SDK finds no credentials that "
                f"it can sign with ({type(error).__name__})"
            ) from error
        return Token(text, expires_ms / 1000 - time.time())


def msk_signer() -> Any:  # noqa: ANN401 (the package is untyped)
    """Give AWS's signer. Raises SettingError where its package is missing."""
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    except ImportError as error:
        raise SettingError(
            "sasl_mechanism AWS_MSK_IAM needs AWS's signer, which is not installed: "
            "pip install 'streamjoin[msk]', or aws-msk-iam-sasl-signer-python"
        ) from error
    return MSKAuthTokenProvider


def check_url(url: str) -> None:
    """Raise ValueError unless a secret may be sent there."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or plain) or parts.username:
        raise ValueError(
            "sasl_oauth_token_url must be https://HOST/PATH, without a user; http:// only where "
            "HOST is this machine"
        )
