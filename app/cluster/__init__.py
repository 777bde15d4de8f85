"""The Kafka cluster that the service talks to: where it is, and how a client gets in.

Public: `Cluster`, which every Kafka client of the project takes its arguments from; `Broker`, an
address or a `Cluster`; `BrokerClient`, the connections below each client; `cannot_connect`, what to
say where no connection comes about.
"""

from app.cluster.client import BrokerClient
from app.cluster.cluster import IN_THE_OPEN, Broker, Cluster, Mechanism, Protocol
from app.cluster.refusals import cannot_connect

__all__ = [
    "IN_THE_OPEN",
    "Broker",
    "BrokerClient",
    "Cluster",
    "Mechanism",
    "Protocol",
    "cannot_connect",
]
