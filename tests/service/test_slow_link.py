"""A link on which a full commit takes longer than its transaction may: smaller ones get through."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.brokers import ProxiedBroker
from tests.chaos.proxy.frames import read_frame
from tests.support.service import Service, keyed
from tests.support.topics import read_all

PARTITIONS = 1
RATE = 1_000_000
RECORDS, BYTES = 16_000, 1_000
"""16 MB that come out as dead letters: some 16 s a way on this link, with 6 s to a transaction."""
SETTINGS = {"transaction_timeout": "6s", "commit_interval": "20s"}


async def test_a_commit_too_large_for_the_link_is_made_in_smaller_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_at = [0.0]

    async def slow(reader: asyncio.StreamReader) -> bytes | None:
        """Let frames of both ways pass one after the other, at the link's rate."""
        frame = await read_frame(reader)
        now = asyncio.get_running_loop().time()
        free_at[0] = max(free_at[0], now) + len(frame or b"") / RATE
        await asyncio.sleep(free_at[0] - now)
        return frame

    with ProxiedBroker(tmp_path / "broker") as broker:
        service = await Service(broker.direct, PARTITIONS, SETTINGS).create()
        bad = keyed("user-events", "ann", "x" * BYTES, PARTITIONS)
        await service.send([bad] * RECORDS)
        monkeypatch.setattr("tests.chaos.proxy.link.read_frame", slow)
        proxied = {"STREAMJOIN_BROKER": broker.proxied}
        with service.worker(tmp_path / "data", environment=proxied) as worker:
            await service.at_rest()
            assert "acquiring it again" in worker.text
            monkeypatch.undo()
            assert await worker.terminate(60) == 0, worker.text
        letters = await read_all(broker.direct, [service.names["dead-letters"]], PARTITIONS)
    offsets = [dict(letter.headers)["source.offset"] for letter in letters]
    assert offsets == [b"%d" % number for number in range(RECORDS)]
