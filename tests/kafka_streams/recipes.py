"""Seeded events that look for trouble: disorder, edges, the last millisecond of the grace, jumps.

The same seed gives the same events on every Python: of the generator only `random()` is used,
whose sequence Python keeps between versions.
"""

import hashlib
import json
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.kafka_streams.shapes import Event, Shape

BASE = 1_600_000_200_123
"""Where time begins: no round number, so that windows and events do not fall together by chance."""

MOVES = ("ahead", "equal", "behind", "edge", "apart", "brink", "far", "jump", "quiet")


class Recipe(NamedTuple):
    """How often each move is made; the shares are relative, in the order of MOVES."""

    name: str
    shares: tuple[int, ...]
    pace: int
    """Steps forward that a window lasts, about."""


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("tidy", (64, 6, 30, 0, 0, 0, 0, 0, 0), 24),
        Recipe("calm", (60, 8, 20, 6, 4, 2, 1, 1, 0), 16),
        Recipe("edges", (40, 8, 10, 14, 10, 12, 4, 2, 1), 16),
        Recipe("late", (60, 4, 14, 4, 4, 4, 10, 1, 0), 12),
        Recipe("jumps", (40, 4, 10, 6, 6, 6, 8, 16, 8), 8),
    )
}


class Maker:
    """Makes the events of one run, move by move."""

    def __init__(self, shape: Shape, recipe: Recipe, seed: int) -> None:
        self.shape = shape
        self.recipe = recipe
        self.dice = Random(seed)
        self.now = BASE
        self.latest: dict[str, int] = {}
        self.events: list[Event] = []

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        return int(self.dice.random() * limit)

    def make(self, count: int) -> list[Event]:
        while len(self.events) < count:
            move = self.below(sum(self.recipe.shares))
            for name, share in zip(MOVES, self.recipe.shares, strict=True):
                move -= share
                if move < 0:
                    getattr(self, name)()
                    break
        return self.events[:count]

    def put(self, time: int, user: str | None = None) -> None:
        """One event, of the hot user or of one of five others."""
        who = self.below(10)
        user = user or ("hot" if who < 5 else f"u{who - 4}")
        value = None if self.below(8) == 0 else self.below(2_000_001) - 1_000_000
        self.events.append(Event(user, time, value))
        self.latest[user] = time
        self.now = max(self.now, time)

    def ahead(self) -> None:
        """The time goes on."""
        self.put(self.now + 1 + self.below(2 * self.shape.size // self.recipe.pace + 1))

    def equal(self) -> None:
        """At the highest time so far."""
        self.put(self.now)

    def behind(self) -> None:
        """Out of order, and in time."""
        self.put(self.now - self.below(self.shape.grace + 1))

    def edge(self) -> None:
        """On the first or last millisecond of an aligned window, or beside it."""
        step = self.shape.step
        back = self.below(self.shape.grace + 1)
        self.put((self.now - back) // step * step + self.below(3) - 1)

    def apart(self) -> None:
        """From another event of the user exactly as far as still counts, or a millisecond more."""
        user = f"u{1 + self.below(5)}"
        time = self.latest.get(user, self.now) + (self.shape.size + self.below(3) - 1)
        self.put(time if time < self.now + 4 * self.shape.size else self.now, user)
        if self.below(3) == 0:
            self.put(time - 2 * self.shape.size - self.below(3) + 1, user)

    def brink(self) -> None:
        """Stream time goes to where an event's windows close, or just not yet; more events follow
        there."""
        near = self.events[-1 - self.below(min(12, len(self.events)))] if self.events else None
        time = near.time if near else self.now
        length = self.shape.size if self.below(3) else 0
        if self.shape.kind in ("tumbling", "hopping"):
            time, length = time // self.shape.step * self.shape.step, self.shape.size - 1
        target = time + length + self.shape.grace + self.below(3) - 1
        self.put(max(target, self.now))
        for _ in range(1 + self.below(3)):
            back = self.below(3) - 1 + (length if self.below(2) else self.below(length + 1))
            self.put(max(self.now - self.shape.grace - back, 0), near.user if near else None)

    def far(self) -> None:
        """Behind by more than the grace: too late for some windows, or for all."""
        self.put(self.now - self.shape.grace - self.below(2 * self.shape.size + 2))

    def jump(self) -> None:
        """Stream time leaps over some windows."""
        self.put(self.now + self.below(4 * self.shape.size + self.shape.grace))

    def quiet(self) -> None:
        """Nothing for so long that all windows close."""
        self.put(self.now + 6 * self.shape.size + self.shape.grace)


def make(shape: Shape, recipe: str, seed: int, count: int) -> list[Event]:
    """The first `count` events of a recipe."""
    return Maker(shape, RECIPES[recipe], seed).make(count)


def digest(events: Sequence[Event]) -> str:
    """Tells whether events are still those that a vector was made from."""
    return hashlib.sha256(json.dumps(events).encode()).hexdigest()
