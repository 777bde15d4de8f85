"""Every Kafka client of the project gets in the same way: by `Cluster.arguments`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = (
    "AIOKafkaAdminClient",
    "AIOKafkaClient",
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "BrokerClient",
    "WatchedProducer",
)
OWN = ("app/broker/probe.py",)
"""Asks the embedded broker on its own listener, which demands nothing."""
FILES = [
    path for path in sorted((ROOT / "app").rglob("*.py")) if str(path.relative_to(ROOT)) not in OWN
]


def clients(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that make a client."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CLIENTS:
                yield node


def spread(call: ast.Call) -> bool:
    """Whether `**....arguments()` is among its arguments."""
    return any(
        keyword.arg is None
        and isinstance(keyword.value, ast.Call)
        and getattr(keyword.value.func, "attr", "") == "arguments"
        for keyword in call.keywords
    )


def addresses(tree: ast.AST) -> Iterator[int]:
    """Lines that take `settings.broker` for more than a text: it lacks what is demanded."""
    shown = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for part in ast.walk(node)}  # fmt: skip
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr != "broker" or id(node) in shown:
            continue
        if "settings" in ast.unparse(node):
            yield node.lineno


def test_no_client_is_made_in_another_way() -> None:
    found = []
    for path in FILES:
        tree = ast.parse(path.read_text())
        lines = [call.lineno for call in clients(tree) if not spread(call)]
        found += [f"{path.relative_to(ROOT)}:{line}" for line in (*lines, *addresses(tree))]
    assert found == [], "make clients with **cluster.arguments(), from settings.cluster"


def test_there_are_clients() -> None:
    found = [call for path in FILES for call in clients(ast.parse(path.read_text()))]
    assert len(found) >= 8


@pytest.mark.parametrize(
    "source", ["AIOKafkaProducer(bootstrap_servers=x)", "a.AIOKafkaConsumer(**kw)"]
)
def test_one_that_goes_its_own_way_is_found(source: str) -> None:
    [call] = clients(ast.parse(source))
    assert not spread(call)
    assert list(addresses(ast.parse("describe(settings.broker)"))) == [1]
    assert list(addresses(ast.parse('f"{settings.broker}"'))) == []
