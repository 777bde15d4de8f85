"""The live page, as a browser shows it: two real workers, one of which is killed."""

import json
from pathlib import Path

from tests.oracle.exact_numbers import partition_of
from tests.support.browser import Page, browsing
from tests.support.groups import bury_members, members
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import until_ready
from tests.web.group import Member, State, serving
from tests.web.shop import ANN, PARTITIONS, RECORDS, click, event, purchase

EVIL = "<img src=x onerror=alert(1)>"
_NOTE = "document.querySelector('[data-view=revenue] .note')"
ENTER, TAB = ("Enter", 13, "\r"), ("Tab", 9)


async def _look_up(page: Page, user: str) -> None:
    """With the keyboard alone."""
    await page.value("document.getElementById('user').select(), document.activeElement.blur()")
    await page.value("document.querySelector('.skip').focus()")
    await page.press(*ENTER)
    await page.until("document.activeElement.id === 'lookup'")
    await page.press(*TAB)
    await page.until("document.activeElement.id === 'user'")
    await page.value("document.activeElement.select()")
    await page.write(user)
    await page.press(*ENTER)
    await page.until(f"location.hash === '#' + new URLSearchParams({{user: {json.dumps(user)}}})")
    await page.until("!document.getElementById('user-answer').hidden")


async def _map(page: Page) -> dict[str, list[int]]:
    """Partitions by worker, as the page shows them."""
    script = """[...document.querySelectorAll('#partition-rows tr')]
        .map((tr) => [tr.cells[1].innerText, Number(tr.cells[0].innerText)])"""
    found: dict[str, list[int]] = {}
    for address, number in await page.value(script):
        found.setdefault(f"http://{address}", []).append(number)
    return found


async def test_what_is_seen_and_that_it_follows(kafka: Kafka, tmp_path: Path) -> None:
    settings = {"session_timeout": "60s", "heartbeat_interval": "1s"}
    service = await Service(kafka.bootstrap, PARTITIONS, settings).create()
    await service.send([*RECORDS, event(ANN, EVIL, 800)])
    with service.worker(tmp_path / "a") as first:
        await until_ready(first)
        living = await members(kafka.bootstrap, service.app_id)
        with service.worker(tmp_path / "b") as second:
            two_each = {}
            for worker in (first, second):
                ready = await until_ready(worker, lambda body: len(body["assigned"]) == 2)
                two_each[worker.url] = ready["assigned"]
            await service.at_rest()
            async with browsing(tmp_path / "browser") as page:
                await page.look(1280, 900)
                await page.open(f"{first.url}/")
                await _everything(page, two_each)
                await _user(page, service)
                await _everywhere(page, tmp_path)
                await _killed(page, service, second, living)
                assert {
                    url.split("/v1")[0].split("/page")[0].rstrip("/") for url in page.requested
                } == {first.url}
                assert page.errors == []
                await _starts_again(page, first)


async def _everything(page: Page, two_each: dict[str, list[int]]) -> None:
    await page.shows("#status", "live")
    await page.shows("#tile-workers", "2 of 2")
    await page.shows("#tile-purchases", "3")
    await page.shows("#tile-revenue", "912.49")
    await page.shows("#newest-rows", "lamp", "sofa", "/a → /b", ANN)
    await page.until("document.querySelectorAll('#partition-rows tr').length === 4")
    assert await _map(page) == two_each
    for chart in ("throughput", "revenue"):
        await page.until(f"document.querySelector('#{chart}-chart canvas').width > 0")
    assert await page.value("document.getElementById('revenue-chart').ariaLabel") == (
        "Revenue of 2 windows of 5 minutes; the newest has 0.00"
    )


async def _user(page: Page, service: Service) -> None:
    """Looked up, then changed by new records, without a reload."""
    await _look_up(page, ANN)
    await page.shows("#user-clicks", "/c")
    await page.shows("#user-bought", "lamp", "/a → /b")
    await page.shows("#user-counts", "07:00 – 07:05", "2")
    await page.shows("#user-sessions", "07:00:00")
    await page.shows("#user-actions", "view 3", "buy 1", EVIL)
    await service.send([click(ANN, "/new", 850), purchase(ANN, EVIL, 7, 860)])
    await page.shows("#user-bought", EVIL, "/c → /new")
    await page.shows("#user-purchases", "3")
    await page.shows("#newest-rows", EVIL)
    await page.shows("#tile-purchases", "4")
    assert await page.value("document.images.length") == 0


