"""What tests of all parts share: a real Kafka for the session."""
