"""The fault harness: a real broker, real workers, load, faults, and an oracle."""
