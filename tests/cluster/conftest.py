"""What tests of TLS and users share."""

from tests.support.secure_kafka import secure_kafka

__all__ = ["secure_kafka"]
