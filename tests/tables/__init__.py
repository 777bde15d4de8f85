"""The folds and their rows, without Kafka."""
