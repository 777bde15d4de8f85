"""The input topics as the command line names them: by role, or by actual name."""

from typing import Final

from app.errors import SettingError
from app.settings import Settings
from models.topics import TOPICS, Direction, Topic

INPUTS: Final = tuple(topic for topic in TOPICS if topic.direction is Direction.INPUT)


def input_names(settings: Settings) -> dict[str, str]:
    """Return the inputs' actual names by the catalogue's id."""
    return {topic.id: getattr(settings, topic.setting) for topic in INPUTS}


def input_topic(given: str, settings: Settings) -> Topic:
    """Return the input of a role or an actual name. Raises `SettingError` for any other."""
    names = input_names(settings)
    for topic in INPUTS:
        if given in (topic.id, names[topic.id]):
            return topic
    raise SettingError(f"--topic {given}: must be one of {', '.join(names)}")
