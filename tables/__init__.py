"""What is remembered: one file per computation, pure folds over rows, no Kafka in sight."""
