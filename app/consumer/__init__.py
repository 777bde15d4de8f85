"""Consuming records with offsets in one's own hand: `ManualConsumer` and its options."""

from app.consumer.attempts import Handler
from app.consumer.consumer import ManualConsumer
from app.consumer.errors import (
    ConsumeError,
    DeadLetterError,
    HandlerFailedError,
    NotCommittedError,
    NoTopicError,
)
from app.consumer.message import Message
from app.consumer.options import ConsumerOptions

__all__ = [
    "ConsumeError",
    "ConsumerOptions",
    "DeadLetterError",
    "Handler",
    "HandlerFailedError",
    "ManualConsumer",
    "Message",
    "NoTopicError",
    "NotCommittedError",
]
