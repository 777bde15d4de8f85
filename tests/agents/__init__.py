"""What the agents decide, without Kafka."""
