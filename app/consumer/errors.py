"""What can go wrong when consuming, each with one line that says what to do."""

from app.errors import UserError


class ConsumeError(UserError):
    """Records could not be consumed."""


class NoTopicError(ConsumeError):
    """The topic does not exist; consuming does not create it."""


class HandlerFailedError(ConsumeError):
    """A handler failed for good and there is no dead-letter topic: nothing behind it was committed.

    `__cause__` is what the handler raised.
    """


class DeadLetterError(ConsumeError):
    """A dead letter could not be stored, so its record's offset is not committed."""


class NotCommittedError(ConsumeError):
    """The broker did not take the last commit: what it covers is handed over again."""
