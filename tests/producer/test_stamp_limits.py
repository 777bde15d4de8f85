"""The settings that refuse records for their time, on brokers of any release.

`make compat` creates topics on older ones.
"""

import pytest

from app.operations.topics import differences
from app.settings import load_settings
from app.stamp_limits import known_limits, refusing, unprotected
from app.topics_admin import admin_client
from models.topic_configs import LONG_MAX, STAMP_LIMITS, STAMP_LIMITS_OF_4
from models.topics import CLICKS, TOPICS, Catalogue, Direction
from tests.support.kafka import Kafka

AFTER, BEFORE, DIFFERENCE = STAMP_LIMITS
KNOWN = {
    "4": STAMP_LIMITS_OF_4,
    "3.6": STAMP_LIMITS,
    "3.5": (DIFFERENCE,),
    "another broker": (),
}


async def test_the_broker_is_asked_what_it_knows(kafka: Kafka) -> None:
    async with admin_client(kafka.bootstrap) as admin:
        # It refuses the first choice, in which a setting is that Kafka 4 has dropped.
        assert await known_limits(admin, ["yet-to-come"], 1) == STAMP_LIMITS_OF_4
        assert "yet-to-come" not in await admin.list_topics()
        # For another reason every choice is refused: who creates the topic says why.
        assert await known_limits(admin, ["yet-to-come"], 3) == STAMP_LIMITS_OF_4


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_topics_get_what_the_broker_knows_and_check_asks_for_no_more(
    known: tuple[str, ...],
) -> None:
    settings = load_settings()
    given = settings.catalogue().topic_configs(CLICKS, stamp_limits=known)
    assert {name: given[name] for name in known} == dict.fromkeys(known, LONG_MAX)
    assert [name for name in STAMP_LIMITS if name in given] == list(known)
    assert differences(settings, "in", "clicks", given) == {}


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_each_limit_that_is_there_counts(known: tuple[str, ...]) -> None:
    lifted = dict.fromkeys(known, LONG_MAX)
    assert list(refusing(lifted)) == []
    for name in known:
        assert list(refusing({**lifted, name: "3600000"})) == [(name, "3600000")]


def test_what_is_not_protected_is_said_of_each_topic_that_has_no_limit() -> None:
    catalogue = Catalogue("app")
    bare = {name: {"cleanup.policy": "delete"} for name in catalogue.names()}
    texts = list(unprotected(catalogue, bare))
    limited = [topic for topic in TOPICS if topic.direction is not Direction.INTERNAL]
    assert len(texts) == len(limited)
    assert all(DIFFERENCE in text and "\n" not in text for text in texts)
    assert list(unprotected(catalogue, {name: {BEFORE: "1"} for name in bare})) == []
