"""What the broker did not take, kept until somebody was told."""

from app.producer.errors import RefusedError


def refusal(topic: str, error: BaseException) -> RefusedError:
    """Say in one line why the broker did not take records for `topic`."""
    name = type(error).__name__.removesuffix("Error")
    reason = getattr(error, "description", None) or str(error) or "no reason given"
    return RefusedError(f"the broker refused records for {topic}: {name}: {reason}")


class Refusals:
    """Refusals of what was buffered, which nobody waits for one by one.

    Each is told by every flush that it meets, or by the next one; `reported` counts those told.
    """

    def __init__(self) -> None:
        """Nothing is refused yet."""
        self.reported = 0
        self._count = 0
        self._error: RefusedError | None = None

    def add(self, topic: str, error: BaseException) -> None:
        """Keep a refusal; of several the first is the one that is raised."""
        if self._count == self.reported:
            self._error = refusal(topic, error)
        self._count += 1

    def check(self) -> None:
        """Raise `RefusedError` if one was not yet reported."""
        if self._error is not None and self._count > self.reported:
            raise self._error

    def report(self, since: int) -> None:
        """Raise `RefusedError` if there is one that was not reported when `reported` was `since`.

        None is raised again after that, except by other flushes that began before.
        """
        self.reported = self._count
        if self._error is not None and self._count > since:
            raise self._error