async def _everywhere(page: Page, pictures: Path) -> None:
    """Wide and narrow, light and dark: nothing lies outside of the window."""
    grounds = set()
    for width, height in ((1280, 900), (375, 812)):
        for scheme in ("light", "dark"):
            await page.look(width, height, scheme)
            await page.until("document.querySelector('.chart canvas').clientWidth < innerWidth")
            assert await page.value("document.documentElement.scrollWidth - innerWidth") <= 0
            grounds.add(await page.value("getComputedStyle(document.body).backgroundColor"))
            await page.picture(pictures / f"{width}-{scheme}.png")
    assert len(grounds) == 2
    await page.look(1280, 900)


async def _killed(page: Page, service: Service, second: Worker, living: set[str]) -> None:
    """A worker is killed: it is seen, what is missing is said, and it is over by itself."""
    before = await _map(page)
    theirs = before.pop(second.url)[0]
    user = next(u for u in map(str, range(99)) if partition_of(u.encode(), PARTITIONS) == theirs)
    await service.send([purchase(user, "chair", 5, 870)])
    await _look_up(page, user)
    await page.shows("#user-bought", "chair")
    second.kill()
    await page.shows("#workers", "unreachable")
    await page.until(f"!{_NOTE}.hidden")
    assert await bury_members(service.bootstrap, service.app_id, living) == 1
    await page.shows("#tile-workers", "1 of 1")
    await page.until(f"{_NOTE}.hidden")
    await service.send([purchase(user, "table", 6, 880)])
    await page.shows("#user-bought", "table", "chair")
    assert await _map(page) == {url: [0, 1, 2, 3] for url in before}


async def _starts_again(page: Page, worker: Worker) -> None:
    """The worker that serves the page ends and comes back: the page goes on by itself."""
    assert await worker.terminate() == 0
    await page.until("document.getElementById('status').dataset.state === 'broken'")
    worker.start()
    await page.shows("#status", "live")
    await page.shows("#tile-purchases", "6")
    await page.until("document.getElementById('user-note').hidden")


async def test_it_asks_for_the_key(tmp_path: Path) -> None:
    member = Member(2, {number: State(number) for number in range(2)})
    async with serving(member, "secret") as url, browsing(tmp_path) as page:
        member.table = {0: url, 1: url}
        await page.open(f"{url}/")
        await page.until("document.getElementById('key-dialog').open")
        for key, works in (("wrong", False), ("secret", True)):
            await page.until("document.activeElement.id === 'key'")
            await page.value("document.activeElement.select()")
            await page.write(key)
            await page.press(*ENTER)
            if not works:
                await page.until("!document.getElementById('key-note').hidden")
                await page.shows("#key-note", "refused")
        await page.shows("#status", "live")
        await page.shows("#tile-purchases", "0")


async def test_what_is_only_to_come_does_not_look_broken(tmp_path: Path) -> None:
    """Nobody owns a partition yet; then one is missing, which is no good state; then none is."""
    member = Member(2, {0: State(0)})
    color = f"getComputedStyle({_NOTE}).color"
    async with serving(member) as url, browsing(tmp_path) as page:
        await page.open(f"{url}/")
        await page.until(f"!{_NOTE}.hidden && {_NOTE}.innerText.includes('rebalancing')")
        loading = await page.value(color)
        assert loading == await page.value(
            "getComputedStyle(document.querySelector('.hint')).color"
        )
        member.table = {0: url}
        await page.until(f"{_NOTE}.innerText.includes('no answer for partitions 1')")
        assert await page.value(color) != loading
        member.states[1] = State(1)
        member.table = {0: url, 1: url}
        await page.until(f"{_NOTE}.hidden")
