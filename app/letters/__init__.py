"""Dead letters: found by reason and time, and replayed to where they came from, each once."""
