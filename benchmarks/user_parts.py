"""The parts of the benchmark that take user events alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.broker.ports import free_port
from benchmarks.backlog import Program
from benchmarks.generate import Dataset
from benchmarks.peers.kafka_streams.app import Application
from benchmarks.report import KAFKA_STREAMS, Report
from benchmarks.users import Load, Show, load_users, loads, run_users
from benchmarks.worker import Deployment
from tests.kafka_streams.jvm import NO_JDK, Jdk

KAFKA_STREAMS_LIMIT_S = 900.0


class UserParts:
    """Each kind of load is loaded once; the programs that run on it read the same topic."""

    def __init__(
        self, broker: str, folder: Path, data: Dataset, report: Report, show: Show
    ) -> None:
        """`folder`: for logs, state and compiled files, the caller's to remove."""
        self._broker, self._folder, self._data = broker, folder, data
        self._report, self._show = report, show
        self._loaded: dict[str, Load] = {}

    async def worker(self, name: str, kind: str) -> None:
        """Run the worker on one kind of load: every computation over user events."""
        load = await self._load(kind)
        app_id = f"users-{kind}"
        inputs = {topic: f"{app_id}-{topic}" for topic in ("clicks", "purchases")}
        inputs["user-events"] = load.topic
        deployment = Deployment(app_id, self._broker, self._folder, free_port(), inputs, {})
        await deployment.create_topics(self._data.shape.partitions)
        program = Program(name, deployment.start, app_id)
        changelog = f"{app_id}-state-changelog"
        result = await run_users(self._broker, program, load, self._show, changelog)
        self._report.users.append(result)

    async def kafka_streams(self) -> None:
        """Run Kafka Streams on the usual load, where a JDK is; the report says so if none is."""
        if (jdk := Jdk.find()) is None:
            self._report.skipped.append(f"{KAFKA_STREAMS}: not run: {NO_JDK}")
            return
        load = await self._load("usual")
        peer = Application(jdk, self._broker, load.topic, self._folder / "kafka-streams")
        await peer.create_topics(self._data.shape.partitions)
        program = Program(KAFKA_STREAMS, peer.start, peer.app_id, limit_s=KAFKA_STREAMS_LIMIT_S)
        result = await run_users(self._broker, program, load, self._show)
        records, size = peer.changelog_volume()
        events = result.events
        result = replace(result, changelog_records=records / events, changelog_bytes=size / events)
        self._report.users.append(result)

    async def _load(self, kind: str) -> Load:
        if kind not in self._loaded:
            partitions = self._data.shape.partitions
            records = loads(self._data)[kind]()
            self._loaded[kind] = await load_users(
                self._broker, f"users-{kind}-events", records, partitions, self._show
            )
        return self._loaded[kind]
