"""The OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1), made from `endpoints.py`.

Schemas are those of the pydantic models that answer, in JSON Schema 2020-12, OpenAPI 3.1's own
dialect.
"""

import json
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from app.web.openapi.endpoints import BAD_PARAMETER, ENDPOINTS, JSON, UNAVAILABLE, Endpoint
from app.web.problems import MEDIA_TYPE
from models.answers import Answer, Problem

_DESCRIPTION = """Views of a shop's clicks, purchases and user events, on any worker.

- Views show committed state only. `as_of` is the computation's stream time, `offsets` the source \
offsets that are shown: for one key neither goes back.
- Any worker answers for any user: it asks the owner of the user's partition. During a rebalance \
or a recovery the answer is 503 with `Retry-After` and the reason.
- Answers over all partitions are whole where `complete` is true; `missing` names the partitions \
whose owner did not answer.
- Times are ISO 8601 in UTC with milliseconds. Money is a JSON number with at most six decimals, \
exact: read it as a decimal.
- Errors are problems (RFC 9457)."""

_REASONS = {
    401: "No key, or none that is known.",
    403: "The key does not open this path.",
    BAD_PARAMETER: "A parameter is wrong; `parameter` names it.",
    UNAVAILABLE: "Not now: `detail` has the reason. Ask again after `Retry-After` seconds.",
}
_MODE: JsonSchemaMode = "serialization"


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 (pydantic's own)
        """Say no."""
        return False


@cache
def document() -> dict[str, Any]:
    """Give the document of this version. Not to be changed: it is made once."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths[endpoint.path] = {"get": _operation(endpoint)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "streamjoin",
            "version": version("streamjoin"),
            "summary": "Clicks, purchases and user events of a shop, joined while they happen.",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key. Not needed where the service has none: on loopback "
                    "alone.",
                }
            },
        },
    }


def text() -> str:
    """Give the document as the committed file and `/openapi.json` have it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    refused = endpoint.problems if endpoint.open else (401, 403, *endpoint.problems)
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "operationId": _name(endpoint.path),
        "security": [{}] if endpoint.open else [{}, {"key": []}],
        "responses": {
            "200": _answered(endpoint),
            **{str(status): _problem(status) for status in refused},
        },
    }
    if endpoint.parameters:
        operation["parameters"] = [one.described() for one in endpoint.parameters]
    return operation


def _name(path: str) -> str:
    words = [word.strip("{}") for word in path.replace(".", "/").split("/") if word != "v1"]
    return "-".join(word for word in words if word) or "page"


def _answered(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is not None:
        schema = _reference(endpoint.answer)
        about = (endpoint.answer.__doc__ or "").partition("\n")[0]
    else:
        schema = {"type": "object" if endpoint.media == JSON else "string"}
        about = f"{endpoint.summary}."
    return {"description": about, "content": {endpoint.media: {"schema": schema}}}


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. {_REASONS[status]}",
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }
    if status == UNAVAILABLE:
        seconds = {"type": "integer", "minimum": 0}
        found["headers"] = {
            "Retry-After": {"description": "Seconds.", "required": True, "schema": seconds}
        }
    return found


def _reference(model: type[Answer]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> dict[str, Any]:
    answers = {one.answer: _MODE for one in ENDPOINTS if one.answer is not None}
    _, found = models_json_schema(
        [*answers.items(), (Problem, _MODE)],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas
