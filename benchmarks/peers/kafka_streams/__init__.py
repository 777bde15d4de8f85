"""Peer 3: every computation over user events in the DSL of Kafka Streams."""
