"""A small OpenID Connect provider on loopback: a token endpoint, and the keys of its signatures.

Tokens are JWTs signed by a real RSA key (RS256). How it answers can be changed while it runs.
"""

import asyncio
import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT = "shop-workers"
SECRET = "canary-client-secret-1729:+/"
"""With characters that have to be written otherwise in HTTP's Basic scheme."""
_START_SECONDS = 60.0


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass
class Oidc:
    """The provider. `lifetime`: of its tokens, seconds; `audience`: whom they are for.

    `status`, `body`: in place of an answer with a token; `silent`: it answers nothing at all.
    `given`: so many tokens, and `asked`: so many requests there were.
    """

    lifetime: float = 300.0
    audience: str = "kafka"
    status: int = 200
    body: bytes | None = None
    silent: bool = False
    expires_in: object = None
    given: int = 0
    asked: int = 0
    port: int = 0
    scopes: list[str] = field(default_factory=list)
    _key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    @property
    def keys_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys"

    def settings(self, **changes: str) -> dict[str, str]:
        """The service's settings for a client of it, by field name."""
        found = {
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_url": self.token_url,
            "sasl_oauth_client_id": CLIENT,
            "sasl_oauth_client_secret": SECRET,
        }
        return found | changes

    def token(self) -> str:
        """Sign one."""
        now = time.time()
        claims = {
            "iss": "test-provider",
            "sub": CLIENT,
            "aud": self.audience,
            "scope": "kafka",
            "iat": int(now),
            "exp": int(now + self.lifetime),
            "jti": uuid.uuid4().hex,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_text(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    async def give(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.silent:
            await asyncio.sleep(3600)
        if self.status != 200 or self.body is not None:
            return web.Response(status=self.status, body=self.body or b"")
        form, shown = await request.post(), request.headers["Authorization"]
        pair = base64.b64decode(shown.removeprefix("Basic ")).decode().partition(":")
        user, secret = unquote_plus(pair[0]), unquote_plus(pair[2])
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        if (user, secret) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.given += 1
        self.scopes.append(str(form.get("scope", "")))
        seconds = self.lifetime if self.expires_in is None else self.expires_in
        return web.json_response({"access_token": self.token(), "expires_in": seconds})

    async def keys(self, _: web.Request) -> web.Response:
        public = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256"}
        return web.json_response({"keys": [key | {"n": _number(public.n), "e": _number(public.e)}]})


@contextmanager
def oidc_provider() -> Iterator[Oidc]:
    """Run one in a thread of its own, so that tests may block."""
    provider, loop, ready = Oidc(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.add_routes([web.post("/token", provider.give), web.get("/keys", provider.keys)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        provider.port = runner.addresses[0][1]
        return runner

    def run() -> None:
        runner = loop.run_until_complete(serve())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(_START_SECONDS)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
