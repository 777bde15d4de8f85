"""The OpenAPI document: committed, whole, and true of a real worker."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
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

from app.documents import DOCUMENTS
from app.web.openapi.document import document
from app.web.openapi.endpoints import ASSETS, ENDPOINTS, STREAMS
from app.web.openapi.reader import page
from app.web.peers import PREFIX
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import Asker, asking
from tests.web.group import Member, State, application_of, serving

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 40


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_committed_document_is_what_the_code_makes(name: str) -> None:
    committed = (ROOT / name).read_text(encoding="utf-8")
    assert committed == DOCUMENTS[name](), "run `make documents` and commit what it writes"


def test_every_path_is_described_and_every_described_path_is_there() -> None:
    routed = {
        resource.canonical
        for resource in application_of(Member(1, {})).router.resources()
        if not resource.canonical.startswith(PREFIX)
    }
    described = [endpoint.path for endpoint in ENDPOINTS]
    assert len(described) == len(set(described))
    assert routed == {*described, *ASSETS}


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    schemas = document()["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named
    assert named <= schemas.keys()
    names = [path["get"]["operationId"] for path in document()["paths"].values()]
    assert len(names) == len(set(names))


async def test_it_is_served_without_a_key() -> None:
    async with serving(Member(1, {0: State(0)}), "key") as url, asking(url) as [asker]:
        served = await asker.get("/openapi.json")
        assert served.headers["Content-Type"] == "application/json"
        assert served.body == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
        assert (await asker.get("/docs")).status == 200
        assert (await asker.get("/v1/totals")).status == 401


async def test_the_reader_takes_nothing_from_outside() -> None:
    async with serving(Member(1, {0: State(0)})) as url, asking(url) as [asker]:
        reader = await asker.get("/docs")
        assert reader.headers["Content-Type"].startswith("text/html")
        assert "default-src 'none'" in reader.headers["Content-Security-Policy"]
        linked = re.findall(r'(?:href|src)="([^"#]+)"', reader.body)
        assert set(linked) == {"/docs/reader.css", "/docs/reader.js", "/openapi.json"}
        for path in linked:
            found = await asker.get(path)
            assert found.status == 200
            assert path == "/openapi.json" or not re.search(r"https?:|//[a-z]|@import", found.body)
        assert (await asker.get("/docs/nothing")).status == 404


def test_the_reader_shows_every_path_and_every_model() -> None:
    shown = page(document())
    for path in document()["paths"]:
        assert f"<code>{path}</code>" in shown
    anchors = set(re.findall(r'id="([^"]+)"', shown))
    assert {f"model-{name}" for name in document()["components"]["schemas"]} <= anchors
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= anchors


def test_no_answer_lies_outside_the_document(shop: tuple[Service, Worker]) -> None:
    """Schemathesis: data that fit, and data that do not, for every path of a real worker."""
    url = shop[1].url
    schema = schemathesis.openapi.from_dict(dict(document()))
    seen: Counter[tuple[str, int]] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.path in STREAMS:
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
    paths = document()["paths"]
    assert {path for path, status in seen if status == 200} == set(paths) - STREAMS
    takers = {path for path, item in paths.items() if "422" in item["get"]["responses"]} - STREAMS
    assert {path for path, status in seen if status == 422} == takers


async def test_what_the_document_does_not_say(asker: Asker) -> None:
    """Other methods and other paths are problems too."""
    for method, path, status in (
        ("POST", "/v1/totals", 405),
        ("DELETE", "/v1/users/a/totals", 405),
        ("GET", "/v1/users/a/nothing", 404),
        ("GET", "/v2/totals", 404),
    ):
        reply = await asker.get(path, method=method)
        assert reply.status == status
        assert "title" in reply.problem
