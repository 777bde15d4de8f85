"""The whole service on the real broker, held against the oracle."""
