"""Keys by themselves."""

import hashlib

import pytest

from app.errors import SettingError
from app.keys import EVERYTHING, Scope, parse_keys
from app.settings import load_settings, load_worker_settings
from app.web.access import Access

KEY = "0123456789abcdef"


def test_the_key_opens_every_scope() -> None:
    access = Access(KEY)
    for scope in Scope:
        assert access.allows(f"Bearer {KEY}", scope)
        assert access.allows(f"bearer  {KEY}", scope)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "missing"),
        ("", "malformed"),
        (KEY, "malformed"),
        ("Bearer", "malformed"),
        ("Bearer ", "malformed"),
        (f"Basic {KEY}", "malformed"),
        (f"Bearer {KEY}s", "unknown"),
        ("Bearer \udcff", "unknown"),
    ],
)
def test_what_opens_nothing_has_its_reason(given: str | None, reason: str) -> None:
    access = Access(KEY)
    assert not access.allows(given, Scope.READ)
    assert access.failure(given) == reason


def test_without_keys_everybody_may_ask() -> None:
    access = Access(None)
    assert access.allows(None, Scope.READ)


def test_no_key_can_be_read_from_its_holder() -> None:
    assert "canary" not in repr(vars(Access("canary")))


HASHED = hashlib.sha256(b"grafana-0123456789").hexdigest()


@pytest.mark.parametrize(
    ("key", "scopes"),
    [
        ("shop-0123456789ab", {Scope.READ}),
        ("grafana-0123456789", {Scope.METRICS}),
        ("both-0123456789ab", {Scope.READ, Scope.METRICS}),
        ("boss-0123456789ab", set(Scope)),
        (KEY, set(Scope)),
        (HASHED, set()),
        (f"sha256:{HASHED}", set()),
        ("read:shop-0123456789ab", set()),
        ("", set()),
    ],
)
def test_each_key_opens_its_scopes(key: str, scopes: set[Scope]) -> None:
    given = f"read:shop-0123456789ab, metrics:sha256:{HASHED}"
    given += "\nread+metrics:both-0123456789ab admin:boss-0123456789ab"
    access = Access.of(load_settings(api_key=KEY, api_keys=given))
    assert access.scopes(f"Bearer {key}") == scopes
    for scope in Scope:
        assert access.allows(f"Bearer {key}", scope) == (scope in scopes)


def test_a_key_may_hold_colons_and_be_given_twice() -> None:
    access = Access(None, parse_keys(f"read:a:{KEY} metrics:a:{KEY}"))
    assert access.scopes(f"Bearer a:{KEY}") == {Scope.READ, Scope.METRICS}
    assert access.scopes(None) == set()
    assert Access(None).scopes(None) == EVERYTHING


@pytest.mark.parametrize(
    "given",
    [
        "canary",
        "write:canary",
        "read:",
        ":canary",
        "read:sha256:canary",
        "read+:canary",
        "read:canary-of-15-ch",
    ],
)
def test_a_wrong_one_is_named_by_its_number_alone(given: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings(api_keys=f"read:{KEY},{given}", peer_key=KEY)
    assert "api_keys, number 2: " in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_settings_see_to_it_that_nothing_is_left_open() -> None:
    assert load_settings(api_keys="", web_host="127.0.0.1").api_keys is None
    assert load_worker_settings(web_host="0.0.0.0", api_keys=f"read:{KEY}", peer_key=KEY).api_keys
    with pytest.raises(SettingError, match="set an API key"):
        load_worker_settings(web_host="0.0.0.0", api_keys="")
    for peer_key in (None, ""):
        with pytest.raises(SettingError, match="api_keys needs peer_key"):
            load_settings(api_keys=f"read:{KEY}", peer_key=peer_key)


@pytest.mark.parametrize("name", ["api_key", "peer_key"])
def test_a_key_that_can_be_guessed_is_refused(name: str) -> None:
    load_settings(**{name: KEY})
    with pytest.raises(SettingError, match=f"{name} is shorter than 16 characters") as caught:
        load_settings(**{name: KEY[1:]})
    assert KEY[1:] not in str(caught.value)
