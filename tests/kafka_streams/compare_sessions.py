"""Sessions: equal where the store keeps what is open; else one side's are unions of the other's."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.kafka_streams.case import Case
from tests.kafka_streams.facts import Changes, changes, finals
from tests.kafka_streams.shapes import Content, Update, Window
from tests.kafka_streams.suppressed import compare_suppressed

Proof = Callable[[int, Window], bool]
"""Whether the event stood at a session, when only one side still had that."""


def compare_sessions(case: Case) -> None:
    """Compare all that is outside of the unions, and each union with its parts."""
    stored = _stored(case)
    final = finals(stored)
    unions = _unions(case, final)
    theirs = unions.outside_of(final)
    mine = unions.outside_of(case.ours.windows)
    case.contents("window", mine, theirs)
    store = case.facts.shape.store
    case.drops(
        only_ours=lambda index: store == "long" and index in unions.events,
        only_kafka=lambda index: store == "default" and index in unions.events,
    )
    passing = {window for _, window, _ in stored if not unions.holds(window)}
    compare_suppressed(case, passing)
    if store == "long":
        case.closes(skip=unions.holds)
    if (ours := case.our_changes()) is not None:
        case.contents("change", unions.changes(ours), unions.changes(changes(stored)))


def _refused(case: Case) -> frozenset[int]:
    """The events whose session was forwarded, but refused by the store: the metric says so."""
    changing = {update.at for update in case.kafka.updates}
    return frozenset(changing & case.kafka.skipped.keys())


def _stored(case: Case) -> list[Update]:
    """The updates without those that the store refused."""
    refused = _refused(case)
    return [update for update in case.kafka.updates if update.at not in refused]


@dataclass(slots=True)
class _Unions:
    """Windows of one side that are made of several of the other's, or of more events."""

    windows: list[Window] = field(default_factory=list)
    parts: set[Window] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    """Those that only the side of the unions has counted."""

    def holds(self, window: Window) -> bool:
        return any(_inside(window, union) for union in self.windows)

    def outside_of(self, windows: Mapping[Window, Content]) -> dict[Window, Content]:
        return {window: c for window, c in windows.items() if not self.holds(window)}

    def changes(self, found: Changes) -> Changes:
        return {place: content for place, content in found.items() if not self.holds(place[1])}


def _inside(window: Window, union: Window) -> bool:
    return window.user == union.user and union.start <= window.start and window.end <= union.end


def _unions(case: Case, final: Mapping[Window, Content]) -> _Unions:
    """The unions that the store's retention explains; what is none of them is a difference."""
    facts, ours, dropped = case.facts, case.ours, case.facts.dropped(case.kafka)
    gap = facts.shape.size

    def is_near(index: int, session: Window) -> bool:
        return session.start - gap <= facts.events[index].time <= session.end + gap

    def is_closed(index: int, session: Window) -> bool:
        return not facts.is_open(session.end, index) and is_near(index, session)

    def is_last(index: int, session: Window) -> bool:
        last = facts.shape.last_in_time(session.end)
        return facts.stream[index] == last and is_near(index, session)

    if facts.shape.store == "long":
        more = ours.drops - dropped
        return _explained(case, "reopened", final, ours.windows, more, is_closed, {})
    if facts.shape.store == "default":
        more = (dropped | _refused(case)) - ours.drops
        latest = {update.window: update.at for update in _stored(case)}
        return _explained(case, "store-early", ours.windows, final, more, is_last, latest)
    return _Unions()


def _explained(
    case: Case,
    rule: str,
    whole: Mapping[Window, Content],
    parts: Mapping[Window, Content],
    more: frozenset[int],
    proof: Proof,
    latest: Mapping[Window, int],
) -> _Unions:
    """`more`: events that only the side of `whole` has counted; `latest`: with which a part changed
    last."""
    unions = _Unions()
    homes = {index: _home(case, whole, index) for index in more}
    # The smallest first: a session may lie around another that had closed before it grew.
    for window in sorted(whole, key=lambda window: window.end - window.start):
        count = whole[window].events
        if _count(parts, window) == count:
            continue
        inner = {
            part
            for part in parts.keys() - unions.parts
            if _inside(part, window)
            and _count(whole, part) != parts[part].events
            and case.facts.is_open(window.end, latest.get(part, 0))
        }
        added = {index for index in more if homes[index] == window}
        pieces = [*inner, *(_instant(case, index) for index in added)]
        found = sum(parts[part].events for part in inner) + len(added)
        if found == count and _spans(pieces, window) and _proven(case, window, pieces, proof):
            unions.windows.append(window)
            unions.parts |= inner
            unions.events |= added
            case.report.use(rule)
    return unions


def _instant(case: Case, index: int) -> Window:
    event = case.facts.events[index]
    return Window(event.user, event.time, event.time)


def _home(case: Case, whole: Iterable[Window], index: int) -> Window | None:
    """The session that an event is in: of those around it that were open, the first to close.

    One may grow over another that has closed by then; until it has, the two would have merged.
    """
    place = _instant(case, index)
    around = [w for w in whole if _inside(place, w) and case.facts.is_open(w.end, index)]
    return min(around, key=lambda window: window.end, default=None)


def _spans(pieces: list[Window], union: Window) -> bool:
    """Whether they go from its start to its end."""
    return bool(pieces) and union[1:] == (min(p.start for p in pieces), max(p.end for p in pieces))


def _count(windows: Mapping[Window, Content], window: Window) -> int | None:
    return windows[window].events if window in windows else None


def _proven(case: Case, union: Window, pieces: list[Window], proof: Proof) -> bool:
    return any(
        proof(index, piece)
        for index, event in enumerate(case.facts.events)
        if _inside(Window(event.user, event.time, event.time), union)
        for piece in pieces
    )
