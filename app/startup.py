"""What a worker checks before it joins the group: topics, their settings, its folder."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.errors import SettingError, UserError
from app.settings import Settings
from app.stamp_limits import refusing, unprotected
from app.stamps import producers_stamps
from app.topic_identity import IdentityReader, TopicIdentity
from app.topics_admin import SIZE, TopicDescription, describe, ensure_topic
from models.topic_configs import LONG_MAX, SAFE_COPIES, changelog_config, safety_config
from models.topics import (
    CLICKS,
    HEADERS_ALLOWANCE,
    TOPICS,
    Catalogue,
    Direction,
    Topic,
)

log = logging.getLogger(__name__)
# A row holds some 10 KB besides one event, which may be as large as its topic takes.
_ROW_ALLOWANCE = 64 * 1024
_SAFETY = safety_config(SAFE_COPIES).keys()


async def check_topics(settings: Settings, changelog: str) -> Mapping[str, TopicDescription]:
    """Check all topics, and make the changelog if it is missing; what was found, by name.

    What is no reason to refuse, but loses something, is a warning in the log. Raises SettingError
    naming what to change, UserError when no broker answers.
    """
    found, partitions = await check_catalogue(settings, changelog)
    catalogue = settings.catalogue()
    if changelog not in found:
        await create_changelog(settings, changelog, found)
        found = await describe(settings.cluster, [*catalogue.names(), changelog])
    check_changelog(settings, changelog, found, partitions)
    sizes = {name: max_bytes(topic) for name, topic in found.items()}
    configs = {name: topic.configs for name, topic in found.items()}
    for text in (
        *too_small(catalogue, sizes),
        *unprotected(catalogue, configs),
        *producers_stamps(catalogue, configs),
    ):
        log.warning("%s", text)
    return found


def check_changelog(
    settings: Settings, changelog: str, found: Mapping[str, TopicDescription], partitions: int
) -> None:
    """Refuse a changelog that does not hold the state of these topics, or would not keep it.

    `found`: the changelog and the catalogue's topics, of so many `partitions` each.
    """
    topic, largest = found[changelog], _largest(settings, found)
    policy = topic.configs["cleanup.policy"]
    if policy != "compact":
        raise SettingError(
            f"topic {changelog} has cleanup.policy={policy} and would delete rows of the state, or "
            "never clear away the old ones: set it to compact; where rows are lost already, start "
            "over with `streamjoin groups reset-offsets`"
        )
    if max_bytes(topic) < largest + _ROW_ALLOWANCE:
        raise SettingError(
            f"topic {changelog} has {SIZE}={max_bytes(topic)}, too little for what the inputs may "
            f"hold: set it to {largest + 4 * _ROW_ALLOWANCE}"
        )
    if topic.partitions != partitions:
        raise SettingError(
            f"the state of {settings.app_id} is of {topic.partitions} partitions, the topics have "
            f"{partitions}: give the topics their former number, or start over with "
            "`streamjoin groups reset-offsets`"
        )


def too_small(catalogue: Catalogue, sizes: Mapping[str, int]) -> Iterator[str]:
    """Say which topics of inputs' records take less than those and the headers added.

    `sizes`: `max.message.bytes` of the topics that there are, by name.
    """
    inputs = [sizes[name] for name in catalogue.names(Direction.INPUT) if name in sizes]
    wanted = max(inputs, default=0) + HEADERS_ALLOWANCE
    for name in catalogue.names(Direction.OUTPUT):
        if catalogue.topic(name).holds_sources and sizes.get(name, wanted) < wanted:
            yield (
                f"topic {name} has {SIZE}={sizes[name]}, too little for the largest record of the "
                f"inputs and its headers, which is not kept whole then: set it to {wanted}"
            )


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
            name = catalogue.name(topic)
            _check_keeps(settings, topic, name, found[name].configs)
    return found, partitions


async def create_changelog(
    settings: Settings, changelog: str, found: Mapping[str, TopicDescription]
) -> None:
    """Create the changelog if it is missing; `found`: the catalogue's topics.

    It is as safe as the former changelog, if there is one in `found`, and takes as large records;
    else as safe as the clicks.
    """
    like, configs = settings.catalogue().name(CLICKS), changelog_config()
    former = found.get(changelog)
    safe = (former or found[like]).configs
    configs |= {name: safe[name] for name in _SAFETY if name in safe}
    largest = _largest(settings, found) + 4 * _ROW_ALLOWANCE
    if former is not None:
        largest = max(largest, max_bytes(former))
    configs[SIZE] = str(largest)
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


def _check_keeps(settings: Settings, topic: Topic, name: str, configs: Mapping[str, str]) -> None:
    """Refuse a topic that would lose, refuse or stamp anew what is written to it."""
    policy = configs.get("cleanup.policy", "delete")
    if "compact" in policy and not topic.supersedes:
        raise SettingError(
            f"topic {name} has cleanup.policy={policy} and would lose all records of a key but the "
            "newest: set it to delete"
        )
    appended = configs.get("message.timestamp.type") == "LogAppendTime"
    if appended and topic.event_time:
        raise SettingError(
            f"topic {name} has message.timestamp.type=LogAppendTime and would give outputs the "
            "time of writing in place of their event time: set it to CreateTime"
        )
    if not appended:
        _check_stamps(name, configs)
    # Partial sums are read within moments of the time of writing, by which the broker keeps them.
    passing = appended and topic.direction is Direction.INTERNAL
    if "delete" in policy and not passing:
        _check_retention(settings, topic, name, configs)


def _check_stamps(name: str, configs: Mapping[str, str]) -> None:
    for config, value in refusing(configs):
        raise SettingError(
            f"topic {name} has {config}={value} and would refuse outputs that carry their "
            f"event time: set it to {LONG_MAX}"
        )


def _check_retention(
    settings: Settings, topic: Topic, name: str, configs: Mapping[str, str]
) -> None:
    kept = int(configs.get("retention.ms", "-1"))
    wanted = -1 if settings.topic_retention is None else settings.topic_retention
    if kept != -1 and (wanted == -1 or kept < wanted):
        raise SettingError(
            f"topic {name} has retention.ms={kept} and would delete outputs by their "
            f"{'event time' if topic.event_time else 'time of writing'}: set it to {wanted}, or "
            "set topic_retention (STREAMJOIN_TOPIC_RETENTION)"
        )
    size = configs.get("retention.bytes", "-1")
    if size != "-1" and topic.direction is Direction.OUTPUT:
        raise SettingError(
            f"topic {name} has retention.bytes={size} and would delete its oldest outputs: set it "
            "to -1"
        )


def max_bytes(topic: TopicDescription) -> int:
    """Give how large a batch of records the topic takes."""
    return int(topic.configs[SIZE])


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
