"""Pieces of long reads: one at a time, in their order, with room for others after each."""

import asyncio
from itertools import pairwise

import pytest

from app.web.turns import Turns


async def test_others_run_between_any_two_pieces() -> None:
    turns, seen, done = Turns(), list[str](), asyncio.Event()

    async def read(name: str) -> None:
        for number in range(3):
            await turns.run(lambda number=number: seen.append(f"{name}{number}"))  # type: ignore[misc]

    async def commit() -> None:
        while not done.is_set():
            seen.append("commit")
            await asyncio.sleep(0)

    committing = asyncio.create_task(commit())
    await asyncio.gather(read("a"), read("b"))
    done.set()
    await committing
    pieces = [one for one in seen if one != "commit"]
    assert pieces == ["a0", "b0", "a1", "b1", "a2", "b2"]
    for before, after in pairwise(seen):
        assert "commit" in (before, after)


async def test_what_a_piece_raises_is_the_askers_and_the_next_one_runs() -> None:
    turns = Turns()

    def fails() -> int:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await turns.run(fails)
    assert await turns.run(lambda: 1) == 1


async def test_one_that_gives_up_waiting_holds_up_nobody() -> None:
    turns, ran = Turns(), list[str]()
    tasks = [asyncio.create_task(turns.run(lambda n=n: ran.append(n))) for n in "abc"]  # type: ignore[misc]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert ran == ["a", "c"]
