"""The log's throttle: one message of a kind in half a minute."""

import logging

from app.observability.logs import Throttle

CLIENT = "aiokafka.client"
COORDINATOR = "aiokafka.consumer.group_coordinator"


class Log:
    """What comes through a throttle, each said at a second of the test's own."""

    def __init__(self) -> None:
        self.now = 0.0
        self._throttle = Throttle(lambda: self.now)

    def said(self, now: float, name: str, message: str, *args: object) -> str | None:
        self.now = now
        record = logging.LogRecord(name, logging.ERROR, "", 0, message, args, None)
        return record.getMessage() if self._throttle.filter(record) else None


def test_one_of_a_kind_in_half_a_minute_and_how_many_were_not_shown() -> None:
    log = Log()
    assert log.said(0, CLIENT, "no %s", "node") == "no node"
    assert log.said(10, CLIENT, "no %s", "broker") is None
    assert log.said(10, CLIENT, "another") == "another"
    assert log.said(30, CLIENT, "no %s", "node") == "no node (1 more like it were not shown)"
    assert log.said(59, CLIENT, "no %s", "node") is None


def test_a_coordinator_that_is_not_there_yet_is_no_error_at_a_start() -> None:
    log, message = Log(), "Group Coordinator Request failed: %s"
    for now in (0.0, 0.1, 4.9):
        assert log.said(now, COORDINATOR, message, "15") is None
    shown = log.said(5.0, COORDINATOR, message, "15")
    assert shown == "Group Coordinator Request failed: 15 (3 more like it were not shown)"
    assert log.said(100.0, COORDINATOR, message, "15") == "Group Coordinator Request failed: 15"
