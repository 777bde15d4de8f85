"""Creates the catalogue's topics and describes topics, through Kafka's admin protocol."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from app.cluster import Broker, Cluster, cannot_connect
from app.errors import UserError
from app.stamp_limits import known_limits, limited_topics
from models.topic_configs import STAMP_LIMITS_OF_4, safety_config
from models.topics import Catalogue, Direction

DEFAULT_PARTITIONS: Final = 8
"""Partitions of each topic where the setting says nothing (contract 2)."""
SIZE: Final = "max.message.bytes"
"""The setting of a topic that says how large a batch of records it takes."""
_BROKERS_SIZE: Final = "message.max.bytes"
_KAFKAS_SIZE: Final = 1_048_588
_POLL: Final = 0.05
# So many answers one after the other, each as late as it may be, are the most that is waited for.
_QUESTIONS: Final = 3


class CreateResult(NamedTuple):
    """Names of topics `created` and of those that were there.

    `differing`: the number of partitions of those there that have another one than asked for.
    `unprotected`: those created on brokers that know none of `STAMP_LIMITS`.
    """

    created: list[str]
    existing: list[str]
    differing: dict[str, int]
    unprotected: list[str]


class TopicDescription(NamedTuple):
    """A topic as the broker has it: number of partitions, and its effective configuration."""

    partitions: int
    configs: dict[str, str]


async def create_topics(
    bootstrap: Broker,
    catalogue: Catalogue,
    partitions: int,
    replication_factor: int,
    names: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
) -> CreateResult:
    """Create topics that are missing, the catalogue's with contract 2's settings.

    `names`: which, all of the catalogue by default; others may be among them. `given`: settings
    for each of them, in place of contract 2's, but for a `max.message.bytes` that would be too
    little for the inputs' records with the headers added. With three copies or more, a record is
    acknowledged when two have it, and no copy that is behind becomes the leader.

    Topics that exist are left as they are. Returns when each new one has its leaders. Raises
    `UserError` when no broker answers or it refuses a topic, with its reason.
    """
    wanted = list(dict.fromkeys(names or catalogue.names()))
    async with admin_client(bootstrap) as admin:
        there = await _partition_counts(admin)
        lacking = [name for name in wanted if name not in there]
        wanted_configs = {**safety_config(replication_factor), **(given or {})}
        limits = await known_limits(admin, limited_topics(catalogue, lacking), replication_factor)
        configs = await _settings(admin, catalogue, lacking, wanted_configs, limits)
        missing = [
            NewTopic(name, partitions, replication_factor, topic_configs=configs[name])
            for name in lacking
        ]
        created = await _create(admin, missing) if missing else []
        there = await _settled(admin, lacking)
    existing = [name for name in wanted if name not in created]
    differing = {name: there[name] for name in existing if there[name] != partitions}
    unprotected = [] if limits else limited_topics(catalogue, created)
    return CreateResult(created, existing, differing, unprotected)


async def describe(bootstrap: Broker, names: Iterable[str]) -> dict[str, TopicDescription]:
    """Describe those of the named topics that exist. Raises `UserError` when no broker answers."""
    async with admin_client(bootstrap) as admin:
        there = await _partition_counts(admin)
        wanted = [name for name in names if name in there]
        configs = await _configs(admin, wanted) if wanted else {}
    return {name: TopicDescription(there[name], configs[name]) for name in wanted}


async def sizes_for_sources(
    bootstrap: Broker, catalogue: Catalogue, names: Iterable[str]
) -> dict[str, int]:
    """Give the `max.message.bytes` for those of these topics that hold what inputs hold.

    Raises `UserError` when no broker answers, or it does not tell an input's.
    """
    async with admin_client(bootstrap) as admin:
        configs = await _settings(admin, catalogue, list(names), {})
    return {name: int(given[SIZE]) for name, given in configs.items() if SIZE in given}


async def _settings(
    admin: Any,  # noqa: ANN401 (aiokafka is untyped)
    catalogue: Catalogue,
    wanted: Sequence[str],
    given: Mapping[str, str],
    limits: Sequence[str] = STAMP_LIMITS_OF_4,
) -> dict[str, dict[str, str]]:
    """Give what each topic is to be created with, by name, on brokers that know these `limits`."""
    ours = {name: catalogue.topic(name) for name in catalogue.names() if name in wanted}
    largest = None
    if any(topic.holds_sources for topic in ours.values()):
        largest = await _largest_input(admin, catalogue, wanted, given.get(SIZE))
    found: dict[str, dict[str, str]] = {}
    for name in wanted:
        own = catalogue.topic_configs(ours[name], largest, limits) if name in ours else {}
        found[name] = {**own, **given}
        if SIZE in own and SIZE in given:
            found[name][SIZE] = str(max(int(own[SIZE]), int(given[SIZE])))
    return found


async def _largest_input(
    admin: Any,  # noqa: ANN401
    catalogue: Catalogue,
    wanted: Sequence[str],
    given: str | None,
) -> int:
    """Give the inputs' largest `max.message.bytes`: as they are, or as they are to be created."""
    there, names = await _partition_counts(admin), catalogue.names(Direction.INPUT)
    existing = [name for name in names if name in there]
    configs = await _configs(admin, existing) if existing else {}
    sizes = [int(found[SIZE]) for found in configs.values()]
    missing = set(names) - set(existing)
    if given is not None and not missing.isdisjoint(wanted):
        sizes.append(int(given))
        missing -= set(wanted)
    if missing:
        sizes.append(await _brokers_size(admin))
    return max(sizes)


