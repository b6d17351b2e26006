"""The page at `/docs`: what a server answers, for people, with no script and nothing foreign.

Rendered here from the same document that `/openapi.json` serves, in Chinese or English by
Accept-Language. Its style stands in the page and is allowed by its digest alone.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response

from did_service.core.crypto.hashes import sha256
from did_service.core.text import Bilingual
from did_service.program.words import read_help, words_of
from did_service.web.answers import bytes_answer
from did_service.web.description import DescribedApp
from did_service.web.operations import TOPIC, operations_of, parameter_told
from did_service.web.pools import Pool
from did_service.web.problems import preferred

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "pre{overflow:auto;padding:.5rem;border:1px solid}h2{margin-top:2rem}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9rem}td,th{text-align:left;"
    "vertical-align:top;padding:.1rem .8rem .1rem 0}"
)
_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{b64encode(sha256(_STYLE.encode())).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_TITLE = Bilingual("接口说明", "What this server answers")
_OPERATIONS = Bilingual("操作一览", "Operations")
_PARAMETER = Bilingual("参数", "parameter")
_REQUEST = Bilingual("请求示例", "Example of a request")
_ANSWER = Bilingual("应答示例", "Example of an answer")
_ANSWERS = Bilingual("应答", "Answers")
_MACHINES = Bilingual("供程序使用", "for programs")


def docs_router(app: DescribedApp, pool: Pool) -> APIRouter:
    """Make the route of the page; it is rendered when it is asked for."""
    router = APIRouter(route_class=pool.route_class(), include_in_schema=False)

    @router.get("/docs")
    def docs(request: Request) -> Response:
        language = preferred(request.headers.get("accept-language", ""))
        headers = {
            "Content-Security-Policy": _POLICY,
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Referrer-Policy": "no-referrer",
        }
        text = page(app.openapi(), language).encode()
        return bytes_answer(text, "text/html; charset=utf-8", headers=headers)

    return router


def page(document: dict[str, Any], language: str) -> str:
    """Render an API document in `zh` or `en`."""
    return "".join(_lines(document, language))


def _lines(document: dict[str, Any], language: str) -> Iterator[str]:
    title, version = getattr(_TITLE, language), document["info"]["version"]
    yield f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>did-service {escape(version)}</title><style>{_STYLE}</style>"
    machines = getattr(_MACHINES, language)
    yield f"<h1>{title}</h1><p>did-service {escape(version)}; {machines}: "
    yield '<a href="/openapi.json">openapi.json</a></p>'
    yield f"<nav><h2>{getattr(_OPERATIONS, language)}</h2><ul>"
    for path, method, operation in operations_of(document):
        name, said = operation["operationId"], _said(operation, "summary", language)
        yield f'<li><a href="#{escape(name)}">{escape(said)}</a> <code>{method.upper()} '
        yield f"{escape(path)}</code></li>"
    yield "</ul></nav>"
    for path, method, operation in operations_of(document):
        yield from _operation(path, method, operation, language)
    yield "</html>\n"


def _operation(
    path: str, method: str, operation: dict[str, Any], language: str
) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}">'
    yield f"<h2>{escape(_said(operation, 'summary', language))}</h2>"
    yield f"<p><code>{method.upper()} {escape(path)}</code></p>"
    yield f"<p>{escape(_said(operation, 'description', language))}</p>"
    if operation.get("parameters"):
        yield f"<table><tr><th>{getattr(_PARAMETER, language)}</th><th></th></tr>"
        for name in (each["name"] for each in operation["parameters"]):
            told = parameter_told(operation["operationId"], name, language)
            yield f"<tr><td><code>{escape(name)}</code></td><td>{escape(told)}</td></tr>"
        yield "</table>"
    contents = operation.get("requestBody", {}).get("content", {})
    yield from _examples(contents, getattr(_REQUEST, language), language)
    statuses = ", ".join(sorted(each for each in operation["responses"] if each != "default"))
    yield f"<p>{getattr(_ANSWERS, language)}: {escape(statuses)}</p>"
    for status, answer in operation["responses"].items():
        title = f"{getattr(_ANSWER, language)} {status}"
        yield from _examples(answer.get("content", {}), title, language)
    yield "</section>"


def _examples(contents: dict[str, Any], title: str, language: str) -> Iterator[str]:
    for media_type, content in contents.items():
        if "example" in content:
            shown = content["example"]
            text = shown if isinstance(shown, str) else _pretty(_spoken(shown, language))
            yield f"<h3>{escape(title)} <code>{escape(media_type)}</code></h3>"
            yield f"<pre>{escape(text)}</pre>"


def _spoken(shown: Any, language: str) -> Any:  # noqa: ANN401 - any JSON
    """Return an example as the server answers this reader: what a word means is in words."""
    if isinstance(shown, list):
        return [_spoken(each, language) for each in shown]
    if not isinstance(shown, dict):
        return shown
    words = words_of(str(shown.get("word")), "http")
    told = {"meaning": words and words.meaning, "next": words and words.following}
    return {
        name: getattr(told.get(name), language, None) or _spoken(each, language)
        for name, each in shown.items()
    }


def _pretty(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, ensure_ascii=False, indent=2)


def _said(operation: dict[str, Any], member: str, language: str) -> str:
    words = read_help(language, TOPIC)
    return words.get(f"{operation['operationId']}.{member}", operation.get(member, ""))
