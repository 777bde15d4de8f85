"""Bearer tokens: fetched once for all, renewed in time, and what a provider may answer instead."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from app.cluster import cannot_connect
from app.cluster.tokens import TokenCache, TokenError, TokenRefusedError
from app.errors import SettingError
from app.settings import load_settings
from tests.support.certificates import Authority
from tests.support.oidc import CLIENT, SECRET, Oidc, oidc_provider


@pytest.fixture
def oidc() -> Iterator[Oidc]:
    with oidc_provider() as provider:
        yield provider


def tokens(oidc: Oidc, **changes: str) -> TokenCache:
    settings = load_settings(security_protocol="SASL_PLAINTEXT", **oidc.settings(**changes))
    found = settings.cluster.arguments()
    assert found["sasl_mechanism"] == "OAUTHBEARER"
    made = found["sasl_oauth_token_provider"]
    assert isinstance(made, TokenCache)
    return made


async def test_one_token_serves_all_clients_of_a_cluster(oidc: Oidc) -> None:
    settings = load_settings(security_protocol="SASL_PLAINTEXT", **oidc.settings())
    given = [settings.cluster.arguments()["sasl_oauth_token_provider"] for _ in range(3)]
    found = await asyncio.gather(*(one.token() for one in given * 10))
    assert len(set(found)) == 1
    assert oidc.asked == 1


async def test_it_is_asked_for_with_the_scope(oidc: Oidc) -> None:
    await tokens(oidc, sasl_oauth_scope="kafka write").token()
    assert oidc.scopes == ["kafka write"]


async def test_a_new_one_is_fetched_before_the_old_one_expires(oidc: Oidc) -> None:
    cache = tokens(oidc)
    oidc.lifetime = 1.0
    first = await cache.token()
    await asyncio.sleep(0.9)  # At most a second has passed where the provider was slow to answer.
    assert await cache.token() != first


async def test_while_it_is_valid_it_outlives_a_provider_that_is_away(oidc: Oidc) -> None:
    cache = tokens(oidc)
    oidc.expires_in = 0  # To be renewed at once, and good for the connection that it is for.
    first = await cache.token()
    oidc.status = 503
    assert await cache.token() == first


async def test_threads_with_loops_of_their_own_share_it(oidc: Oidc) -> None:
    cache = tokens(oidc)
    first = await cache.token()
    assert await asyncio.to_thread(lambda: asyncio.run(cache.token())) == first


Change = Callable[[Oidc], None]


def answering(status: int = 200, body: bytes | None = None) -> Change:
    def change(oidc: Oidc) -> None:
        oidc.status, oidc.body = status, body

    return change


def silent(oidc: Oidc) -> None:
    oidc.silent = True


def expiring(seconds: object) -> Change:
    def change(oidc: Oidc) -> None:
        oidc.expires_in = seconds

    return change


NO_TOKEN: dict[str, tuple[Change, str]] = {
    "away": (answering(503), "answers with HTTP status 503"),
    "moved": (answering(302), "answers with HTTP status 302"),
    "a page": (answering(200, b"<html>"), "answers without an access_token in JSON"),
    "a list": (answering(200, b"[]"), "answers without an access_token in JSON"),
    "no token": (answering(200, b'{"token_type":"Bearer"}'), "answers without an access_token"),
    "no text": (answering(200, b'{"access_token":7}'), "answers without an access_token"),
    "a token of two lines": (answering(200, b'{"access_token":"a\\nb"}'), "without an access_t"),
    "deep": (answering(200, b"[" * 200_000), "answers without an access_token in JSON"),
    "a negative life": (expiring(-1), "expires_in that is no number"),
    "no number": (expiring("soon"), "expires_in that is no number"),
    "silence": (silent, "does not answer within 4 s"),
}


@pytest.mark.parametrize(("change", "said"), NO_TOKEN.values(), ids=NO_TOKEN)
async def test_what_is_no_token_is_one_line(oidc: Oidc, change: Change, said: str) -> None:
    change(oidc)
    with pytest.raises(TokenError) as caught:
        await tokens(oidc).token()
    assert not isinstance(caught.value, TokenRefusedError)
    text = str(caught.value)
    assert said in text
    assert oidc.token_url in text
    assert "\n" not in text


async def test_after_a_failure_the_provider_has_a_pause(
    oidc: Oidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cluster.tokens._PAUSE", 3600.0)
    cache = tokens(oidc)
    oidc.status = 503
    for _ in range(3):
        with pytest.raises(TokenError):
            await cache.token()
    assert oidc.asked == 1


async def test_a_provider_that_is_back_is_asked_again(
    oidc: Oidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cluster.tokens._PAUSE", 0.0)
    cache = tokens(oidc)
    oidc.status = 503
    with pytest.raises(TokenError):
        await cache.token()
    oidc.status = 200
    assert await cache.token()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sasl_oauth_client_secret": "canary-wrong"}, "HTTP status 401 (invalid_client)"),
        ({"sasl_oauth_client_id": "nobody"}, "gives client nobody no token"),
    ],
)
async def test_a_client_that_the_provider_refuses_is_a_wrong_setting(
    oidc: Oidc, changes: dict[str, str], said: str
) -> None:
    cluster = load_settings(
        broker="127.0.0.1:9", security_protocol="SASL_PLAINTEXT", **oidc.settings(**changes)
    ).cluster
    with pytest.raises(SettingError) as caught:
        await cannot_connect(cluster)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_provider_that_is_not_there_is_one_line() -> None:
    given = Oidc(port=9).settings()
    cluster = load_settings(security_protocol="SASL_PLAINTEXT", **given).cluster
    assert "cannot be reached" in await cannot_connect(cluster)


async def test_a_provider_with_a_stranger_s_certificate_is_named(
    oidc: Oidc, authority: Authority
) -> None:
    url = oidc.token_url.replace("http", "https")
    given = oidc.settings(sasl_oauth_token_url=url, sasl_oauth_ca_file=str(authority.file))
    cluster = load_settings(security_protocol="SASL_PLAINTEXT", **given).cluster
    assert "speaks no TLS: name the CA" in await cannot_connect(cluster)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


URL = "https://sso.example/token"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sasl_oauth_token_url": ""}, "OAUTHBEARER needs sasl_oauth_token_url too"),
        ({"sasl_oauth_client_id": ""}, "needs sasl_oauth_client_id too"),
        ({"sasl_oauth_client_secret": ""}, "needs sasl_oauth_client_secret too"),
        ({"sasl_oauth_token_url": "http://sso.example/token"}, "must be https://HOST/PATH"),
        ({"sasl_oauth_token_url": "sso.example"}, "must be https://HOST/PATH"),
        ({"sasl_oauth_token_url": "https://u:p@sso.example/"}, "without a user"),
        ({"sasl_oauth_token_url": "https://sso.example:99999/"}, "must be https://HOST/PATH"),
        ({"sasl_oauth_ca_file": "/nowhere.pem"}, "sasl_oauth_ca_file /nowhere.pem cannot be read"),
        ({"sasl_username": "u"}, "sasl_username is given, but sasl_mechanism OAUTHBEARER takes"),
        ({"sasl_mechanism": "PLAIN"}, "needs sasl_username and sasl_password too"),
        ({"security_protocol": "SSL"}, "security_protocol SSL shows no user"),
        ({"sasl_aws_region": "eu-west-1"}, "sasl_aws_region is given, but sasl_mechanism OAUTHB"),
        ({"sasl_mechanism": "AWS_MSK_IAM"}, "AWS_MSK_IAM needs sasl_aws_region too"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, str], said: str) -> None:
    given = {"security_protocol": "SASL_SSL", **Oidc().settings(sasl_oauth_token_url=URL)}
    with pytest.raises(SettingError) as caught:
        load_settings(**(given | changes))
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_cluster_shows_no_client_secret() -> None:
    given = {"security_protocol": "SASL_SSL", **Oidc().settings(sasl_oauth_token_url=URL)}
    settings = load_settings(**given)
    assert CLIENT in repr(settings.cluster)
    assert SECRET not in repr(settings.cluster) + repr(settings)
