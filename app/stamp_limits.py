"""Settings by which brokers refuse records for their time, as far as these brokers know them.

Outputs carry event times, which may lie years back. Which settings there are depends on the release
(`models.topic_configs.STAMP_LIMITS`); the brokers are asked, since a number of a release says
nothing of a broker that is not Apache's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.admin import NewTopic
from aiokafka.errors import InvalidConfigurationError, for_code

from models.topic_configs import LONG_MAX, STAMP_LIMITS, STAMP_LIMITS_OF_4
from models.topics import Catalogue, Direction

_CHOICES: Final = (STAMP_LIMITS, STAMP_LIMITS_OF_4, STAMP_LIMITS[2:], ())
"""The fullest first."""


def limited_topics(catalogue: Catalogue, names: Iterable[str]) -> list[str]:
    """Give those of these topics that carry event times, or other people's."""
    ours = catalogue.names(Direction.INPUT, Direction.OUTPUT)
    return [name for name in names if name in ours]


async def known_limits(
    admin: Any,  # noqa: ANN401 (aiokafka is untyped)
    topics: Sequence[str],
    replication_factor: int,
) -> tuple[str, ...]:
    """Ask which settings these topics, which are yet to be created, can be given.

    Nothing is created. A refusal for another reason is left to who creates them.
    """
    for names in _CHOICES if topics else ():
        configs = dict.fromkeys(names, LONG_MAX)
        topic = NewTopic(topics[0], 1, replication_factor, topic_configs=configs)
        answer = await admin.create_topics([topic], validate_only=True)
        [(_, code, *_)] = answer.topic_errors
        if not code:
            return names
        if for_code(code) is not InvalidConfigurationError:
            break
    return STAMP_LIMITS_OF_4


def refusing(configs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the settings of a topic that refuse old or future records, with their values."""
    for name in STAMP_LIMITS:
        value = configs.get(name, LONG_MAX)
        if value != LONG_MAX:
            yield name, value


def unprotected(catalogue: Catalogue, configs: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Say of which topics the brokers tell no such setting, so that nothing is known or set.

    `configs`: effective settings of the topics that there are, by name.
    """
    for name in limited_topics(catalogue, configs):
        if not any(limit in configs[name] for limit in STAMP_LIMITS):
            yield f"topic {name} {NOT_PROTECTED}"


NOT_PROTECTED: Final = (
    f"has none of the settings {', '.join(STAMP_LIMITS)}: the brokers may refuse records whose "
    "time is far from their own, see their documentation"
)
