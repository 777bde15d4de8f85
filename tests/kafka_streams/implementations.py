"""Which of ours are held against Kafka Streams: the tests are made for each of them."""

from tests.kafka_streams.oracle_adapter import Oracle
from tests.kafka_streams.shapes import Implementation
from tests.kafka_streams.tables_adapter import Tables

IMPLEMENTATIONS: dict[str, Implementation] = {ours.name: ours for ours in (Oracle(), Tables())}
