"""The example of docs/windows.md, "A computation of your own", added to a copy of the service."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house.python_blocks import python_blocks
from tests.service.traffic import BASE
from tests.support.groups import bury_members
from tests.support.judged import compare
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines
from tests.support.topics import read_all
from tests.support.worker import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "busy_users.py"
PAGE = ROOT / "docs" / "windows.md"
PARTITIONS = 2


def copy_with_the_example(folder: Path) -> Path:
    """The four packages as they are, and the three steps of the page."""
    for name in ("app", "agents", "models", "tables"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE, folder / "agents")
    section = PAGE.read_text().split("\n## A computation of your own\n")[1].split("\n## ")[0]
    topic, imported = (block.text for block in python_blocks(PAGE.name, section))
    name, computation = re.findall("the line `(.+?)`", section)
    put(folder / "models" / "topics.py", "TOPICS = (\n", f"{topic}\nTOPICS = (\n    {name}\n")
    users = folder / "agents" / "user_events.py"
    put(users, "    Totalling,\n)", f"    Totalling,\n    {computation}\n)")
    put(users, "from agents.partition", f"{imported}from agents.partition")
    return folder


def put(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def events() -> list[Message]:
    """A minute of 150 events of one user, 100 of another; then it is over, and one late event."""

    def event(user: str, time: float) -> Message:
        content = {"user_id": user, "action": "view", "timestamp": BASE + time}
        return keyed("user-events", user, json.dumps(content), PARTITIONS)

    busy = [event("busy", 0.4 * n) for n in range(149)] + [event("busy", 59.999)]
    calm = [event("calm", 0.5 * n) for n in range(100)]
    over = [event(user, 120) for user in ("busy", "calm")]
    return [*busy, *calm, *over, event("busy", 30)]


def test_it_is_under_thirty_lines() -> None:
    code = EXAMPLE.read_text().split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) < 30


def create_topics(house: Path, service: Service) -> None:
    create = [sys.executable, "-m", "app.cli.main", "topics", "create"]
    environment = {**os.environ, **service.environment}
    command = [*create, "--partitions", str(PARTITIONS)]
    subprocess.run(command, cwd=house, env=environment, check=True, timeout=120)


async def test_an_alert_once_when_the_window_closes(kafka: Kafka, tmp_path: Path) -> None:
    house = copy_with_the_example(tmp_path / "house")
    service = Service(kafka.bootstrap, PARTITIONS)
    await asyncio.to_thread(create_topics, house, service)
    messages = events()
    await service.send(messages[:100])
    with service.worker(tmp_path / "state", root=house) as worker:
        await service.at_rest()
        worker.kill()
    await bury_members(kafka.bootstrap, service.app_id)
    await service.send(messages[100:])
    with service.worker(tmp_path / "state", root=house) as worker:
        await service.at_rest()
        assert await worker.terminate() == 0, worker.text
    [alert] = await read_all(kafka.bootstrap, ["busy-users"], PARTITIONS)
    assert alert.key == b"busy"
    assert json.loads(alert.value or b"") == {"start": BASE * 1000, "count": 150}
    assert alert.timestamp == (BASE + 60) * 1000 - 1
    differences = await compare(service)
    assert not differences, lines(differences)
