"""What all tests may use."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.kafka"]

# No test depends on how fast the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Files that take longest come first: at the end, no job waits for one that has just begun.
LONGEST = (
    "chaos/test_short_tier_three.py",
    "chaos/test_short_tier.py",
    "groups/test_reset_offsets.py",
    "kafka_streams/test_regenerate.py",
    "service/test_windows.py",
    "service/test_life.py",
    "service/test_topic_watch.py",
    "chaos/test_variants.py",
    "chaos/test_proxy_faults.py",
    "service",
    "chaos",
    "web/test_three_workers.py",
    "consumer",
    "cluster",
)
_TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run beside a `.env`: workers started here would take its settings.

    Those heed SIGHUP and SIGINT, also where the tests run under `nohup`, or behind a shell's `&`,
    whose children ignore them.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if (_TESTS.parent / ".env").exists():
        raise pytest.UsageError(
            "the file .env of this folder would change the settings of all that is tested: "
            "move it away while the tests run"
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files into the order in which jobs take them."""
    items.sort(key=lambda item: _rank(item.path.relative_to(_TESTS).as_posix()))


def _rank(name: str) -> int:
    return next((n for n, one in enumerate(LONGEST) if name.startswith(one)), len(LONGEST))
