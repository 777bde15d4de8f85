"""What the web's tests share."""

from collections.abc import Iterator

import pytest

from app.web import peers


@pytest.fixture(scope="module", autouse=True)
def patient_peers() -> Iterator[None]:
    """Servers of the test's own process may take their time to answer each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "TIMEOUT", 60.0)
        yield
