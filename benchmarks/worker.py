"""Streamjoin's own worker as a measured program: its topics, its environment, its readiness."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from app.broker.ports import free_port
from app.topics_admin import create_topics
from benchmarks.measure import Fleet, Worker
from models.topics import TOPICS, Catalogue, Direction, Topic


@dataclass(frozen=True)
class Deployment:
    """One run of streamjoin with a group and outputs of its own.

    `inputs` names the input topics that differ from the catalogue's names; `settings` are further
    settings by name.
    """

    app_id: str
    broker: str
    folder: Path
    web_port: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the worker's address."""
        return f"http://127.0.0.1:{self.web_port}"

    def name(self, topic: Topic) -> str:
        """Return the name that the topic has in this run."""
        if topic.direction is Direction.INPUT:
            return self.inputs.get(topic.id, topic.id)
        return f"{self.app_id}-{topic.id}"

    def catalogue(self) -> Catalogue:
        """Return the catalogue with this run's names."""
        return Catalogue(self.app_id, {topic.id: self.name(topic) for topic in _RENAMABLE})

    async def create_topics(self, partitions: int) -> None:
        """Create what is missing of its topics."""
        await create_topics(self.broker, self.catalogue(), partitions, 1)

    def given(self) -> dict[str, str]:
        """Return the settings by name, but for those that are flags."""
        names = {topic.setting: self.name(topic) for topic in _RENAMABLE}
        return {"app_id": self.app_id, **names, **self.settings}

    def environment(self) -> dict[str, str]:
        """Return the settings as environment variables."""
        return {f"STREAMJOIN_{name.upper()}": value for name, value in self.given().items()}

    def start(self) -> Worker:
        """Start the worker; everything but the names is as `streamjoin worker` has it."""
        flags = {
            "--broker": self.broker,
            "--web-port": str(self.web_port),
            "--data-dir": str(self.folder / self.app_id),
        }
        arguments = [word for pair in flags.items() for word in pair]
        argv = [sys.executable, "-m", "app.cli.main", "worker", *arguments]
        return Worker(argv, self.environment(), self.folder / f"{self.app_id}.log")

    def start_several(self, count: int) -> Fleet:
        """Start so many workers of the group, each with a folder and a port of its own."""
        members = [
            replace(self, web_port=free_port(), folder=self.folder / f"{self.app_id}-{number}")
            for number in range(count)
        ]
        for member in members:
            member.folder.mkdir()
        return Fleet([member.start() for member in members])

    async def ready(self, session: aiohttp.ClientSession) -> bool:
        """Tell whether `/readyz` answers 200."""
        try:
            async with session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


_RENAMABLE = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]
