"""DID Resolution over HTTP (W3C DID Resolution 1.0, 2026 draft, §12); native did:webvh files.

    GET /1.0/identifiers/DID-URL      `Accept` decides what is answered
    GET /…/did.jsonl, /…/did-witness.json      by Host, for DIDs of this region

The DID comes raw, or percent-encoded as a whole; it is decoded once, and only then, else the
`%3A` of a port would be lost. A deactivated DID is 410, a service endpoint 303.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response

from did_service.core.did import dereferencing, resolution
from did_service.core.did.dereferencing import ServiceUrl
from did_service.core.did.document import parse_document
from did_service.core.did.resolution import ErrorType, ResolutionResult
from did_service.core.did.syntax import DidUrl, parse_did_url
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    NotFoundError,
    quote,
)
from did_service.resolver import wire
from did_service.resolver.representations import Form, preferred
from did_service.resolver.resolver import Resolver
from did_service.web.answers import (
    JSON_TYPE,
    Kept,
    bytes_answer,
    json_answer,
    language_of,
    redirect_answer,
)
from did_service.web.description import path_parameter
from did_service.web.hot import HotRoute
from did_service.web.pools import Pools
from did_service.web.problems import problem_of

PREFIX = "/1.0/identifiers/"
_THREADS = 4
_LINE = 256
_FOREIGN_THREADS = 4
_JSONL, _WITNESS = "did.jsonl", "did-witness.json"
_STATUS = {
    ErrorType.INVALID_DID: 400,
    ErrorType.INVALID_DID_URL: 400,
    ErrorType.INVALID_OPTIONS: 400,
    ErrorType.NOT_FOUND: 404,
    ErrorType.REPRESENTATION_NOT_SUPPORTED: 406,
    ErrorType.METHOD_NOT_SUPPORTED: 501,
    ErrorType.FEATURE_NOT_SUPPORTED: 501,
    ErrorType.INVALID_DID_DOCUMENT: 500,
    ErrorType.INTERNAL_ERROR: 500,
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What a DID URL named: the result behind it, and the part that was asked for."""

    result: ResolutionResult
    content: JsonObject | ServiceUrl | None


def resolution_router(resolver: Resolver, pools: Pools) -> APIRouter:
    """Make the routes; include them last, the native files take any path.

    What is at home elsewhere is fetched by a few threads of its own, and nobody waits for one:
    a stranger names the host, and may have one that hangs.
    """
    computing = pools.of("resolution", threads=_THREADS, line=_LINE)
    fetching = pools.of("foreign resolution", threads=_FOREIGN_THREADS, line=0)
    router = APIRouter(tags=["resolution"], route_class=computing.route_class())

    async def resolve(request: Request) -> Response:
        form, language = Form.RESULT, language_of(request)
        try:
            form, url = preferred(request.headers.get("accept", "")), _did_url(request)
            pool = fetching if resolver.is_foreign(url) else computing
        except DidServiceError as error:
            return _answer(_Found(_failure(error, language), None), form)
        return await pool.run(partial(_answered, resolver, url, form, language))

    router.add_api_route(
        PREFIX + "{did:path}",
        resolve,
        route_class_override=HotRoute,
        name="resolveDid",
        openapi_extra=path_parameter("did"),
        response_model=None,
        responses={
            200: {"model": wire.ResolutionResultBody},
            303: {"description": "the DID URL names a service endpoint"},
            **{
                status: {"model": wire.ResolutionResultBody}
                for status in (400, 404, 406, 410, 501)
            },
        },
    )

    @router.get("/{path:path}/" + _JSONL, include_in_schema=False)
    @router.get("/{path:path}/" + _WITNESS, include_in_schema=False)
    def native(request: Request) -> Response:
        folder, _, name = _raw_path(request).rpartition("/")
        host = request.headers.get("host", "")
        files = resolver.files_at(f"https://{host}{folder}/{_JSONL}")
        if name == _JSONL:
            return bytes_answer(files.log, "text/jsonl; charset=utf-8", kept=Kept.CHECKED)
        if files.witness is None:
            raise NotFoundError("did_unknown", "this DID has no native witnesses")
        return bytes_answer(files.witness, JSON_TYPE, kept=Kept.CHECKED)

    return router


def _answered(resolver: Resolver, url: DidUrl, form: Form, language: str) -> Response:
    try:
        found = _find(resolver, url)
    except DidServiceError as error:
        found = _Found(_failure(error, language), None)
    return _answer(found, form)


def _find(resolver: Resolver, url: DidUrl) -> _Found:
    result = resolver.resolve(url)
    if result.document is None:
        return _Found(result, None)
    document = parse_document(result.document, expected_id=str(result.document["id"]))
    return _Found(result, dereferencing.dereference(url, document))


def _answer(found: _Found, form: Form) -> Response:
    result = found.result
    status = 200 if result.error is None else _STATUS[result.error]
    if result.error is None and result.document is None:
        status = 410
    if isinstance(found.content, ServiceUrl):
        return redirect_answer(found.content.url)
    if form is Form.DEREFERENCED:
        return _json(_dereferenced(found), status, form.value)
    if form.is_result or status != 200:
        kind = form if form.is_result else Form.RESULT
        metadata = {**result.resolution_metadata, "contentType": kind.value}
        triple = replace(result, resolution_metadata=metadata)
        return _json(triple.encode(), status, kind.value)
    return _json(found.content or {}, status, form.value)


def _dereferenced(found: _Found) -> JsonObject:
    content = None if isinstance(found.content, ServiceUrl) else found.content
    result = found.result
    return {
        "dereferencingMetadata": {
            **result.resolution_metadata,
            "contentType": Form.DEREFERENCED.value,
        },
        "contentStream": content,
        "contentMetadata": result.document_metadata,
    }


def _failure(error: DidServiceError, language: str) -> ResolutionResult:
    """Turn an error into a result whose problem details have our code and sentences as well."""
    kind = resolution.error_type(error)
    told: JsonObject = {
        **problem_of(error, language),
        "type": kind.uri,
        "status": _STATUS[kind],
    }
    return replace(resolution.failure(error), resolution_metadata={"error": told})


def _json(document: JsonObject, status: int, media_type: str) -> Response:
    headers = {"Vary": "Accept, Accept-Language"}
    return json_answer(document, status, headers, kept=Kept.CHECKED, media_type=media_type)


def _did_url(request: Request) -> DidUrl:
    """Read the DID URL, and with one that is encoded the options that stand behind it.

    Options are parameters of the DID URL as well (DID Resolution, HTTP(S) binding), so they
    join its query, which ends where a fragment begins.
    """
    raw = _raw_path(request).removeprefix(PREFIX)
    options = request.scope["query_string"].decode("latin-1")
    whole, fragment = raw, ""
    if raw[:6].lower() == "did%3a":
        whole, mark, fragment = _decoded(raw).partition("#")
        fragment = mark + fragment
    if options:
        whole += ("&" if "?" in whole else "?") + options
    return parse_did_url(whole + fragment)


def _decoded(raw: str) -> str:
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedError("did_url_invalid", f"not UTF-8: {quote(raw)}") from error


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope["raw_path"]
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("did_url_invalid", f"path {quote(raw)} is not ASCII") from error
