"""A view that is shared by its watchers: conflation."""

import asyncio

from app.web.live.channel import Channel
from app.web.live.states import State, stated
from app.web.problems import unavailable
from tests.support.topics import until
from tests.web.live.watcher import PATIENCE


class Looked:
    """What a channel looks at; each look waits until it is let go."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0
        self.let_go = asyncio.Event()
        self.fails = False

    async def look(self) -> State:
        self.looks += 1
        value = self.value
        await self.let_go.wait()
        if self.fails:
            raise unavailable("recovering", "not now")
        return stated(b"%d" % value)


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_changes_during_a_look_are_one_more_look_whoever_watches() -> None:
    looked = Looked()
    channel = Channel(looked.look, 0.0, lambda: 3600.0)
    wakes = [asyncio.Event() for _ in range(50)]
    for wake in wakes:
        channel.watch(wake)
    await _settle()
    for value in range(1, 101):
        looked.value = value
        channel.mark()
    looked.let_go.set()

    async def newest() -> bool:
        return channel.state == stated(b"100")

    await until(newest, PATIENCE, "at the newest state", 0.001)
    await _settle()
    assert looked.looks == 2
    assert all(wake.is_set() for wake in wakes)
    assert [channel.leave(wake) for wake in wakes] == [False] * 49 + [True]


async def test_an_unchanged_view_wakes_nobody() -> None:
    looked = Looked()
    looked.let_go.set()
    channel = Channel(looked.look, 0.0, lambda: 3600.0)
    wake = asyncio.Event()
    channel.watch(wake)
    async with asyncio.timeout(PATIENCE):
        await wake.wait()
    wake.clear()

    async def looked_again() -> bool:
        channel.mark()
        return looked.looks >= 6

    await until(looked_again, PATIENCE, "looked at again and again", 0.001)
    await _settle()
    assert not wake.is_set()
    channel.leave(wake)


async def test_a_view_that_cannot_be_read_is_looked_at_again_by_itself() -> None:
    looked = Looked()
    looked.let_go.set()
    looked.fails = True
    channel = Channel(looked.look, 0.0, lambda: 3600.0)
    wake = asyncio.Event()
    channel.watch(wake)
    async with asyncio.timeout(PATIENCE):
        await wake.wait()
        wake.clear()
        assert channel.state is not None
        assert channel.state.problem
        looked.fails = False
        await wake.wait()
    assert channel.state == stated(b"0")
    channel.leave(wake)
