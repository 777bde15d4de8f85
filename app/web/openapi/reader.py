"""The OpenAPI document as a page: readable without scripts, and without anything from outside.

Its style and its script ("Try it") are two files beside this one, served at `/docs/...`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from app.web.openapi.endpoints import STREAM

Schema = Mapping[str, Any]
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} {version}: HTTP</title>
<link rel="stylesheet" href="/docs/reader.css">
<script src="/docs/reader.js" defer></script>
</head>
<body>
<header>
<h1>{title} <span class="quiet">{version}</span></h1>
<p>{summary}</p>
{description}
<p><a href="/openapi.json">openapi.json</a> <span class="quiet">OpenAPI {openapi}</span></p>
<label>API key, where the service has one (stays in this page)
<input id="key" type="password" autocomplete="off" size="40"></label>
</header>
<main>
{operations}
<h2>Models</h2>
{models}
</main>
</body>
</html>
"""


def page(document: Mapping[str, Any]) -> str:
    """Give the HTML of a document whose operations are all GET."""
    info = document["info"]
    return _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        openapi=escape(document["openapi"]),
        summary=_text(info["summary"]),
        description=_paragraphs(info["description"]),
        operations="\n".join(_operations(document["paths"])),
        models="\n".join(_models(document["components"]["schemas"])),
    )


def _text(text: str) -> str:
    """Give a description's text, what is between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _paragraphs(text: str) -> str:
    shown = []
    for block in text.split("\n\n"):
        if block.startswith("- "):
            items = "".join(f"<li>{_text(item)}</li>" for item in block[2:].split("\n- "))
            shown.append(f"<ul>{items}</ul>")
        else:
            shown.append(f"<p>{_text(block)}</p>")
    return "\n".join(shown)


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    tag = None
    for path, item in paths.items():
        operation = item["get"]
        if operation["tags"][0] != tag:
            tag = operation["tags"][0]
            yield f"<h2>{escape(tag)}</h2>"
        yield _operation(path, operation)


def _operation(path: str, operation: Mapping[str, Any]) -> str:
    parameters = operation.get("parameters", [])
    rows = [
        (f"<code>{escape(p['name'])}</code>", _kind(p["schema"]), _text(p["description"]))
        for p in parameters
    ]
    answers = [
        (f"<code>{status}</code>", _body(answer), _text(answer["description"]))
        for status, answer in operation["responses"].items()
    ]
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>GET <code>{escape(path)}'
        f'</code><span>{_text(operation["summary"])}</span></summary><div class="inner">'
        + (f"<h3>Takes</h3>{_table(rows)}" if rows else "")
        + f"<h3>Answers</h3>{_table(answers)}{_form(path, parameters, operation)}</div></details>"
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    shown = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{shown}</table></div>'


def _body(answer: Mapping[str, Any]) -> str:
    shown = [
        f"{_kind(content['schema'])} <span class=quiet>{escape(media)}</span>"
        for media, content in answer["content"].items()
    ]
    return "<br>".join(shown)


def _form(path: str, parameters: list[Any], operation: Mapping[str, Any]) -> str:
    """Give the fields of "Try it"; a stream has none, since it does not end."""
    if STREAM in operation["responses"]["200"]["content"]:
        return ""
    fields = "".join(
        f'<label>{escape(p["name"])}<input name="{escape(p["name"])}" data-place="{p["in"]}"'
        f"{' required' if p['required'] else ''}></label>"
        for p in parameters
    )
    return (
        f'<form data-path="{escape(path)}">{fields}<button>Try it</button></form>'
        '<output aria-live="polite"></output>'
    )


def _models(schemas: Mapping[str, Schema]) -> Iterator[str]:
    for name, schema in schemas.items():
        required = schema.get("required", ())
        rows = [
            (
                f"<code>{escape(field)}</code>{'' if field in required else ' (optional)'}",
                _kind(kind),
                _text(kind.get("description", "")),
            )
            for field, kind in schema.get("properties", {}).items()
        ]
        yield (
            f'<section class="model" id="model-{escape(name)}"><h3>{escape(name)}</h3>'
            f"{_paragraphs(schema.get('description', ''))}{_table(rows)}</section>"
        )


def _kind(schema: Schema) -> str:
    """Give a schema's type in words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#model-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    return escape(str(schema.get("format", schema.get("type", "anything"))))
