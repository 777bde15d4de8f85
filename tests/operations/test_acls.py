"""The ACLs that `streamjoin check` prints are enough for a worker, and are needed."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka.protocol.admin import CreateAclsRequest

from app.broker import EmbeddedBroker
from app.factory import changelog_topic
from app.operations.acls import Acl, Operation, service_acls
from app.topics_admin import create_topics
from tests.operations.running import ran
from tests.operations.test_check import texts, verdicts
from tests.service.traffic import traffic
from tests.support.admin import admin_of
from tests.support.ports import held_port
from tests.support.service import Service

USER, PASSWORD = "shop", "canary-acl-password-2718"
_PLAIN = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
)
_TYPES = {"topic": 2, "group": 3, "transactional-id": 5}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3
"""Codes of Kafka's ResourceType, PatternType and AclPermissionType."""


class Guarded:
    """A broker that allows nothing but what ACLs say, except over its own listener, `open`."""

    def __init__(self, open_at: str, guarded_at: str) -> None:
        self.open, self.guarded = open_at, guarded_at

    def service(self) -> Service:
        """A service that comes in as the user."""
        settings = {
            "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN",
            "sasl_username": USER, "sasl_password": PASSWORD,
        }  # fmt: skip
        return Service(self.guarded, 2, settings)

    async def grant(self, acls: list[Acl]) -> None:
        async with admin_of(self.open) as admin:
            for acl in acls:
                pattern = _PREFIXED if acl.prefixed else _LITERAL
                for name in acl.names:
                    for operation in acl.operations:
                        request = CreateAclsRequest(
                            _TYPES[acl.kind], name, pattern, f"User:{USER}", "*", operation, _ALLOW
                        )
                        [(code, message)] = (await admin._send_request(request)).creation_responses
                        assert code == 0, message


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    names = ("PLAINTEXT", "CONTROLLER", "GUARDED")
    with ExitStack() as stack:
        ports = {name: stack.enter_context(held_port()) for name in names}
        at = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
        properties = {
            "listeners": ",".join(at.values()),
            "advertised.listeners": f"{at['PLAINTEXT']},{at['GUARDED']}",
            "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
            "listener.security.protocol.map":
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.guarded.plain.sasl.jaas.config": _PLAIN,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }  # fmt: skip
        folder = tmp_path_factory.mktemp("guarded") / "broker"
        broker = EmbeddedBroker(folder, ports["PLAINTEXT"], properties=properties)
        stack.callback(broker.stop)
        broker.start()
        yield Guarded(*(f"127.0.0.1:{ports[name]}" for name in ("PLAINTEXT", "GUARDED")))


async def test_with_the_acls_that_are_printed_a_worker_works(
    guarded: Guarded, tmp_path: Path
) -> None:
    service = guarded.service()
    await create_topics(guarded.open, service.catalogue, 2, 1)
    before = await ran(service, "check", "--json")
    assert before.status == 1
    assert verdicts(before)["rights"] == {"wrong"}
    assert f"{USER} sees no topic {service.names['clicks']}" in texts(before, "wrong")
    assert f"{USER} may not Read, Describe group {service.app_id}: see" in texts(before, "wrong")
    acls = service_acls(service.loaded(), changelog_topic(service.loaded()))
    await guarded.grant(acls)
    granted = await ran(service, "check", "--json")
    assert granted.status == 0, granted
    assert verdicts(granted)["rights"] == {"ok"}
    assert verdicts(granted)["clock"] == {"ok"}
    assert PASSWORD not in before.out + before.err + granted.out + granted.err

    opened = Service(guarded.open, 2, app_id=service.app_id)
    await opened.send(traffic(71, 300, 2))
    with service.worker(tmp_path) as worker:
        await opened.at_rest(120)
        assert await worker.terminate(60) == 0, worker.text
        assert PASSWORD not in worker.text
    assert len(await opened.outputs()) > 100


async def test_a_lacking_right_is_named(guarded: Guarded) -> None:
    service = guarded.service()
    await create_topics(guarded.open, service.catalogue, 2, 1)
    purchases, dead = service.names["purchases"], service.names["dead-letters"]
    acls = service_acls(service.loaded(), changelog_topic(service.loaded()))
    cut = [
        acl._replace(names=[name for name in acl.names if name not in (purchases, dead)])
        for acl in acls
    ]
    look = Operation.DESCRIBE_CONFIGS
    kept = [  # Each the other way round: enough to see the topic.
        Acl("topic", [purchases], (Operation.WRITE, look)),
        Acl("topic", [dead], (Operation.READ, look)),
    ]
    await guarded.grant(cut + kept)
    got = await ran(service, "check", "--json")
    assert got.status == 1
    assert f"{USER} may not Read topic {purchases}" in texts(got, "wrong")
    assert f"{USER} may not Write topic {dead}" in texts(got, "wrong")


async def test_a_group_that_may_only_be_looked_at_is_named(guarded: Guarded) -> None:
    service = guarded.service()
    await create_topics(guarded.open, service.catalogue, 2, 1)
    acls = service_acls(service.loaded(), changelog_topic(service.loaded()))
    topics = [acl for acl in acls if acl.kind != "group"]
    await guarded.grant([*topics, Acl("group", [service.app_id], (Operation.DESCRIBE,))])
    got = await ran(service, "check", "--json")
    assert got.status == 1
    assert texts(got, "wrong") == f"{USER} may not Read group {service.app_id}: see the ACLs"
