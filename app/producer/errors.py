"""What can go wrong when producing, each with one line that says what to do."""

from app.errors import SettingError, UserError


class ProduceError(UserError):
    """A record could not be produced."""


class BadEventError(ProduceError):
    """The event itself cannot be sent: no key, not JSON, too large. Others are not affected."""


class BrokerUnreachableError(ProduceError):
    """No broker answered at the address."""


class TopicMissingError(ProduceError):
    """The topic does not exist; producing does not create it with wrong settings."""


class UnacknowledgedError(ProduceError):
    """The broker did not acknowledge in time, or not at all.

    After a time-out the outcome is unknown: the record may still arrive, once.
    """


class RefusedError(ProduceError):
    """The broker does not take the record, or one that stood before it in its partition."""


class PartitionerRefusedError(SettingError):
    """The partitioner would tear a user's events apart on this topic."""
