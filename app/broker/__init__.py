"""The embedded broker: the real Apache Kafka as one local process, no Docker, no installed Java.

Public: `EmbeddedBroker` with its `BrokerInfo` and `BrokerStatus`, `KAFKA_VERSION`,
and the default folders `default_cache` and `default_folder`.
"""

from app.broker.broker import EmbeddedBroker
from app.broker.folders import default_cache, default_folder
from app.broker.info import BrokerInfo, BrokerStatus
from app.broker.jars import KAFKA_VERSION

__all__ = [
    "KAFKA_VERSION",
    "BrokerInfo",
    "BrokerStatus",
    "EmbeddedBroker",
    "default_cache",
    "default_folder",
]
