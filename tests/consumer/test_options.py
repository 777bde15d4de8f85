from typing import Any

import pytest

from app.consumer import ConsumerOptions
from app.errors import SettingError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start_from": "middle"}, "start_from middle: must be earliest or latest"),
        ({"max_poll_records": 0}, "max_poll_records 0: must be 1 or more"),
        ({"commit_records": 0}, "commit_records 0"),
        ({"commit_seconds": 0}, "commit_seconds 0: must be seconds above 0"),
        ({"commit_seconds": float("nan")}, "commit_seconds nan"),
        ({"attempts": 0}, "attempts 0"),
        ({"heartbeat_interval": 6}, "must be at most half of session_timeout 10 s"),
        ({"max_poll_interval": 5}, "must be at least session_timeout 10 s"),
        ({"backoff": 6}, "max_backoff 5 s must be at least backoff 6 s"),
    ],
)
def test_options_that_make_no_sense_are_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        ConsumerOptions(**given)
    assert "\n" not in str(caught.value)


def test_the_defaults_are_those_of_the_documents() -> None:
    options = ConsumerOptions()
    assert (options.start_from, options.max_poll_records) == ("earliest", 500)


def test_pauses_double_up_to_a_bound() -> None:
    options = ConsumerOptions(backoff=1, max_backoff=5)
    assert [options.pause(n) for n in (1, 2, 3, 4, 5000)] == [1, 2, 4, 5, 5]
