"""Keys by themselves."""

import hashlib

import pytest

from app.errors import SettingError
from app.keys import EVERYTHING, Scope, parse_keys
from app.settings import load_settings, load_worker_settings
from app.web.access import Access, peer_credential


def test_the_key_opens_every_scope() -> None:
    access = Access("key", None)
    for scope in Scope:
        assert access.allows("Bearer key", scope)
        assert access.allows("bearer  key", scope)
    for wrong in (
        None,
        "",
        "key",
        "Bearer",
        "Bearer ",
        "Basic key",
        "Bearer keys",
        "Bearer \udcff",
    ):
        assert not access.allows(wrong, Scope.READ)


def test_without_keys_everybody_may_ask() -> None:
    access = Access(None, None)
    assert access.allows(None, Scope.READ)
    assert access.is_peer(None)
    assert access.credential is None


def test_peers_have_a_credential_of_their_own() -> None:
    access = Access("key", None)
    assert access.credential is not None
    assert access.is_peer(access.credential)
    for wrong in (None, "", "key", access.credential[:-1], "Bearer key"):
        assert not access.is_peer(wrong)
    assert not access.allows(f"Bearer {access.credential}", Scope.READ)


def test_a_peer_key_goes_before_the_api_key() -> None:
    assert peer_credential("a", "p") == peer_credential(None, "p") == peer_credential("b", "p")
    assert peer_credential("a", None) != peer_credential("b", None)
    assert "secret" not in str(peer_credential("secret", None))


def test_no_key_can_be_read_from_its_holder() -> None:
    held = vars(Access("canary", "bird"))
    assert "canary" not in repr(held)
    assert "bird" not in repr(held)


HASHED = hashlib.sha256(b"grafana").hexdigest()


@pytest.mark.parametrize(
    ("key", "scopes"),
    [
        ("shop", {Scope.READ}),
        ("grafana", {Scope.METRICS}),
        ("both", {Scope.READ, Scope.METRICS}),
        ("boss", set(Scope)),
        ("all", set(Scope)),
        (HASHED, set()),
        (f"sha256:{HASHED}", set()),
        ("read:shop", set()),
        ("", set()),
    ],
)
def test_each_key_opens_its_scopes(key: str, scopes: set[Scope]) -> None:
    given = f"read:shop, metrics:sha256:{HASHED}\nread+metrics:both admin:boss"
    access = Access.of(load_settings(api_key="all", api_keys=given, peer_key="p"))
    assert access.scopes(f"Bearer {key}") == scopes
    for scope in Scope:
        assert access.allows(f"Bearer {key}", scope) == (scope in scopes)


def test_a_key_may_hold_colons_and_be_given_twice() -> None:
    access = Access(None, "p", parse_keys("read:a:b metrics:a:b"))
    assert access.scopes("Bearer a:b") == {Scope.READ, Scope.METRICS}
    assert access.scopes(None) == set()
    assert Access(None, None).scopes(None) == EVERYTHING


@pytest.mark.parametrize(
    "given", ["canary", "write:canary", "read:", ":canary", "read:sha256:canary", "read+:canary"]
)
def test_a_wrong_one_is_named_by_its_number_alone(given: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(api_keys=f"read:x,{given}", peer_key="p")
    assert "api_keys, number 2: " in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_settings_see_to_it_that_nothing_is_left_open() -> None:
    assert load_settings(api_keys="", web_host="127.0.0.1").api_keys is None
    assert load_worker_settings(web_host="0.0.0.0", api_keys="read:x", peer_key="p").api_keys
    with pytest.raises(SettingError, match="set an API key"):
        load_worker_settings(web_host="0.0.0.0", api_keys="")
    for peer_key in (None, ""):
        with pytest.raises(SettingError, match="api_keys needs peer_key"):
            load_settings(api_keys="read:x", peer_key=peer_key)
