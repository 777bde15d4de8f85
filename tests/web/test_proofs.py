"""Proofs between workers, and who has none."""

import asyncio

import pytest
from aiohttp import web

from app import proofs
from app.proofs import HEADER, Answer, Proofs
from tests.web.asking import asking
from tests.web.group import GROUP, Member, State, listening, serving, user_in
from tests.web.key_failures import counted

KEY, OTHER = "the-groups-own-key", "another-groups-key"
BEARER = {"Authorization": f"Bearer {KEY}"}
USER = user_in(1, 2)
PATH = f"/v1/users/{USER}/totals"
HTML = b"<script>alert(document.domain)</script>"


def test_an_advertisement_is_proven_by_the_key_of_its_group() -> None:
    url = "http://10.0.0.1:6066"
    ours = Proofs(KEY, GROUP)
    advertised = ours.advertised(url)
    assert ours.url_of(advertised) == url
    assert advertised == Proofs(KEY, GROUP).advertised(url)
    assert KEY not in advertised
    for wrong in (
        url,
        f"{url}#{'0' * 64}",
        f"streamjoin+{url}#{'0' * 64}",
        advertised.replace("10.0.0.1", "10.0.0.2"),
        advertised.removeprefix("streamjoin+"),
        f"streamjoin+{advertised}",
        advertised[:-1],
        advertised + "0",
        "",
        "#",
        "\udcff",
        Proofs(OTHER, GROUP).advertised(url),
        Proofs(KEY, "another-group").advertised(url),
    ):
        assert ours.url_of(wrong) is None


@pytest.mark.parametrize(
    ("advertised", "url"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
        ("http://127.9.9.9:1", "http://127.9.9.9:1"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("https://localhost:1", "https://localhost:1"),
        ("http://10.0.0.1:1", None),
        ("http://localhost.example:1", None),
        ("http://127.0.0.1.example:1", None),
        ("http://127.0.0.1@example.com", None),
        ("file://localhost/etc/passwd", None),
        ("http://[::1", None),
        (Proofs(KEY, GROUP).advertised("http://127.0.0.1:1"), None),
        ("", None),
    ],
)
def test_without_keys_only_loopback_is_asked(advertised: str, url: str | None) -> None:
    keyless = Proofs(None, GROUP)
    assert keyless.url_of(advertised) == url
    assert keyless.advertised("http://127.0.0.1:1") == "http://127.0.0.1:1"


async def test_an_owner_that_proves_nothing_is_asked_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As one of a version before, one without the key, or with that of another group."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=HTML, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    member = Member(2, {0: State(0)})
    async with serving(member, KEY) as one, listening(app) as rogue, asking(one) as [asker]:
        member.table = {0: one, 1: rogue}
        for said in (rogue, Proofs(OTHER, GROUP).advertised(rogue), f"streamjoin+{rogue}#"):
            member.advertised = {1: said}
            reply = await asker.get(PATH, headers=BEARER)
            assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
            assert reply.problem["type"].endswith("owner-unproven")
            totals = (await asker.get("/v1/totals", headers=BEARER)).json
            assert (totals["complete"], totals["missing"]) == (False, [1])
            workers = (await asker.get("/v1/workers", headers=BEARER)).json
            [item] = [item for item in workers["workers"] if item["url"] == said]
            assert (item["state"], workers["missing"]) == ("unreachable", [1])
        assert not asked
        assert (await counted(one, BEARER))["peer-advertisement"] >= 9
    assert KEY not in caplog.text
    assert caplog.text.count("does not prove") == 3


async def test_failed_keys_are_counted_by_reason() -> None:
    async with serving(Member(1, {0: State(0)}), KEY) as url, asking(url) as [asker]:
        assert await counted(url, BEARER) == {}
        internal = "/internal/v1/totals?partitions=0"
        for path, headers in (
            ("/v1/totals", {}),
            ("/v1/totals", {"Authorization": KEY}),
            ("/v1/totals", {"Authorization": "Bearer 1234567890abcdef"}),
            (internal, {}),
            (internal, BEARER),
            (internal, {HEADER: KEY}),
            (internal, {HEADER: f"1.{'0' * 32}.{'0' * 64}"}),
        ):
            assert (await asker.get(path, headers=headers)).status in (401, 403)
        assert await counted(url, BEARER) == {
            "missing": 1,
            "malformed": 1,
            "unknown": 1,
            "peer-missing": 2,
            "peer-malformed": 1,
            "peer-proof": 1,
        }


async def test_proofs_do_not_pass_for_each_other() -> None:
    """A worker that asks does not learn how to answer, nor what to advertise."""
    ours = Proofs(KEY, GROUP)
    question = proofs.Question("GET", "http://a", "/internal/v1/totals", b"")
    asked = ours.of_question(question)
    assert asked is not None
    answer = Answer(200, "application/json", "", proofs.digest(b"{}"))
    assert ours.is_answer(ours.of_answer(asked, answer), asked, answer)
    macs = {asked.rpartition(".")[2], ours.of_answer(asked, answer), ours.advertised("http://a")}
    assert len(macs) == 3
    again = await asyncio.to_thread(ours.of_question, question)
    assert again != asked
