"""`did-verify did`: verify a did:webvh 1.0 log from files and show one version of it.

    {"ok":true,"did":"did:webvh:…","versionId":"3-Qm…","document":{…},"metadata":{…},"error":null}

Members of `metadata` and the `type` of an error are those of W3C DID Resolution. The document
of a DID that has ended is null.
"""

from __future__ import annotations

import argparse
from datetime import datetime

from did_service.core.did.resolution import error_type, version_metadata
from did_service.core.did.webvh.entry import parse_version_time
from did_service.core.did.webvh.history import History, verify_history
from did_service.core.did.webvh.state import Version
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import DidServiceError, MalformedError, UsageError
from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.core.text import Bilingual, quote
from did_service.program.environment import Environment
from did_service.program.folding import aligned, few
from did_service.program.language import Language
from did_service.verify_cli.terminal import CommandResult

_ID_COLUMNS = 160  # of a DID, which names an authority: two rows of a screen
_MOST_KEYS = 8


def run(arguments: argparse.Namespace, env: Environment) -> CommandResult:
    """Verify a whole log, and answer with the version that was asked for or the newest.

    What is wrong is an answer as well: its type in DID resolution stands beside the error.
    """
    try:
        history = _history(arguments, env)
        version = history.resolve(
            version_id=arguments.version_id,
            version_time=_time(arguments.version_time),
            version_number=arguments.version_number,
        )
    except DidServiceError as error:
        return _failure(error, arguments.did)
    return _answer(history, version, env.language)


def _history(arguments: argparse.Namespace, env: Environment) -> History:
    log = env.read(arguments.file, MAX_DID_LOG_BYTES)
    witness = None
    if arguments.witness is not None:
        witness = env.read(arguments.witness, MAX_DID_LOG_BYTES)
    history = verify_history(log, witness_file=witness, did=arguments.did, now=env.clock)
    if arguments.known is not None:
        history.check_reaches(arguments.known)
    return history


def _time(given: str | None) -> datetime | None:
    try:
        return None if given is None else parse_version_time(given)
    except MalformedError as error:
        raise UsageError("version_time_invalid", f"--version-time {quote(given)}") from error


def _answer(history: History, version: Version, language: Language) -> CommandResult:
    metadata = version_metadata(history, version)
    ended = version.parameters.deactivated
    document = None if ended else version.document.raw
    data: JsonObject = {
        "did": str(version.did),
        "versionId": version.version_id,
        "document": document,
        "metadata": metadata,
        "problem": None,
    }
    verdict = language.say(Bilingual("有效", "VALID"))
    return CommandResult(data, _lines(version, metadata, language), verdict)


def _lines(version: Version, metadata: JsonObject, language: Language) -> tuple[str, ...]:
    facts = [
        (Bilingual("标识", "DID"), quote(version.did, _ID_COLUMNS)),
        (Bilingual("版本", "version"), quote(version.version_id, _ID_COLUMNS)),
        (Bilingual("生效", "since"), str(metadata["versionTime"])),
    ]
    facts += [(Bilingual("密钥", "key"), each) for each in _keys(version, language)]
    rows = ((language.say(name), value) for name, value in facts)
    lines = [f"  {line}" for line in aligned(rows)]
    if "nextVersionId" in metadata:
        later = language.say(Bilingual("此后还有新版本", "there is a later version"))
        lines.append(f"  ! {later}: {quote(metadata['nextVersionId'])}")
    if metadata["deactivated"]:
        lines.append(f"  ! {language.say(Bilingual('该标识已注销', 'this DID has ended'))}")
    return tuple(lines)


def _keys(version: Version, language: Language) -> list[str]:
    ids = [quote(method.get("id"), _ID_COLUMNS) for method in _methods(version)]
    return few(ids, language, _MOST_KEYS)


def _methods(version: Version) -> list[JsonObject]:
    if version.parameters.deactivated:
        return []
    listed = version.document.raw.get("verificationMethod")
    return (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )


def _failure(error: DidServiceError, did: str | None) -> CommandResult:
    data: JsonObject = {
        "did": did,
        "versionId": None,
        "document": None,
        "metadata": {},
        "problem": error_type(error).uri,
    }
    return CommandResult(data, error=error)
