"""Times given on the command line."""

from datetime import UTC, datetime

from app.errors import SettingError
from app.numbers import real
from app.producer.events import event_time_ms


def moment_ms(flag: str, text: str | None) -> int | None:
    """Return milliseconds since the epoch of ISO 8601 (UTC if it says no zone) or epoch seconds.

    None stays None. Raises `SettingError` naming `flag`.

    >>> moment_ms("--from", "2016-08-01T07:00:12Z"), moment_ms("--from", "1470034812.5")
    (1470034812000, 1470034812500)
    """
    if text is None:
        return None
    try:
        milliseconds = event_time_ms(real(text))
    except ValueError:
        milliseconds = _from_iso(text)
    if milliseconds is None:
        raise SettingError(
            f"{flag} {text}: not a time; write 2016-08-01T07:00:12Z or seconds since the epoch"
        )
    return milliseconds


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return event_time_ms(moment.timestamp())
