"""Changes a function of the service in memory, by its source: one snippet in place of another."""

import inspect
import textwrap
from dataclasses import dataclass
from importlib import import_module
from typing import Any


class NoTargetError(Exception):
    """The service has changed: the snippet to replace is no longer there, once."""


@dataclass(frozen=True)
class Edit:
    """`where`: `module:Class.method`; `old`, found in it exactly once, becomes `new`."""

    where: str
    old: str
    new: str

    def check(self) -> None:
        """See whether it fits the service as it is. Raises NoTargetError."""
        self._edited()

    def apply(self) -> None:
        """Put the changed function in its place. Raises NoTargetError."""
        owner, name, function = self._target()
        made: dict[str, Any] = {}
        code = compile(self._edited(), f"<variant of {self.where}>", "exec")
        exec(code, function.__globals__, made)  # noqa: S102 (our own source, edited)
        setattr(owner, name, made[name])

    def _edited(self) -> str:
        source = textwrap.dedent(inspect.getsource(self._target()[2]))
        if source.count(self.old) != 1:
            found = source.count(self.old)
            raise NoTargetError(f"{self.where} has {found} times {self.old!r}, not once")
        return source.replace(self.old, self.new)

    def _target(self) -> tuple[Any, str, Any]:
        module, _, path = self.where.partition(":")
        *outer, name = path.split(".")
        try:
            owner: Any = import_module(module)
            for part in outer:
                owner = getattr(owner, part)
            found = inspect.getattr_static(owner, name)
        except (ImportError, AttributeError) as error:
            raise NoTargetError(f"{self.where} is gone: {error}") from error
        return owner, name, found.fget if isinstance(found, property) else found