async def _brokers_size(admin: Any) -> int:  # noqa: ANN401
    """Give what a new topic takes: the brokers' setting, Kafka's own where they do not tell it."""
    cluster = await admin.describe_cluster()
    resources = [
        ConfigResource(ConfigResourceType.BROKER, str(broker["node_id"]), {_BROKERS_SIZE: ""})
        for broker in cluster["brokers"]
    ]
    answers = await admin.describe_configs(resources)
    sizes = [
        int(value)
        for answer in answers
        for *_, entries in answer.resources
        for _, value, *_ in entries
    ]
    return max(sizes, default=_KAFKAS_SIZE)


@asynccontextmanager
async def admin_client(bootstrap: Broker) -> AsyncIterator[Any]:
    """Yield a connected admin client; its errors, and silence, become one line."""
    cluster = Cluster.of(bootstrap)
    client = AIOKafkaAdminClient(
        **cluster.arguments(), request_timeout_ms=round(cluster.question_timeout * 1000)
    )
    try:
        try:
            async with asyncio.timeout(cluster.question_timeout):
                await client.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise UserError(await cannot_connect(bootstrap)) from error
        try:
            async with asyncio.timeout(_QUESTIONS * cluster.question_timeout):
                yield client
        except (KafkaError, OSError, TimeoutError) as error:
            raise UserError(
                f"the broker at {bootstrap} did not answer about topics: "
                f"{type(error).__name__}: {error}"
            ) from error
    finally:
        await client.close()


async def _partition_counts(admin: Any) -> dict[str, int]:  # noqa: ANN401 (aiokafka is untyped)
    """Return the number of partitions by topic; topics without all their leaders are left out."""
    return {
        found["topic"]: len(found["partitions"])
        for found in await admin.describe_topics()
        if found["partitions"] and all(part["leader"] >= 0 for part in found["partitions"])
    }


async def _create(admin: Any, topics: list[Any]) -> list[str]:  # noqa: ANN401
    answer = await admin.create_topics(topics)
    created, refused = [], []
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if not code:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            refused.append(f"{name}: {message or error.__name__}")
    if refused:
        raise UserError("the broker refused to create " + "; ".join(refused))
    return created


async def _settled(admin: Any, names: list[str]) -> dict[str, int]:  # noqa: ANN401
    """Wait, bounded by the caller, until new topics are known with their leaders."""
    while True:
        there = await _partition_counts(admin)
        if all(name in there for name in names):
            return there
        await asyncio.sleep(_POLL)


async def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:  # noqa: ANN401
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for code, message, _, name, entries in answer.resources:
            if code:
                raise UserError(f"cannot read the settings of topic {name}: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


async def ensure_topic(
    bootstrap: Broker, name: str, partitions: int, like: str, configs: dict[str, str]
) -> None:
    """Create a topic of the service's own if it is missing, replicated as the topic `like` is.

    Raises `UserError` when no broker answers, or it refuses.
    """
    async with admin_client(bootstrap) as admin:
        found = {topic["topic"]: topic for topic in await admin.describe_topics()}
        if name in found:
            return
        replication = len(found[like]["partitions"][0]["replicas"])
        topic = NewTopic(name, partitions, replication, topic_configs=configs)
        await _create(admin, [topic])
        await _settled(admin, [name])
