"""What the service's user must be allowed on a cluster with ACLs."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from app.settings import Settings
from models.topics import Direction


class Operation(IntEnum):
    """Operations of Kafka's AclOperation, with their codes."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10

    @property
    def word(self) -> str:
        """As `kafka-acls.sh` takes it: DescribeConfigs."""
        return self.name.title().replace("_", "")


class Acl(NamedTuple):
    """Operations on resources of one kind: `topic`, `group` or `transactional-id`."""

    kind: str
    names: Sequence[str]
    operations: Sequence[Operation]
    prefixed: bool = False


_LOOK = Operation.DESCRIBE_CONFIGS


def service_acls(settings: Settings, changelog: str) -> list[Acl]:
    """Give what workers need. READ and WRITE imply DESCRIBE."""
    catalogue = settings.catalogue()
    found = [
        Acl("topic", catalogue.names(Direction.INPUT), (Operation.READ, _LOOK)),
        Acl("topic", catalogue.names(Direction.OUTPUT), (Operation.WRITE, _LOOK)),
        Acl(
            "topic",
            [*catalogue.names(Direction.INTERNAL), changelog],
            (Operation.READ, Operation.WRITE, _LOOK),
        ),
        Acl("topic", [changelog], (Operation.CREATE,)),
        Acl("group", [settings.app_id], (Operation.READ,)),
    ]
    if settings.processing_guarantee == "exactly_once":
        mine = [f"{settings.app_id}-"]
        found.append(Acl("transactional-id", mine, (Operation.WRITE,), prefixed=True))
    return found


def commands(settings: Settings, acls: Sequence[Acl]) -> Iterator[str]:
    """Give commands that grant them, by Kafka's own tool."""
    user = f"User:{settings.sasl_username or 'NAME'}"
    for acl in acls:
        words = ["kafka-acls.sh", "--bootstrap-server", str(settings.cluster)]
        words += ["--add", "--allow-principal", user]
        for operation in acl.operations:
            words += ["--operation", operation.word]
        if acl.prefixed:
            words += ["--resource-pattern-type", "prefixed"]
        for name in acl.names:
            words += [f"--{acl.kind}", name]
        yield " ".join(words)
