"""A worker whose state is damaged, while it is stopped and while it runs: the end is exact."""

import shutil
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Model
from tests.service.traffic import traffic
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, lines
from tests.support.topics import until
from tests.support.worker import Worker

PARTITIONS = 4
PIECE = 600
SECONDS = 120.0
"""No wait is expected to come near it."""
Damage = Callable[[Path], None]


def flip(path: Path, step: int = 997) -> None:
    """Damage every block of a file, in place: who has it open sees it too."""
    data = bytearray(path.read_bytes())
    for at in range(min(300, len(data) - 1), len(data), step):
        data[at] ^= 0xFF
    with path.open("r+b") as opened:
        opened.write(data)


def tables(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.sst"))
    assert found, f"nothing was written to {folder}"
    return found


def deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def manifest_cut(folder: Path) -> None:
    path = next(folder.glob("MANIFEST-*"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def manifest_flipped(folder: Path) -> None:
    flip(next(folder.glob("MANIFEST-*")), 50)


def table_gone(folder: Path) -> None:
    tables(folder)[-1].unlink()


def tables_flipped(folder: Path) -> None:
    for path in tables(folder):
        flip(path)


def options_gone(folder: Path) -> None:
    for path in folder.glob("OPTIONS-*"):
        path.unlink()


def replaced(by: Path) -> Damage:
    def damage(folder: Path) -> None:
        shutil.rmtree(folder)
        shutil.copytree(by, folder)

    return damage


async def exact(service: Service) -> None:
    inputs, outputs = await service.inputs(), await service.outputs()
    expected = Model(inputs, service.oracle, enriched=outputs).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)


async def rests(service: Service, worker: Worker) -> None:
    await service.at_rest(SECONDS)
    assert await worker.terminate(SECONDS) == 0, worker.text


async def test_damaged_while_it_is_stopped(kafka: Kafka, tmp_path: Path) -> None:
    service = await Service(kafka.bootstrap, PARTITIONS).create()
    messages = list(traffic(71, PIECE * 4, PARTITIONS))
    stores = tmp_path / service.app_id

    async def next_piece() -> str:
        await service.send(messages[:PIECE])
        del messages[:PIECE]
        with service.worker(tmp_path) as worker:
            await rests(service, worker)
            return worker.text

    def damage(*damages: Damage) -> None:
        for number, harm in enumerate(damages):
            harm(stores / f"partition-{number}")

    await next_piece()
    old = tmp_path / "old"
    shutil.copytree(stores, old)
    damage(deleted, manifest_cut, table_gone, replaced(old / "partition-2"))
    text = await next_piece()
    assert "partition-2 is damaged" in text
    assert "is of partition 2: it is dropped and rebuilt" in text
    damage(replaced(old / "partition-0"), manifest_flipped, options_gone, tables_flipped)
    text = await next_piece()
    assert "partition-1 is damaged" in text
    assert "partition-3 is damaged" in text
    assert "partition-0" not in text  # An older copy is caught up, without a word.
    text = await next_piece()
    assert "damaged" not in text
    await exact(service)


async def stops(service: Service, worker: Worker, messages: list[Message]) -> str:
    """Write some of them at a time until the worker has stopped; the line with its reason."""

    async def ended() -> bool:
        await service.send(messages[:20])
        del messages[:20]
        return worker.process.poll() is not None

    await until(ended, SECONDS, "stopped", 0.5)
    assert await worker.status() == 1, worker.text
    assert worker.reason.startswith("streamjoin: the state in ")
    assert "another folder with --data-dir" in worker.reason
    return worker.reason


async def test_full_disk(kafka: Kafka, tmp_path: Path) -> None:
    """Stops loudly at the first file that cannot be written; with space again all is right."""
    service = await Service(kafka.bootstrap, 2).create()
    messages = list(traffic(73, PIECE * 8, 2))
    with service.worker(tmp_path, module="tests.service.full_disk_worker") as worker:
        await stops(service, worker, messages)
    await service.send(messages)
    with service.worker(tmp_path) as worker:
        await rests(service, worker)
    await exact(service)


async def test_read_only_folder(kafka: Kafka, tmp_path: Path) -> None:
    """Stops loudly, and so does one that starts there; writable again, all is right."""
    service = await Service(kafka.bootstrap, 2).create()
    messages = list(traffic(74, PIECE * 8, 2))
    await service.send(messages[:PIECE])
    del messages[:PIECE]
    module, wanted = "tests.service.flushing_worker", "permission denied: make it writable"
    with service.worker(tmp_path, module=module) as worker:
        await service.at_rest(SECONDS)
        stores = tmp_path / service.app_id
        folders = [stores, *stores.glob("partition-*")]
        for folder in folders:
            folder.chmod(0o500)
        assert wanted in await stops(service, worker, messages)
    with service.worker(tmp_path, module=module) as worker:
        assert wanted in await stops(service, worker, messages)
    for folder in folders:
        folder.chmod(0o700)
    await service.send(messages)
    with service.worker(tmp_path) as worker:
        await rests(service, worker)
    await exact(service)


async def totals(session: aiohttp.ClientSession, worker: Worker) -> dict[str, tuple[int, object]]:
    """Status and contents of a view, by user."""
    found: dict[str, tuple[int, object]] = {}
    for number in range(1, 60):
        async with session.get(f"{worker.url}/v1/users/u{number}/totals") as answer:
            body = await answer.json(content_type=None)
            found[f"u{number}"] = (answer.status, {k: body.get(k) for k in ("actions", "revenue")})
    return found


async def ready(session: aiohttp.ClientSession, worker: Worker) -> None:
    async def is_ready() -> bool:
        try:
            async with session.get(f"{worker.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    await until(is_ready, SECONDS, "ready")


async def test_damaged_while_it_runs(kafka: Kafka, tmp_path: Path) -> None:
    """Views refuse, records are done again, none is taken for a bad one."""
    service = await Service(kafka.bootstrap, PARTITIONS, {"max_attempts": "1"}).create()
    messages: list[Message] = list(traffic(72, PIECE * 3, PARTITIONS))
    await service.send(messages[:PIECE])
    async with aiohttp.ClientSession() as session:
        with service.worker(tmp_path) as worker:
            await service.at_rest(SECONDS)
            right = await totals(session, worker)
            assert await worker.terminate(SECONDS) == 0, worker.text
        with service.worker(tmp_path) as worker:
            await ready(session, worker)
            for number in range(PARTITIONS):
                tables_flipped(tmp_path / service.app_id / f"partition-{number}")
            await asks_in_vain(session, worker, right)
            await ready(session, worker)
            await service.send(messages[PIECE : 2 * PIECE])
            await service.at_rest(SECONDS)
            assert "acquiring it again" in worker.text
            assert "is set aside" in worker.text
            assert await worker.terminate(SECONDS) == 0, worker.text
        await in_a_handler(service, tmp_path, session, messages[2 * PIECE :])
    await exact(service)


async def asks_in_vain(
    session: aiohttp.ClientSession, worker: Worker, right: dict[str, tuple[int, object]]
) -> None:
    """Ask for everybody until all is rebuilt: what is answered is right, and some is refused."""
    refused: set[str] = set()

    async def all_answered() -> bool:
        found = await totals(session, worker)
        assert {status for status, _ in found.values()} <= {200, 503}
        assert all(answer == right[user] for user, answer in found.items() if answer[0] == 200)
        refused.update(user for user, (status, _) in found.items() if status == 503)
        return bool(refused) and found == right

    await until(all_answered, SECONDS, "answered again after a refusal")


async def in_a_handler(
    service: Service, tmp_path: Path, session: aiohttp.ClientSession, messages: list[Message]
) -> None:
    """The first to read what is damaged is an agent in the middle of a batch."""
    with service.worker(tmp_path) as worker:  # What nobody has read yet is found, and written anew.
        await ready(session, worker)
        assert await worker.terminate(SECONDS) == 0, worker.text
    with service.worker(tmp_path) as worker:
        await ready(session, worker)
        for number in range(PARTITIONS):
            tables_flipped(tmp_path / service.app_id / f"partition-{number}")
        await service.send(messages)
        await rests(service, worker)
        assert "acquiring it again" in worker.text
    assert all(
        dict(record.headers)["error.type"] != b"handler"
        for record in await service.output("dead-letters")
    )
