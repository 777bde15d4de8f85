"""What topics are on the broker, what they are to the service, and their deletion."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.cluster import Broker
from app.errors import UserError
from app.groups.admin import delete_topic, members
from app.groups.plan import ends
from app.letters.ledger import ledger_topic
from app.settings import Settings
from app.topics_admin import admin_client
from models.topic_configs import STAMP_LIMITS, changelog_config

_SET_ON_TOPIC = 1
"""Kafka's ConfigSource DYNAMIC_TOPIC_CONFIG: given to this topic, not a default."""
KAFKAS_OWN = "kafka"


class Partition(NamedTuple):
    """`leader`: a broker's id, -1 for none; `in_sync`: replicas that have all that is committed."""

    number: int
    leader: int
    replicas: Sequence[int]
    in_sync: Sequence[int]


class TopicState(NamedTuple):
    """A topic as the broker has it. `role`: see `roles`, "" for another's, KAFKAS_OWN."""

    name: str
    role: str
    partitions: Sequence[Partition]

    @property
    def replication(self) -> int:
        """The fewest copies that a partition has."""
        return min((len(partition.replicas) for partition in self.partitions), default=0)

    @property
    def lacking(self) -> int:
        """Partitions of which a copy is behind or missing."""
        return sum(len(p.in_sync) < len(p.replicas) for p in self.partitions)


class TopicDetails(NamedTuple):
    """`first`, `end`: offsets by partition, `end` the last stable one.

    `configs`: settings given to this topic; `effective`: all of them.
    """

    state: TopicState
    first: Mapping[int, int]
    end: Mapping[int, int]
    configs: Mapping[str, str]
    effective: Mapping[str, str]

    @property
    def records(self) -> int:
        """About how many there are: offsets of transactions' ends count too."""
        return sum(self.end.values()) - sum(self.first.values())


def roles(settings: Settings, changelog: str) -> dict[str, str]:
    """Say what each of the service's topics is, by actual name.

    in, out, internal; changelog; ledger: what `dead-letters replay` writes down.
    """
    catalogue = settings.catalogue()
    found = {name: str(catalogue.topic(name).direction) for name in catalogue.names()}
    return {**found, changelog: "changelog", ledger_topic(settings): "ledger"}


async def topic_states(broker: Broker, known: Mapping[str, str]) -> dict[str, TopicState]:
    """Ask for all topics, by name. Raises UserError when no broker answers."""
    async with admin_client(broker) as admin:
        answer = await admin.describe_topics()
    return {found["topic"]: _state(found, known) for found in answer}


def _state(found: Mapping[str, Any], known: Mapping[str, str]) -> TopicState:
    partitions = sorted(
        Partition(part["partition"], part["leader"], part["replicas"], part["isr"])
        for part in found["partitions"]
    )
    name = found["topic"]
    role = KAFKAS_OWN if found["is_internal"] else known.get(name, "")
    return TopicState(name, role, partitions)


async def topic_details(
    settings: Settings, known: Mapping[str, str], names: Sequence[str]
) -> list[TopicDetails]:
    """Describe these topics. Raises UserError: one does not exist, or no broker answers."""
    states = await existing(settings, known, names)
    async with admin_client(settings.cluster) as admin:
        configs = await topic_configs(admin, names)
    places = [
        TopicPartition(state.name, partition.number)
        for state in states
        for partition in state.partitions
    ]
    first, end = await ends(settings, places, first=True), await ends(settings, places)
    return [
        TopicDetails(
            state,
            {tp.partition: offset for tp, offset in first.items() if tp.topic == state.name},
            {tp.partition: offset for tp, offset in end.items() if tp.topic == state.name},
            {name: value for name, (value, own) in configs[state.name].items() if own},
            {name: value for name, (value, _) in configs[state.name].items()},
        )
        for state in states
    ]


async def existing(
    settings: Settings, known: Mapping[str, str], names: Sequence[str]
) -> list[TopicState]:
    """Give these topics' states, in this order. Raises UserError if one does not exist."""
    found = await topic_states(settings.cluster, known)
    missing = [name for name in names if name not in found]
    if missing:
        raise UserError(
            f"topic {missing[0]} does not exist at {settings.cluster}; see streamjoin topics list"
        )
    return [found[name] for name in names]


async def topic_configs(
    admin: Any,  # noqa: ANN401 (aiokafka is untyped)
    names: Sequence[str],
) -> dict[str, dict[str, tuple[str, bool]]]:
    """Give each topic's settings: value, and whether it was given to the topic itself."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for answer in await admin.describe_configs(resources) if resources else []:
        for code, message, _, name, entries in answer.resources:
            if code:
                raise UserError(f"cannot read the settings of topic {name}: {message}")
            found[name] = {e[0]: (e[1] or "", e[3] == _SET_ON_TOPIC) for e in entries}
    return found


def differences(
    settings: Settings, role: str, name: str, effective: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Settings that `topics create` would give otherwise (contract 2): (is, would be), by name."""
    if role == "changelog":
        wanted = changelog_config()
    elif role in ("in", "out", "internal"):
        catalogue = settings.catalogue()
        known = [limit for limit in STAMP_LIMITS if limit in effective]
        wanted = catalogue.topic_configs(catalogue.topic(name), stamp_limits=known)
    else:
        return {}
    return {
        config: (effective.get(config, ""), value)
        for config, value in wanted.items()
        if effective.get(config, "") != value
    }


async def refuse_deletion(settings: Settings, states: Sequence[TopicState]) -> None:
    """Raise UserError for Kafka's own topics, and for the service's while a worker runs."""
    for state in states:
        if state.role == KAFKAS_OWN:
            raise UserError(f"topic {state.name} is Kafka's own: it is not deleted")
    ours = [state.name for state in states if state.role]
    if ours and (found := await members(settings.cluster, settings.app_id)):
        raise UserError(
            f"topic {ours[0]} is in use: group {settings.app_id} has {len(found)} members; stop "
            "all workers first"
        )


async def delete_topics(broker: Broker, states: Sequence[TopicState]) -> None:
    """Delete them, each until the broker no longer knows it. Raises UserError."""
    for state in states:
        await delete_topic(broker, state.name)
