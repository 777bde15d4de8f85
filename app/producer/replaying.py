"""Replay of recorded events: files, in the order of their times, into the input topics."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from app.producer.bulk import TopicLane
from app.producer.errors import BadEventError
from app.producer.events import with_timestamp
from app.producer.judge import Judge
from app.producer.mirror import mirrored
from app.producer.pace import Pace, pause, shift_to
from app.producer.producer import EventProducer
from app.producer.replay_options import Progress, ReplayOptions, ReplayResult
from app.producer.sources import Entry, Reading, Source, merged, open_sources
from models.topics import USER_EVENTS, Topic

_EVENTS_PER_REPORT: Final = 5_000
_SECONDS_PER_REPORT: Final = 0.5


async def replay(
    files: Iterable[Path],
    producer: EventProducer,
    options: ReplayOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_problem: Callable[[str], None] | None = None,
) -> ReplayResult:
    """Send the events of JSON lines files, plain or gzip, and wait until all are stored.

    Lines go out as they are, valid for the contract or not, except for a time that is moved or
    missing (set to now). A line that is no JSON object, or has no user_id to key by, is given to
    `on_problem` as FILE:LINE: reason and counted; so is one that goes out without its user event
    since none can be made or sent. The first line of each file that the service will refuse, for
    each reason, is told too, and a file that breaks off. Raises `UserError` before anything is
    sent for a missing file or topic, `UnacknowledgedError` or `RefusedError` when the broker fails.
    """
    options = options or ReplayOptions()
    sources = open_sources(files, options.topic)
    run = _Replay(sources, producer, options, Reading(on_problem), on_progress)
    await run.open_lanes()
    await run.send_all()
    return run.result()


class _Replay:
    """One replay at work."""

    def __init__(
        self,
        sources: list[Source],
        producer: EventProducer,
        options: ReplayOptions,
        reading: Reading,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._sources = sources
        self._producer = producer
        self._options = options
        self._reading = reading
        self._on_progress = on_progress
        self._bytes = sum(source.path.stat().st_size for source in sources) or 1
        self._began = time.monotonic()
        self._sent: dict[str, int] = {}
        self._lanes: list[TopicLane] = []
        self._mirror: TopicLane | None = None
        self._shift_ms = options.shift_ms
        self._judge = Judge(options.max_future_ms, producer.now, reading.report)
        self._first_ms: int | None = None
        self._last_ms: int | None = None

    async def open_lanes(self) -> None:
        self._lanes = [await self._lane(source.topic) for source in self._sources]
        if self._options.mirror_user_events:
            self._mirror = await self._lane(USER_EVENTS)

    async def _lane(self, topic: Topic) -> TopicLane:
        name = self._options.names.get(topic.id, topic.id)
        self._sent.setdefault(name, 0)
        return await self._producer.lane(name)

    async def send_all(self) -> None:
        if self._options.shift_to_now:
            self._shift_ms += await self._distance_to_now()
        pace = Pace(self._options.speed, time.monotonic)
        paced = self._options.speed > 0
        for count, entry in enumerate(self._entries(self._reading), 1):
            time_ms = entry[5]
            if paced and time_ms is not None and (wait := pace.wait_for(time_ms)):
                await self._producer.send_partial()
                await pause(wait, _SECONDS_PER_REPORT, self._report)
            if self._put(entry):
                await self._producer.drain()
            if not count % _EVENTS_PER_REPORT:
                self._report()
                await asyncio.sleep(0)
        await self._producer.flush()
        self._judge.finish()
        self._report()

    def result(self) -> ReplayResult:
        return ReplayResult(
            sent=self._sent,
            bad=self._reading.bad,
            refused=self._judge.refused,
            damaged=tuple(self._reading.damaged),
            seconds=time.monotonic() - self._began,
            shift_ms=self._shift_ms,
            first_ms=self._first_ms,
            last_ms=self._last_ms,
        )

    def _entries(self, reading: Reading) -> Iterator[Entry]:
        options = self._options
        entries = merged(self._sources, reading, options.from_ms, options.until_ms)
        return islice(entries, options.limit)

    async def _distance_to_now(self) -> int:
        """Read everything once for the range of times, since files need not be in order."""
        first_ms = last_ms = None
        for count, (_, _, _, _, _, time_ms, _) in enumerate(self._entries(Reading())):
            if time_ms is not None:
                first_ms = time_ms if first_ms is None else min(first_ms, time_ms)
                last_ms = time_ms if last_ms is None else max(last_ms, time_ms)
            if not count % _EVENTS_PER_REPORT:
                await asyncio.sleep(0)
        if first_ms is None or last_ms is None:
            return 0
        now_ms = round(self._producer.now() * 1000)
        return shift_to(now_ms, first_ms, last_ms, self._options.speed)

    def _put(self, entry: Entry) -> bool:
        """Put an event and its mirror image; return whether batches became full."""
        _, file, line, key, value, time_ms, stamped = entry
        lane = self._lanes[file]
        try:
            if self._shift_ms and time_ms is not None:
                time_ms += self._shift_ms
                value = with_timestamp(value, time_ms / 1000)
            elif not stamped:
                value = with_timestamp(value, self._producer.stamp())
            full = lane.put(key, value)
        except BadEventError as error:
            self._reading.bad_line(self._sources[file].path, line, str(error))
            return False
        source = self._sources[file]
        self._judge.add(source.topic, key, value, source.path, line)
        self._sent[lane.topic] += 1
        if time_ms is not None:
            self._widen(time_ms)
        return self._put_image(file, line, key, value) or full

    def _put_image(self, file: int, line: int, key: bytes, value: bytes) -> bool:
        """Put the user event of a line that was put, if there is to be one."""
        lane, source = self._mirror, self._sources[file]
        if lane is None:
            return False
        try:
            image = mirrored(source.topic, value)
            if image is None:
                return False
            full = lane.put(key, image)
        except BadEventError as error:
            self._reading.bad_line(source.path, line, f"sent without its user event: {error}")
            return False
        self._judge.add(USER_EVENTS, key, image, source.path, line)
        self._sent[lane.topic] += 1
        return full

    def _widen(self, time_ms: int) -> None:
        if self._first_ms is None or time_ms < self._first_ms:
            self._first_ms = time_ms
        if self._last_ms is None or time_ms > self._last_ms:
            self._last_ms = time_ms

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(
                Progress(
                    records=sum(self._sent.values()),
                    bad=self._reading.bad,
                    seconds=time.monotonic() - self._began,
                    share=min(1.0, sum(self._reading.read_bytes.values()) / self._bytes),
                )
            )
