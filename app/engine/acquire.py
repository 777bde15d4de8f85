"""How a worker becomes a partition's owner: rules 1 and 8 of reliability.md, in their order.

heartbeat -> fence the former owner -> committed offsets -> restore -> do they agree? -> seek.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from app.engine.consumer_thread import ConsumerThread
from app.engine.errors import ShapeError, StateError
from app.engine.metadata import KEY, LAYOUT, Metadata, shape
from app.engine.restore import Progress, Restorer
from app.engine.store.base import Store
from app.engine.writer import Writer
from app.settings import Settings

log = logging.getLogger(__name__)
# How long the group's offsets may lag behind a transaction that has ended, and between looks.
_MARKERS_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class Held(NamedTuple):
    """Where a parked partition stands, by topic.

    `committed`: the source offsets that it has committed; `fetched`: the first not fetched.
    """

    committed: Mapping[str, int]
    fetched: Mapping[str, int]


class Acquisition:
    """The steps of one worker."""

    def __init__(
        self,
        settings: Settings,
        thread: ConsumerThread,
        sources: Sequence[str],
        restorer: Restorer,
    ) -> None:
        """`sources`: topics that are read."""
        self._settings = settings
        self._thread = thread
        self._sources = sources
        self._restorer = restorer

    async def hold(self, number: int) -> None:
        """Have nothing of a partition handed over until `release`.

        A poll that is under way ends before this does, so that nothing of it comes later.
        """
        await self._thread.pause([TopicPartition(topic, number) for topic in self._sources])

    async def release(self, number: int) -> None:
        """Have a partition's records handed over."""
        await self._thread.resume([TopicPartition(topic, number) for topic in self._sources])

    async def rewind(self, number: int, offsets: Mapping[str, int]) -> None:
        """Hold a partition, and read on from these offsets after `release`."""
        await self.hold(number)
        await self._seek(number, offsets)

    async def _seek(self, number: int, offsets: Mapping[str, int]) -> None:
        await self._thread.activate(self._places(number, offsets))

    @staticmethod
    def _places(number: int, offsets: Mapping[str, int]) -> dict[TopicPartition, int]:
        return {TopicPartition(topic, number): offset for topic, offset in offsets.items()}

    async def acquire(
        self, number: int, count: int, store: Store, writer: Writer, progress: Progress
    ) -> dict[str, int]:
        """Own a partition, held until `release`; its next source offsets by topic.

        Raises LostError when the membership or the fence is lost on the way, StateError when state
        and offsets do not fit, ShapeError when settings do not fit the state.
        """
        await self.hold(number)
        await self._thread.heartbeat()
        await writer.open()
        tps = [TopicPartition(topic, number) for topic in self._sources]
        committed = await self._thread.committed(tps)
        await self._restorer.restore(number, store, progress)
        stored = Metadata.decode(store.get(KEY))
        if stored is not None:
            self._check_shape(stored, count)
        offsets = await self._agreed(number, stored, committed, store, count, writer)
        await self._seek(number, offsets)
        return offsets

    async def keep(self, held: Mapping[int, Held]) -> set[int]:
        """Which of these parked partitions stand where the group has them; held until `release`.

        They are read on from what is fetched. Raises LostError when the membership is lost.
        """
        for number in held:
            await self.hold(number)
        await self._thread.heartbeat()
        places = {number: self._places(number, at.committed) for number, at in held.items()}
        committed = await self._settled({tp: o for at in places.values() for tp, o in at.items()})
        kept = {number for number, at in places.items() if at.items() <= committed.items()}
        for number in kept:
            await self._seek(number, held[number].fetched)
        return kept

    async def _settled(self, own: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Give the group's offsets, once they hold the transactions that ended with `own`.

        The coordinator says that a transaction has ended before its markers are in the topic of
        the group's offsets (KIP-98); acquiring waits for them with the producer's initialisation.
        """
        until = time.monotonic() + _MARKERS_SECONDS
        while True:
            committed = await self._thread.committed(list(own))
            behind = any(committed.get(tp, offset) < offset for tp, offset in own.items())
            if not behind or time.monotonic() >= until:
                return committed
            await asyncio.sleep(_LOOK_SECONDS)

    async def catch_up(self, number: int, store: Store, progress: Progress) -> None:
        """Bring a standby's store up to the changelog's last stable offset. Raises LostError."""
        await self._restorer.follow(number, store, progress)

    def _check_shape(self, stored: Metadata, count: int) -> None:
        if stored.layout == 0:
            raise ShapeError(
                "a `streamjoin groups reset-offsets` was broken off: run it again to its end"
            )
        if stored.layout != LAYOUT:
            raise ShapeError(
                f"the state has layout {stored.layout}, this version reads {LAYOUT}: "
                f"run `streamjoin groups reset-offsets --to earliest`, or the version that wrote it"
            )
        if stored.partitions != count:
            raise ShapeError(
                f"the state is of {stored.partitions} partitions, the topics have {count}: give "
                "the topics their former number, or another app_id (STREAMJOIN_APP_ID)"
            )
        now = shape(self._settings.rules())
        for name, value in now.items():
            if stored.shape.get(name) != value:
                raise ShapeError(
                    f"{name} was {stored.shape.get(name)} ms when the state was written and is "
                    f"{value} ms now: set it back, or run `streamjoin groups reset-offsets`"
                )

    async def _agreed(
        self,
        number: int,
        stored: Metadata | None,
        committed: Mapping[TopicPartition, int],
        store: Store,
        count: int,
        writer: Writer,
    ) -> dict[str, int]:
        held = {tp.topic: offset for tp, offset in committed.items()}
        if stored is None and not held:
            return await self._first_deployment(number, store, count, writer)
        wanted = dict(stored.offsets) if stored else {}
        if held == wanted:
            return held
        plain = self._settings.processing_guarantee != "exactly_once"
        if plain and stored and not held and not stored.stream_times:
            # The first deployment broke off between the state, which holds nothing, and offsets.
            await writer.commit([(KEY, stored.encode())], [], self._places(number, wanted))
            return wanted
        if plain and stored and held:
            # A crash between the two leaves them apart: the group's offsets decide what is done
            # twice, or not at all.
            return {topic: held.get(topic, offset) for topic, offset in wanted.items()}
        raise StateError(
            f"partition {number}: the state is at {wanted or 'nothing'}, the group "
            f"{self._settings.app_id} has committed {held or 'nothing'}: stop all workers and run "
            "`streamjoin groups reset-offsets`, which resets both together"
        )

    async def _first_deployment(
        self, number: int, store: Store, count: int, writer: Writer
    ) -> dict[str, int]:
        """Commit where `start_from` says, before anything is fetched."""
        tps = [TopicPartition(topic, number) for topic in self._sources]
        first, last = await self._thread.ends(tps)
        latest = self._settings.start_from == "latest"
        offsets = {tp.topic: (last if latest else first)[tp] for tp in tps}
        row = Metadata(LAYOUT, shape(self._settings.rules()), count, offsets, {})
        changes = [(KEY, row.encode())]
        end = await writer.commit(changes, [], self._places(number, offsets))
        store.write(changes, end)
        return offsets
