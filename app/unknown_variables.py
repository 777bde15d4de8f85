"""Variables that are meant for this service and are none of its settings: mostly slips."""

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from pydantic_settings import DotEnvSettingsSource

from app.cluster.settings import PREFIX
from app.settings import Settings

_OTHERS: Final = ("failpoint", "chaos_seed", "chromium")
"""What is read elsewhere: `app/engine/failpoints.py`, and tests."""
_LINK: Final = re.compile(r".*_service_(host|port)(_.*)?|.*_port_\d+_(tcp|udp|sctp)(_.*)?")
"""Kubernetes gives every container the addresses of Services; one may be called streamjoin."""
_ALIKE: Final = 0.6


def unknown_variables() -> Iterator[str]:
    """Say of each variable, of the environment and of .env, that it sets nothing, with its like."""
    given: dict[str, str | None] = {}
    with suppress(OSError, UnicodeError):  # The settings' own error says it.
        given |= DotEnvSettingsSource(Settings).env_vars
    given |= {name.lower(): value for name, value in os.environ.items()}
    for variable, value in sorted(given.items()):
        name = variable.removeprefix(PREFIX.lower())
        ours = name != variable and name not in Settings.model_fields and name not in _OTHERS
        if value and ours and not _LINK.fullmatch(f"_{name}") and not value.startswith("tcp://"):
            alike = difflib.get_close_matches(name, Settings.model_fields, 1, _ALIKE)
            hint = f"; did you mean {PREFIX}{alike[0].upper()}?" if alike else ""
            yield f"no setting is called {variable.upper()}, it changes nothing{hint}"
