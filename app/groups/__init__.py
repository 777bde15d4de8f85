"""Administration of the service's consumer group with all that belongs to its offsets."""
