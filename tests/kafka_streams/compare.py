"""Holds a result of ours against Kafka Streams' on the same events."""

from collections.abc import Sequence

from tests.kafka_streams.case import Case
from tests.kafka_streams.compare_sessions import compare_sessions
from tests.kafka_streams.compare_sliding import compare_sliding
from tests.kafka_streams.facts import Facts, changes, finals
from tests.kafka_streams.rules import Report
from tests.kafka_streams.shapes import Event, KafkaRun, Result, Shape
from tests.kafka_streams.suppressed import compare_suppressed


def compare(shape: Shape, events: Sequence[Event], kafka: KafkaRun, ours: Result) -> Report:
    """Compare windows, drops, closes, what suppress let out, and each change on the way.

    The report says what differs beyond the rules, and how often each rule was used.
    """
    case = Case(Facts(shape, events), kafka, ours)
    if shape.kind == "session":
        compare_sessions(case)
    elif shape.kind == "sliding":
        compare_sliding(case)
    else:
        _compare_aligned(case)
    return case.report


def _compare_aligned(case: Case) -> None:
    """Tumbling and hopping: everything is equal, there are no rules."""
    final = finals(case.kafka.updates)
    case.contents("window", case.ours.windows, final)
    case.drops()
    case.closes()
    compare_suppressed(case, final.keys())
    if (ours := case.our_changes()) is not None:
        case.contents("change", ours, changes(case.kafka.updates))
