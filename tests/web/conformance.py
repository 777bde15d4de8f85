"""Asks a server for what the OpenAPI document describes, and checks that each answer is in it."""

from collections import Counter
from collections.abc import Collection
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.web.openapi.document import document
from app.web.openapi.endpoints import STREAMS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 40
ENDING = frozenset(document()["paths"]) - STREAMS
"""Paths of the document, but those that do not end: `tests/web/live` asks them."""


def check_answers(url: str, paths: Collection[str] = ENDING) -> Counter[tuple[str, int]]:
    """Ask these paths with data that fit, and data that do not; how often each status came.

    Raises what Schemathesis finds, a `Failure` or a group of them.
    """
    schema = schemathesis.openapi.from_dict(dict(document()))
    seen: Counter[tuple[str, int]] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.path not in paths:
            continue
        takes = "parameters" in document()["paths"][operation.path]["get"]
        for mode in GenerationMode if takes else [GenerationMode.POSITIVE]:
            strategy = operation.as_strategy(generation_mode=mode)

            @given(case=strategy)
            @settings(
                max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck)
            )
            def ask(case: schemathesis.Case[Any]) -> None:
                response = case.call_and_validate(base_url=url, checks=CHECKS)
                seen[case.path, response.status_code] += 1

            ask()
    return seen
