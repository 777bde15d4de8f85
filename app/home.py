"""The user's home folder."""

from pathlib import Path


def home() -> Path:
    """Give it; for a user who has none `/`, as container runtimes do: nothing can be made there."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
