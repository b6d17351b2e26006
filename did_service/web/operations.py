"""The API document as people and generators want it, made from what FastAPI says.

FastAPI names an operation by its function and its concrete path. Here a path has parameters
instead of the names of one region's logs, an operation has a name in camel case and an example
(`examples.json`), and every `$ref` leads to a component. Its sentence, its description and what
each parameter is stand in `program/words/LANG/help_http.json`:

    getTile.summary, getTile.description, getTile.path; parameter.log for all that have one
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from did_service.core.encoding import strict_json
from did_service.program.words import read_help

TOPIC = "help_http"
PARAMETER = "parameter"  # of every operation that has one of the name
_EXAMPLES = Path(__file__).with_name("examples.json")
_MAX_EXAMPLES_BYTES = 131_072
_SERVERS = [
    {
        "url": "https://{host}",
        "description": "a region or an agency, by the host names of the policy",
        "variables": {"host": {"default": "gd.example"}},
    }
]
_DESCRIPTION = """\
Errors are problem documents (RFC 9457) whose `type` is `urn:didsvc:problem:CODE`; titles and
next steps come in Chinese or English by Accept-Language. Shapes: docs/formats.md."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PathPart:
    """A part of paths that is a parameter in the document.

    Attributes:
        pattern: What it looks like in a concrete path.
        template: What stands there in the document.
        name: Of the parameter.
        example: One value.
        infix: Behind the verb in the names of the operations below it.
    """

    pattern: re.Pattern[str]
    template: str
    name: str
    example: str
    infix: str = ""


def operation_name(name: str, path: str) -> str:
    """Return a unique name for FastAPI, whose first word is ours."""
    return f"{name} {path}"


def completed(document: Document, parts: tuple[PathPart, ...]) -> Document:
    """Return the document with parameters, names, words, examples and components."""
    schemas = document["components"]["schemas"]
    paths: Document = {}
    for path, operations in document["paths"].items():
        generic, found = _generic(path, parts)
        if generic in paths:
            continue
        for method, operation in operations.items():
            name = _named(operation["operationId"].split(" ")[0], found)
            operations[method] = _completed(operation, name, found)
            schemas |= _lift(operations[method])
        paths[generic] = operations
    for unused in ("HTTPValidationError", "ValidationError"):  # `problems` answers 400
        schemas.pop(unused, None)
    return {
        "openapi": "3.1.0",
        "info": {**document["info"], "title": "did-service", "description": _DESCRIPTION},
        "servers": _SERVERS,
        "paths": dict(sorted(paths.items())),
        "components": {**document["components"], "schemas": dict(sorted(schemas.items()))},
    }


def operations_of(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Return path, method and operation of each in a document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def parameter_told(operation: str, name: str, language: str) -> str:
    """Return what a parameter of an operation is, in `zh` or `en`."""
    words = read_help(language, TOPIC)
    return words.get(f"{operation}.{name}") or words[f"{PARAMETER}.{name}"]


@cache
def examples() -> Mapping[str, Any]:
    """Return the examples by operation: `request`, and answers by status."""
    return strict_json.load_object(_EXAMPLES.read_bytes(), max_bytes=_MAX_EXAMPLES_BYTES)


def _generic(path: str, parts: tuple[PathPart, ...]) -> tuple[str, list[PathPart]]:
    found = [part for part in parts if part.pattern.search(path)]
    for part in found:
        path = part.pattern.sub(part.template, path)
    return path, found


def _named(name: str, parts: list[PathPart]) -> str:
    verb = re.match("[a-z]*", name)
    at = verb.end() if verb else 0
    return name[:at] + "".join(part.infix for part in parts) + name[at:]


def _completed(operation: Document, name: str, parts: list[PathPart]) -> Document:
    words = read_help("en", TOPIC)
    for member in ("summary", "description"):
        if f"{name}.{member}" in words:
            operation[member] = words[f"{name}.{member}"]
    added = [
        {
            "name": part.name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": part.example,
        }
        for part in parts
    ]
    if added:
        operation["parameters"] = [*added, *operation.get("parameters", ())]
    operation["operationId"] = name
    for parameter in operation.get("parameters", ()):
        parameter["description"] = parameter_told(name, parameter["name"], "en")
    if _is_frameworks(operation):
        del operation["responses"]["422"]
    _show(operation, examples().get(name, {}))
    return operation


def _is_frameworks(operation: Document) -> bool:
    """Say whether an answer 422 is FastAPI's own, which `problems` replaces by a 400."""
    content = operation["responses"].get("422", {}).get("content", {})
    return "HTTPValidationError" in str(content)


def _show(operation: Document, shown: Mapping[str, Any]) -> None:
    """Put an operation's examples where they belong."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in shown.get("parameters", {}):
            parameter["example"] = shown["parameters"][parameter["name"]]
    if "request" in shown:
        for content in operation["requestBody"]["content"].values():
            content["example"] = shown["request"]
    for status, answer in shown.items():
        if status.isdigit():
            for content in operation["responses"][status]["content"].values():
                content["example"] = answer


def _lift(operation: Document) -> Document:
    """Take the `$defs` out of request bodies, for the components; return them."""
    found: Document = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _with_refs(content["schema"])
        found |= schema.pop("$defs", {})
        content["schema"] = schema
    return found


def _with_refs(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {
            name: member.replace("#/$defs/", "#/components/schemas/")
            if name == "$ref"
            else _with_refs(member)
            for name, member in value.items()
        }
    return [_with_refs(each) for each in value] if isinstance(value, list) else value
