"""The producer: partitioning, sending, replay, and the command line around them."""
