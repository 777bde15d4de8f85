"""A partition's tables lie side by side in one store."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from agents.topology import Topology
from app.engine.state import PartitionState
from app.engine.store.memory import MemoryStore
from app.settings import load_settings
from models.topics import Catalogue
from tables.rows import Table
from tests.tables.making import NOTES, Note


class NoTopology:
    flows = ()
    catalogue = Catalogue("any")


def test_two_tables_of_one_prefix_are_refused() -> None:
    topology = cast("Topology", NoTopology())
    state = PartitionState(0, 1, MemoryStore(), topology, {}, 100)
    notes = state.rows(NOTES)
    assert state.rows(NOTES) is notes
    with pytest.raises(ValueError, match="others has the prefix b'n' of another"):
        state.rows(Table("others", NOTES.prefix, Note, NOTES.key))


def test_the_service_has_a_prefix_for_each_table() -> None:
    settings = load_settings()
    topology = Topology(settings.catalogue(), settings.rules(), settings.max_future)
    state = PartitionState(0, 1, MemoryStore(), topology, {}, 100)
    rows: dict[str, Any] = state._rows
    prefixes = [made.table.prefix for made in rows.values()]
    assert len(prefixes) > 12
    assert len(set(prefixes)) == len(prefixes)
    assert all(len(prefix) == 1 for prefix in prefixes)


async def test_others_are_served_while_much_is_loaded() -> None:
    state = PartitionState(0, 1, MemoryStore(), cast("Topology", NoTopology()), {}, 100)
    loaded, served = list[int](), list[int]()

    def load() -> Iterator[None]:
        for number in range(3):
            loaded.append(number)
            yield

    async def serve() -> None:
        while len(loaded) < 3:
            served.append(len(loaded))
            await asyncio.sleep(0)

    state.load_by(load)
    await asyncio.gather(state.load(), serve())
    assert loaded == [0, 1, 2]
    assert served == [1, 2]
