"""Which inputs have times of their producers' in place of the broker's."""

from collections.abc import Iterator, Mapping

from models.topics import Catalogue, Direction

_STAMPED_BY = "message.timestamp.type"


def producers_stamps(
    catalogue: Catalogue, configs: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Say which inputs bear their producers' times in place of the broker's.

    `configs`: the settings of the topics that there are, by name.
    """
    for name in catalogue.names(Direction.INPUT):
        if name in configs and configs[name].get(_STAMPED_BY) != "LogAppendTime":
            yield (
                f"topic {name} has {_STAMPED_BY}=CreateTime: nothing bounds event times by the "
                "broker's clock, so one producer whose clock is ahead makes the records of all "
                "others late; set it to LogAppendTime"
            )
