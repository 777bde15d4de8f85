"""Windows compared with those of Kafka Streams 4.3.1 on the same events; see README.md."""
