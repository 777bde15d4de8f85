"""What can go wrong inside the engine, by what has to be done about it."""

from app.errors import SettingError, UserError


class HandlingError(Exception):
    """The application's code raised: an agent, or what it makes at a commit; `__cause__`: what."""


class TooLargeError(Exception):
    """An output or a row is larger than its topic takes: its record becomes a dead letter."""


class TransactionTooLargeError(Exception):
    """A transaction's outputs and large rows take too much memory: it is done in smaller ones."""


class LostError(Exception):
    """The transaction's outcome is unknown or another worker has fenced this one.

    Nothing of it may be assumed: the partition goes through its acquisition from the start
    (reliability, rules 3 and 9).
    """


class DamagedStoreError(LostError):
    """A store's files are not what was written: it is rebuilt when the partition is acquired again.

    Never a fault of the record in hand (reliability, rule 10).
    """


class NoDescriptorError(LostError):
    """A store could not open a file, since the process has no file descriptor left.

    It is opened again when the partition is acquired again, as soon as there is one.
    """


class StoreError(UserError):
    """The machine refuses to read or write a store (disk full, read-only, ...): stop, say why."""


class StateError(UserError):
    """State and committed offsets, or topics and settings, do not fit: stop, say what to do."""


class ShapeError(SettingError):
    """A setting that shapes the state has changed under it."""


NOBODYS_FAULT = (LostError, StoreError, StateError, TransactionTooLargeError)
"""What says nothing about the records in hand, wherever it is raised (reliability, rule 10)."""
