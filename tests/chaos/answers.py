"""Answers that were given while the service ran, each judged by the model at its own offsets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.oracle.compare_http import compare_view
from tests.oracle.compare_outputs import source_of
from tests.oracle.model import Model
from tests.oracle.records import ENRICHED, Record
from tests.support.service import Service

Place = tuple[int, tuple[tuple[str, int], ...]]
"""A partition at some offsets, by the topic's actual name."""


class Answered(NamedTuple):
    """A 200: about what, when it was asked and when it had come (s, monotonic)."""

    view: str
    user: str
    answer: dict[str, Any]
    asked: float
    came: float


def steps_back(answers: Iterable[Answered]) -> list[str]:
    """Answers about a user that show less than one that had come before they were asked."""
    found, newest = [], dict[tuple[str, str], list[tuple[float, int]]]()
    for one in sorted(answers, key=lambda one: one.came):
        for topic, offset in one.answer["offsets"].items():
            seen = newest.setdefault((one.user, topic), [])
            known = max((o for came, o in seen if came <= one.asked), default=0)
            if offset < known:
                found.append(f"step-back: {one.view} of {one.user}: {topic} {offset} after {known}")
            if not seen or offset > seen[-1][1]:
                seen.append((one.came, offset))
    return found


async def judge(service: Service, answers: Sequence[Answered]) -> list[str]:
    """How the answers differ from the model of the records that each says it shows."""
    inputs, outputs = await service.inputs(), await service.outputs()
    enriched = [r for r in outputs if r.topic == service.names[ENRICHED]]
    places: dict[Place, list[Answered]] = defaultdict(list)
    for one in answers:
        offsets = tuple(sorted(one.answer["offsets"].items()))
        places[one.answer["partition"], offsets].append(one)
    differences = steps_back(answers)
    for (partition, offsets), shown in places.items():
        cut = dict(offsets)
        records = [r for r in inputs if r.partition == partition and r.offset < cut.get(r.topic, 0)]
        written = [r for r in enriched if r.partition == partition and _below(r, cut)]
        expected = Model(records, service.oracle, enriched=written).run()
        for one in shown:
            differences += compare_view(expected, one.view, one.user, one.answer)
    return differences


def _below(record: Record, cut: dict[str, int]) -> bool:
    """Whether an enriched purchase was made from a record below the offsets."""
    source = source_of(record)
    return source is not None and source[2] < cut.get(source[0], 0)
