"""The engine's parts, each alone."""
