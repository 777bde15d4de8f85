"""Whether each partition keeps up: what `/v1/workers` says of it, and what a person sees."""

from pathlib import Path
from typing import Any

from models.answers import Verdict
from tests.observability.stuck_worker import FILE, MODULE
from tests.oracle.exact_numbers import partition_of
from tests.support.browser import Page, browsing
from tests.support.kafka import Kafka
from tests.support.service import Service
from tests.web.asking import Asker, asking, until_ready
from tests.web.group import Member, State, serving
from tests.web.shop import ANN, PARTITIONS, click

SETTINGS = {"session_timeout": "20s", "transaction_timeout": "8s", "stalled_after": "9s"}
_STATES = """[...document.querySelectorAll('#partition-rows tr')]
    .map((tr) => [tr.cells[0].innerText, tr.cells[2].innerText.trim()])"""
_ALL_WELL = f"{_STATES}.filter(([, state]) => /ok$/.test(state)).length === {PARTITIONS}"
_VERDICT = "document.querySelector('#partition-rows tr:nth-child({}) .verdict')"
_SPOKEN = "[...{}.querySelectorAll('span:not(.sign):not(:has(*))')].map((one) => one.textContent)"
_OUTSIDE = "document.documentElement.scrollWidth - innerWidth"


async def _said(asker: Asker) -> dict[int, Any]:
    [worker] = (await asker.get("/v1/workers")).json["workers"]
    return {one["partition"]: one for one in worker["partitions"]}


async def test_a_handler_that_stands_still_is_seen_and_that_it_goes_on(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS, SETTINGS).create()
    held = partition_of(ANN.encode(), PARTITIONS)
    stuck = tmp_path / "stuck"
    environment = {FILE: str(stuck)}
    with service.worker(tmp_path / "a", module=MODULE, environment=environment) as worker:
        await until_ready(worker)
        async with asking(worker.url) as [asker], browsing(tmp_path / "browser") as page:
            await page.open(f"{worker.url}/")
            await page.until(_ALL_WELL)
            stuck.touch()
            await service.send([click(ANN, "/held", 0)])
            await page.shows("#partition-rows", "stalled, ")
            await page.shows("#workers", "1 stalled")
            said = await _said(asker)
            assert {n: one["progress"] for n, one in said.items()} == {
                number: "stalled" if number == held else "ok" for number in range(PARTITIONS)
            }
            assert said[held]["lag_seconds"] > 0
            stuck.unlink()
            await page.until(_ALL_WELL)
            assert "stalled" not in await page.text("#workers")
            assert page.errors == []


async def _colour(page: Page, row: int) -> str:
    return str(await page.value(f"getComputedStyle({_VERDICT.format(row)}).color"))


async def test_every_verdict_has_a_word_and_a_sign_of_its_own(tmp_path: Path) -> None:
    verdicts: list[Verdict] = ["ok", "slow", "stalled"]
    member = Member(4, {number: State(number) for number in range(3)})
    member.verdicts = dict(enumerate(verdicts))
    async with serving(member) as url, browsing(tmp_path) as page:
        member.table = {**dict.fromkeys(range(3), url), 3: "http://127.0.0.1:1"}
        await page.open(f"{url}/")
        await page.shows("#workers", "1 slow, 1 stalled", "unreachable")
        shown = dict(await page.value(_STATES))
        words = {"0": "ok", "1": "slow, 1 s", "2": "stalled, 1 s", "3": "unknown"}
        assert {number: text[1:].strip() for number, text in shown.items()} == words
        assert len({text[0] for text in shown.values()}) == 4
        # The sign is not read out; the words are.
        spoken = [await page.value(_SPOKEN.format(_VERDICT.format(row))) for row in range(1, 5)]
        assert spoken == [[word] for word in words.values()]
        colours = set()
        for scheme in ("light", "dark"):
            await page.look(375, 812, scheme)
            assert await page.value(_OUTSIDE) <= 0
            colours |= {await _colour(page, row) for row in (1, 2, 3)}
            await page.picture(tmp_path / f"verdicts-{scheme}.png")
        assert len(colours) == 6
