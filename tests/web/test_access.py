"""Keys by themselves."""

from app.web.access import Access, Scope, peer_credential


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
