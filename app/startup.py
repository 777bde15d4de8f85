"""What a worker checks before it joins the group: topics, their settings, its folder."""

from collections.abc import Mapping
from pathlib import Path

from app.errors import SettingError, UserError
from app.settings import Settings
from app.topic_identity import IdentityReader, TopicIdentity
from app.topics_admin import TopicDescription, describe, ensure_topic
from models.topics import CLICKS, TOPICS, Catalogue, Direction, changelog_config

_LONG_MAX = str(2**63 - 1)
# A row holds some 10 KB besides one event, which may be as large as its topic takes.
_ROW_ALLOWANCE = 64 * 1024
_SAFETY = ("min.insync.replicas", "unclean.leader.election.enable")


async def check_topics(settings: Settings, changelog: str) -> Mapping[str, TopicDescription]:
    """Check all topics, and make the changelog if it is missing; what was found, by name.

    Raises SettingError naming what to change, UserError when no broker answers.
    """
    found, partitions = await check_catalogue(settings, changelog)
    names = settings.catalogue().names()
    if changelog not in found:
        await create_changelog(settings, changelog, found)
        found = await describe(settings.cluster, [*names, changelog])
    largest = _largest(settings, found)
    if max_bytes(found[changelog]) < largest + _ROW_ALLOWANCE:
        raise SettingError(
            f"topic {changelog} has max.message.bytes={max_bytes(found[changelog])}, too little "
            f"for what the inputs may hold: set it to {largest + 4 * _ROW_ALLOWANCE}"
        )
    if found[changelog].partitions != partitions:
        raise SettingError(
            f"the state of {settings.app_id} is of {found[changelog].partitions} partitions, the "
            f"topics have {partitions}: give the topics their former number, or start over with "
            "`streamjoin groups reset-offsets`"
        )
    return found


async def check_catalogue(
    settings: Settings, changelog: str
) -> tuple[Mapping[str, TopicDescription], int]:
    """Check the catalogue's topics; what was found, and how many partitions each has.

    With the changelog, if there is one. Raises as `check_topics` does.
    """
    catalogue = settings.catalogue()
    names = catalogue.names()
    found = await describe(settings.cluster, [*names, changelog])
    missing = [name for name in names if name not in found]
    if missing:
        raise UserError(
            f"topics are missing on {settings.broker}: {', '.join(missing)}; "
            f"run `streamjoin topics create --broker {settings.broker}`"
        )
    partitions = _partitions(settings, {name: found[name] for name in names})
    for topic in TOPICS:
        if topic.direction is not Direction.INPUT:
            _check_keeps(settings, catalogue.name(topic), found[catalogue.name(topic)])
    return found, partitions


async def create_changelog(
    settings: Settings, changelog: str, found: Mapping[str, TopicDescription]
) -> None:
    """Create the changelog if it is missing; `found`: the catalogue's topics.

    With a former changelog in `found`, the new one is as safe, and takes as large records.
    """
    like, configs = settings.catalogue().name(CLICKS), changelog_config()
    largest = _largest(settings, found) + 4 * _ROW_ALLOWANCE
    if changelog in found:
        former = found[changelog]
        configs |= {name: former.configs[name] for name in _SAFETY if name in former.configs}
        largest = max(largest, max_bytes(former))
    configs["max.message.bytes"] = str(largest)
    await ensure_topic(settings.cluster, changelog, found[like].partitions, like, configs)


def _largest(settings: Settings, found: Mapping[str, TopicDescription]) -> int:
    names = settings.catalogue().names(Direction.INPUT)
    return max(max_bytes(found[name]) for name in names)


async def found_topics(
    reader: IdentityReader, checked: Mapping[str, TopicDescription]
) -> Mapping[str, TopicIdentity]:
    """Give the identities of the topics that were checked. UserError if they have just changed."""
    found = (await reader.look()).topics
    for name, topic in checked.items():
        if name not in found or found[name].partitions != topic.partitions:
            raise UserError(f"topic {name} was changed a moment ago: start the worker again")
    return found


def _partitions(settings: Settings, topics: Mapping[str, TopicDescription]) -> int:
    counts = {topic.partitions for topic in topics.values()}
    if len(counts) > 1:
        listed = ", ".join(f"{name} {topic.partitions}" for name, topic in topics.items())
        raise SettingError(
            f"all topics must have the same number of partitions: {listed}; "
            "create those that differ anew"
        )
    count = counts.pop()
    if settings.partitions is not None and settings.partitions != count:
        raise SettingError(
            f"setting partitions is {settings.partitions}, the topics have {count}: "
            "set it to that, or leave it out"
        )
    return count


def _check_keeps(settings: Settings, name: str, topic: TopicDescription) -> None:
    """Refuse an output topic that would delete or refuse records stamped with event time."""
    if topic.configs.get("message.timestamp.type") == "LogAppendTime":
        return
    for config in ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms"):
        value = topic.configs.get(config, _LONG_MAX)
        if value != _LONG_MAX:
            raise SettingError(
                f"topic {name} has {config}={value} and would refuse outputs that carry their "
                f"event time: set it to {_LONG_MAX}"
            )
    kept = int(topic.configs.get("retention.ms", "-1"))
    wanted = -1 if settings.topic_retention is None else settings.topic_retention
    deletes = "delete" in topic.configs.get("cleanup.policy", "delete")
    if deletes and kept != -1 and (wanted == -1 or kept < wanted):
        raise SettingError(
            f"topic {name} has retention.ms={kept} and would delete outputs by their event time: "
            f"set it to {wanted}, or set topic_retention (STREAMJOIN_TOPIC_RETENTION)"
        )


def max_bytes(topic: TopicDescription) -> int:
    """Give how large a batch of records the topic takes."""
    return int(topic.configs["max.message.bytes"])


def limits(
    catalogue: Catalogue, changelog: str, found: Mapping[str, TopicDescription]
) -> dict[str, int]:
    """Give `max.message.bytes` of every topic that is written."""
    written = [*catalogue.names(Direction.OUTPUT, Direction.INTERNAL), changelog]
    return {name: max_bytes(found[name]) for name in written}


def state_folder(settings: Settings) -> Path:
    """Where a worker keeps its stores, one folder a partition."""
    return settings.data_dir / settings.app_id


def check_data_dir(settings: Settings) -> None:
    """Make the worker's folder. Raises UserError where it cannot be written."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"the data folder {folder} cannot be written ({error.strerror}): name another with "
            "--data-dir (STREAMJOIN_DATA_DIR)"
        ) from error
