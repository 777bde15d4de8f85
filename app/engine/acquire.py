"""How a worker becomes a partition's owner: rules 1 and 8 of reliability.md, in their order.

heartbeat -> fence the former owner -> committed offsets -> restore -> do they agree? -> seek.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from app.engine.consumer_thread import ConsumerThread
from app.engine.errors import LostError, StateError
from app.engine.fitting import apart, check_shape
from app.engine.metadata import KEY, LAYOUT, Metadata, shape
from app.engine.pauses import Pauses
from app.engine.restore import Progress, Restorer
from app.engine.store.base import Store
from app.engine.writer import Offsets, Writer
from app.errors import UserError
from app.gaps import Gap
from app.groups.admin import committed as group_committed
from app.settings import Settings

log = logging.getLogger(__name__)
ASKED_AGAIN_SECONDS = 30.0
"""For how long offsets and state that do not agree are asked for again before a worker ends."""
_ASK_SECONDS = 0.5, 5.0
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
        self._plain = settings.processing_guarantee != "exactly_once"

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
        committed: Offsets = await self._thread.committed(tps)
        await self._restorer.restore(number, store, progress)
        stored = self._stored(store, count)
        until, pauses = time.monotonic() + ASKED_AGAIN_SECONDS, Pauses(*_ASK_SECONDS)
        while not self._fits(stored, committed) and time.monotonic() < until:
            log.warning("partition %d: state and offsets do not agree; asking again", number)
            await asyncio.sleep(pauses.next())
            committed = await self._asked_anew(tps, committed)
            await self._restorer.restore(number, store, progress)
            stored = self._stored(store, count)
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

    async def gaps(self, number: int, refused: Mapping[str, int]) -> list[Gap]:
        """Give what topics lack of what a partition is to read next; it is held then.

        `refused`: offsets at which the broker had nothing, by topic. None: its offsets have been
        moved. Raises LostError where the broker does not tell.
        """
        await self.hold(number)
        tps = [TopicPartition(topic, number) for topic in refused]
        try:
            committed = await self._thread.committed(tps)
        except KafkaError as error:
            raise LostError(f"the broker does not tell the group's offsets: {error!r}") from error
        first, end = await self._ends(tps)
        gaps = [
            Gap(tp.topic, number, committed[tp], first[tp], end[tp])
            for tp in tps
            if tp in committed
        ]
        return [gap for gap in gaps if gap.before or gap.end < gap.at == refused[gap.topic]]

    async def _ends(self, tps: Sequence[TopicPartition]) -> tuple[Offsets, Offsets]:
        try:
            return await self._thread.ends(tps)
        except KafkaError as error:
            raise LostError(f"the broker does not tell where topics begin: {error!r}") from error

    async def close(self) -> None:
        """Let go of what standbys read through."""
        await self._restorer.close()

    async def catch_up(self, number: int, store: Store, progress: Progress) -> None:
        """Bring a standby's store up to the changelog's last stable offset. Raises LostError."""
        await self._restorer.follow(number, store, progress)

    def _stored(self, store: Store, count: int) -> Metadata | None:
        stored = Metadata.decode(store.get(KEY))
        if stored is not None:
            check_shape(stored, count, self._settings, self._sources)
        return stored

    def _fits(self, stored: Metadata | None, committed: Mapping[TopicPartition, int]) -> bool:
        """Whether it is known from where to go on."""
        if stored is None or not self._plain:
            wanted = stored.offsets if stored else {}
            return {tp.topic: offset for tp, offset in committed.items()} == wanted
        return bool(committed) or not stored.stream_times

    async def _asked_anew(
        self, tps: Sequence[TopicPartition], known: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, int]:
        """Ask for the group's offsets over new connections; `known` where no broker answers.

        A coordinator that has been deposed and does not know it yet may have answered before.
        """
        try:
            found = await group_committed(self._settings.cluster, self._settings.app_id)
        except UserError:
            return known
        return {tp: found[tp] for tp in tps if tp in found}

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
        if not self._fits(stored, committed):
            raise StateError(apart(number, stored, self._settings.app_id, held))
        wanted = dict(stored.offsets) if stored else {}
        if stored is not None and not held:
            # The first deployment broke off between the state, which holds nothing, and offsets.
            await writer.commit([(KEY, stored.encode())], [], self._places(number, wanted))
        # Without transactions a crash between the two leaves them apart: the group's offsets
        # decide what is done twice, or not at all.
        return {topic: held.get(topic, offset) for topic, offset in wanted.items()}

    async def _first_deployment(
        self, number: int, store: Store, count: int, writer: Writer
    ) -> dict[str, int]:
        """Commit where `start_from` says, before anything is fetched."""
        tps = [TopicPartition(topic, number) for topic in self._sources]
        first, last = await self._ends(tps)
        latest = self._settings.start_from == "latest"
        offsets = {tp.topic: (last if latest else first)[tp] for tp in tps}
        row = Metadata(LAYOUT, shape(self._settings.rules()), count, offsets, {})
        changes = [(KEY, row.encode())]
        end = await writer.commit(changes, [], self._places(number, offsets))
        store.write(changes, end)
        return offsets
