"""Streams of a real worker: they show what the views answer, and end with the worker."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.oracle.compare_http import VIEWS
from tests.support.topics import until
from tests.web.asking import Asker, user_path
from tests.web.conftest import Shop
from tests.web.live.watcher import PATIENCE, Event, Watcher, watching
from tests.web.shop import ANN, click, event, purchase

OVERALL = {"revenue": "/v1/revenue", "totals": "/v1/totals", "workers": "/v1/workers"}
_USER = "ann%2F%C3%A4%7Bx%7D"


class Followed:
    """A stream's newest states; `end`: its last event."""

    def __init__(self, watcher: Watcher, paths: dict[str, str]) -> None:
        self._watcher = watcher
        self._paths = paths
        self._states: dict[str, Any] = {}
        self.end: Event | None = None

    async def read(self) -> None:
        """Take every event to the end; offsets never go back."""
        while said := await self._watcher.next():
            if said.type == "end":
                self.end = said
                continue
            before = self._states.get(said.type, {}).get("offsets", {})
            assert all(said.data["offsets"][topic] >= at for topic, at in before.items())
            self._states[said.type] = said.data

    async def fits(self, asker: Asker) -> None:
        """Wait until all its states are what the views answer."""

        async def fit() -> bool:
            answers = {view: (await asker.get(path)).json for view, path in self._paths.items()}
            return answers == self._states

        await until(fit, PATIENCE, f"as the views answer: {sorted(self._paths)}")


async def test_each_view_is_followed_to_the_end(shop: Shop, asker: Asker) -> None:
    service, worker = shop
    of_user = {view: user_path(ANN, view) for view in VIEWS}
    queries = {f"view={','.join(of_user)}&user={_USER}": of_user}
    queries[f"view={','.join(OVERALL)}"] = OVERALL
    async with AsyncExitStack() as stack:
        streams = []
        for query, paths in queries.items():
            watcher = await stack.enter_async_context(watching(worker.url, query))
            streams.append(Followed(watcher, paths))
        async with asyncio.TaskGroup() as reading:
            for followed in streams:
                reading.create_task(followed.read())
                await followed.fits(asker)
            more = [click(ANN, "/d", 800), purchase(ANN, "oak", 3, 805), event(ANN, "view", 806, 9)]
            await service.send(more)
            await service.at_rest()
            for followed in streams:
                await followed.fits(asker)
            await _newest_and_set_aside(shop)
            assert await worker.terminate() == 0
        for followed in streams:
            assert followed.end is not None
            assert followed.end.data["reason"] == "shutdown"


async def _newest_and_set_aside(shop: Shop) -> None:
    """Found in the rows first, then followed; an event that is far too late is counted."""
    service, worker = shop
    async with watching(worker.url, "view=newest-purchases,set-aside,throughput") as watcher:
        newest = await watcher.until("newest-purchases", lambda body: body["complete"])
        found = [one["product_id"] for one in newest.data["purchases"]]
        assert found == ["oak", "nail", "sofa", "lamp"]
        assert newest.data["purchases"][3]["recent_pages"] == ["/a", "/b"]
        await service.send([purchase(ANN, "elm", 4, 900), event(ANN, "view", -40_000)])
        newest = await watcher.until(
            "newest-purchases", lambda body: body["purchases"][0]["product_id"] == "elm"
        )
        assert newest.data["purchases"][0]["recent_pages"] == ["/c", "/d"]
        assert len(newest.data["purchases"]) == 5
        aside = await watcher.until("set-aside", lambda body: body["late_events"])
        assert aside.data["late_events"] == {"event-counts": 1, "hopping-counts": 1, "sessions": 1}
        assert aside.data["dead_letters"] == []
        rates = await watcher.until("throughput", lambda body: sum(body["records_per_second"]) >= 2)
        assert len(rates.data["records_per_second"]) == 120
