"""The OpenAPI document: committed, whole, and true of a real worker."""

import json
import re
from pathlib import Path

import pytest

from app.documents import DOCUMENTS
from app.web.openapi.document import document
from app.web.openapi.endpoints import ASSETS, ENDPOINTS
from app.web.openapi.reader import page
from app.web.peers import PREFIX
from tests.support.service import Service
from tests.support.worker import Worker
from tests.web.asking import Asker, asking
from tests.web.conformance import ENDING, check_answers
from tests.web.group import Member, State, application_of, serving

ROOT = Path(__file__).resolve().parents[2]


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
    seen = check_answers(shop[1].url)
    paths = document()["paths"]
    assert {path for path, status in seen if status == 200} == ENDING
    takers = {path for path, item in paths.items() if "422" in item["get"]["responses"]}
    assert {path for path, status in seen if status == 422} == takers & ENDING


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
