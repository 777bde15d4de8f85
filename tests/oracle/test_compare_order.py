"""What lay ready is taken in the contract's order, whatever was chosen before."""

from dataclasses import replace

from tests.oracle.compare_order import compare_ready
from tests.oracle.making import ONE, SECOND, Faultless, Log
from tests.oracle.model import Model
from tests.oracle.records import CLICKS, ENRICHED, PURCHASES, Record


def log_of() -> Log:
    """Two clicks and a purchase; then, ready at once, three clicks and two purchases."""
    log = Log()
    log.click(0, "a")
    log.click(5 * SECOND, "b")
    log.buy(1 * SECOND)
    log.click(10 * SECOND, "c")
    log.raw(CLICKS, b"u", b"{")
    log.click(12 * SECOND, "d")
    log.click(20 * SECOND, "e")
    log.buy(10 * SECOND)
    log.buy(30 * SECOND)
    return log


SINCE = {(CLICKS, 0): 2, (PURCHASES, 0): 1}


def chosen(*offsets: int) -> list[Record]:
    """The enriched purchases with these `clicks.offset`."""
    outputs = Faultless(Model(log_of().records, ONE).run()).outputs()
    enriched = [record for record in outputs if record.topic == ENRICHED]
    return [
        replace(
            record,
            headers=tuple(
                (name, str(offset).encode() if name == "clicks.offset" else value)
                for name, value in record.headers
            ),
        )
        for record, offset in zip(enriched, offsets, strict=True)
    ]


def found(*offsets: int) -> list[str]:
    enriched = chosen(*offsets)
    expected = Model(log_of().records, ONE, enriched=enriched).run()
    return compare_ready(expected, enriched, SINCE)


def test_what_was_chosen_before_is_not_judged() -> None:
    assert found(1, 4, 6) == []
    assert found(2, 4, 6) == []


def test_a_rejected_click_may_be_named_in_place_of_the_next_one() -> None:
    assert found(1, 3, 6) == []


def test_a_purchase_ahead_of_clicks_that_lay_ready_is_found() -> None:
    (difference,) = found(2, 2, 6)
    assert difference == "order:ready: purchase 0/1 clicks.offset 2, not [3, 4]"


def test_a_click_ahead_of_a_purchase_that_lay_ready_is_found() -> None:
    (difference,) = found(2, 5, 6)
    assert difference == "order:ready: purchase 0/1 clicks.offset 5, not [3, 4]"


def test_a_service_that_waits_for_no_click_is_found() -> None:
    assert len(found(2, 2, 2)) == 2


def test_a_purchase_without_a_result_is_left_to_other_checks() -> None:
    enriched = chosen(2, 4, 6)
    expected = Model(log_of().records, ONE, enriched=enriched).run()
    assert compare_ready(expected, enriched[:1], SINCE) == []
