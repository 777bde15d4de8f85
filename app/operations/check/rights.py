"""Whether this user may do what workers do, where a broker can be asked without trying it.

It cannot be asked about transactional ids: of those the transaction shows it that compares the
clocks (`clock.py`).
"""

from collections.abc import Iterator, Mapping, Sequence

from app.errors import UserError
from app.operations.acls import Acl, Operation, service_acls
from app.operations.check.finding import Finding, ok, wrong
from app.operations.group_rights import group_operations
from app.operations.topics import TopicState
from app.settings import Settings
from app.topic_identity import topic_operations

_AREA = "rights"


async def check_rights(
    settings: Settings, changelog: str, ours: Mapping[str, TopicState]
) -> list[Finding]:
    """Compare what this user may do with what workers do; one line for each thing that lacks it.

    `ours`: the service's topics that this user sees.
    """
    acls = service_acls(settings, changelog)
    user = settings.sasl_username or "this user"
    allowed = await topic_operations(settings.cluster, list(ours))
    found = list(_topics(user, _needed(acls, "topic"), changelog, ours, allowed))
    for group, needed in _needed(acls, "group").items():
        found += await _group(settings, user, group, needed)
    text = f"{user} may do with {len(ours)} topics and the group what workers do"
    return found or [ok(_AREA, text)]


def _needed(acls: Sequence[Acl], kind: str) -> dict[str, set[Operation]]:
    needed: dict[str, set[Operation]] = {}
    for acl in acls:
        if acl.kind == kind:
            for name in acl.names:
                needed.setdefault(name, set()).update(acl.operations)
    return needed


def _topics(
    user: str,
    needed: Mapping[str, set[Operation]],
    changelog: str,
    ours: Mapping[str, TopicState],
    allowed: Mapping[str, int],
) -> Iterator[Finding]:
    for name in needed:
        if name not in ours and name != changelog:
            text = f"{user} sees no topic {name}: it is missing, or the ACLs hide it"
            yield wrong(_AREA, text)
    for name in ours:
        # A changelog that is there need not be created any more.
        wanted = needed[name] - {Operation.CREATE} if name == changelog else needed[name]
        yield from _lacking(user, f"topic {name}", wanted, allowed.get(name, 0))


async def _group(
    settings: Settings, user: str, group: str, needed: set[Operation]
) -> list[Finding]:
    try:
        allowed = await group_operations(settings.cluster, group)
    except UserError as error:
        return [wrong(_AREA, f"group {group}: {error}")]
    # READ implies DESCRIBE, unless that is denied.
    return list(_lacking(user, f"group {group}", needed | {Operation.DESCRIBE}, allowed))


def _lacking(user: str, what: str, needed: set[Operation], allowed: int) -> Iterator[Finding]:
    lacking = [operation for operation in sorted(needed) if not allowed >> operation & 1]
    if lacking:
        words = ", ".join(operation.word for operation in lacking)
        yield wrong(_AREA, f"{user} may not {words} {what}: see the ACLs")
