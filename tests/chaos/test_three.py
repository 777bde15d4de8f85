"""Three brokers behind proxies: what workers and brokers say to each other can be held and cut."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer

from tests.chaos.brokers import ProxiedThree
from tests.chaos.copies import elect_preferred, in_sync, leaders, moved, unpreferred
from tests.chaos.partition import Sides
from tests.chaos.proxy import Action, Api, Rule, Way
from tests.support.admin import create_topic
from tests.support.three_brokers import NODES
from tests.support.topics import read_all, settled, until

LONG = 60.0


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedThree]:
    with ProxiedThree(tmp_path_factory.mktemp("three")) as three:
        yield three


async def commit(bootstrap: str, topic: str, value: bytes = b"value") -> None:
    """A transaction of one record in each partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic)
    async with asyncio.timeout(LONG), producer, producer.transaction():
        for partition in range(3):
            await producer.send_and_wait(topic, value, partition=partition)


async def test_markers_come_late(three: ProxiedThree) -> None:
    await create_topic(three.direct, "late", 3, copies=3)
    rule = three.between.add(Rule(Api.WRITE_TXN_MARKERS, Action.HOLD_REQUEST, seconds=LONG))
    await commit(three.proxied, "late")
    await rule.struck()
    assert not await settled(three.direct, ["late"], 3)
    rule.release()

    async def marked() -> bool:
        return await settled(three.direct, ["late"], 3)

    await until(marked, LONG, "marked")


async def test_leaders_move_when_one_is_away_and_back_by_election(three: ProxiedThree) -> None:
    await create_topic(three.direct, "led", 3, copies=3)
    assert await in_sync(three)
    led = [place for place, node in (await leaders(three, 1)).items() if node == 1]
    assert led
    await asyncio.to_thread(three.stop, 1)
    assert await moved(three, 1, led)
    assert not three.was_away(LONG), "one of three is no excuse"
    await asyncio.to_thread(three.start, 1)
    assert await in_sync(three)
    assert set(led) <= (await unpreferred(three)).keys()
    await elect_preferred(three)

    async def preferred() -> bool:
        return not await unpreferred(three)

    await until(preferred, LONG, "led by the preferred ones")


async def test_a_node_that_is_cut_off_is_left_behind_and_comes_back(three: ProxiedThree) -> None:
    await create_topic(three.direct, "cut", 3, copies=3)
    assert await in_sync(three)
    led = [place for place, node in (await leaders(three, 2)).items() if node == 2]
    inside = {three.pid(node): node == 2 for node in NODES} | {os.getpid(): False}
    sides = Sides(inside, 2)
    three.between.sever(sides.apart)
    three.proxy.sever(sides.apart)
    assert await moved(three, 2, led)
    assert {way.node for way in sides.crossed} == set(NODES), "not cut off both ways"
    three.between.sever(None)
    three.proxy.sever(None)
    assert await in_sync(three)
    await commit(three.proxied, "cut")
    assert len(await read_all(three.direct, ["cut"], 3)) == 3


async def test_a_slow_link_lets_so_many_bytes_a_second_through(three: ProxiedThree) -> None:
    await create_topic(three.direct, "slow", 3, copies=3)
    before = three.proxy.waited
    three.proxy.slow(200_000)
    try:
        await commit(three.proxied, "slow", os.urandom(100_000))
    finally:
        three.proxy.slow(0)
    assert three.proxy.waited - before >= 3 * 100_000 / 200_000


CONNECT = """
import socket, sys
own, to = map(int, sys.argv[1:])
with socket.socket() as client:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("127.0.0.1", own))
    client.connect(("127.0.0.1", to))
    print("there", flush=True)
    sys.stdin.read()
"""


def test_two_processes_with_the_same_port_are_told_apart() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("127.0.0.1", 0))
        client.connect(one.getsockname())
        own, to = client.getsockname()[1], other.getsockname()[1]
        command = [sys.executable, "-c", CONNECT, str(own), str(to)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            sides = Sides({os.getpid(): True, process.pid: False}, 1)
            assert not sides.apart(Way(own, one.getsockname()[1], 1))
            assert sides.apart(Way(own, to, 1))
            process.communicate("")


def test_who_is_not_known_is_on_no_side() -> None:
    sides = Sides({os.getpid(): True}, 1)
    assert not sides.apart(Way(1, 2, 1))
    assert not sides.apart(Way(1, 2, 2))
    assert sides.crossed == set()
