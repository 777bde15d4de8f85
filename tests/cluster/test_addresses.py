"""How brokers' addresses are read, and that an IPv6 literal is one everywhere."""

from pathlib import Path

import pytest

from app.broker import EmbeddedBroker
from app.broker.ports import free_port
from app.cluster.addresses import AddressError, parse_addresses
from app.errors import SettingError
from app.settings import load_settings
from tests.support.command import streamjoin
from tests.support.ports import held_port
from tests.support.service import Service, keyed
from tests.support.topics import committed, until


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("h:1", ["h:1"]),
        ("h:1, i:65535,", ["h:1", "i:65535"]),
        ("[::1]:9092", ["[::1]:9092"]),
        (" [fe80::1%lo]:1 ", ["[fe80::1%lo]:1"]),
    ],
)
def test_what_is_an_address(text: str, read: list[str]) -> None:
    assert [str(address) for address in parse_addresses(text)] == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("h:99999", "h:99999 has port 99999: ports are 1 to 65535"),
        ("h:0", "h:0 has port 0"),
        ("h", "h is no address: must be HOST:PORT"),
        ("", "an address is empty"),
        ("h:1,,i:2", "an address is empty"),
        ("::1:9092", "stands in brackets, as in"),
        ("[h]:1", "only an IPv6 address stands in brackets"),
        ("http://h:1", "http://h:1 is no address"),
        ("user@h:1", "user@h:1 is no address"),
    ],
)
def test_what_is_none(text: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_addresses(text)
    assert said in str(caught.value)
    with pytest.raises(SettingError) as refused:
        load_settings(broker=text)
    assert str(refused.value) == f"setting broker: {caught.value}"


@pytest.mark.parametrize("port", ["99999", "0", "x"])
def test_a_port_of_a_url_that_is_none(port: str) -> None:
    with pytest.raises(SettingError, match="advertised_url must be http://HOST:PORT"):
        load_settings(advertised_url=f"http://h:{port}")


@pytest.mark.parametrize(
    "command", [("lag",), ("topics", "list"), ("export", "clicks"), ("worker",), ("check",)]
)
def test_a_command_says_so_in_one_line(command: tuple[str, ...]) -> None:
    done = streamjoin({}, *command, "--broker", "127.0.0.1:99999")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "127.0.0.1:99999 has port 99999" in line


async def test_all_of_it_works_with_an_ipv6_literal(tmp_path: Path) -> None:
    with held_port() as port, held_port() as controller:
        six = f"[::1]:{free_port()}"
        listeners = f"PLAINTEXT://127.0.0.1:{port},SIX://{six}"
        properties = {
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listener.security.protocol.map": (
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SIX:PLAINTEXT"
            ),
        }
        broker = EmbeddedBroker(tmp_path / "broker", port, properties=properties)
        broker.start()
        try:
            service = await Service(six, 2).create()
            await service.send([keyed("clicks", "u", '{"user_id": "u"}', 2)])

            async def done() -> bool:
                return 1 in (await committed(six, service.app_id)).values()

            with service.worker(tmp_path / "worker") as worker:
                await until(done, 240, "committed")
                assert await worker.terminate() == 0
            listed = streamjoin(service.environment, "lag")
            assert listed.returncode == 0, listed.stderr
        finally:
            broker.stop()
