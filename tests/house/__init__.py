"""The house itself: its lock, its sizes, its commands."""
