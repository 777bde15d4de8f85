"""Counts what a commit has written of late events and dead letters."""

from collections.abc import Callable, Sequence

from app.observability.metrics import Metrics
from models.outputs import Output
from models.topics import DEAD_LETTERS, LATE_EVENTS, Catalogue


def counter(catalogue: Catalogue, metrics: Metrics) -> Callable[[Sequence[Output]], None]:
    """Make the function that counts committed outputs: never those of a lost transaction."""
    late_events, dead_letters = catalogue.name(LATE_EVENTS), catalogue.name(DEAD_LETTERS)

    def count(outputs: Sequence[Output]) -> None:
        for output in outputs:
            if output.topic == late_events:
                metrics.late_event(dict(output.headers)["late.for"].decode())
            elif output.topic == dead_letters:
                headers = dict(output.headers)
                reason = headers["error.type"].decode()
                metrics.dead_letter(headers["source.topic"].decode(), reason)

    return count
