"""What `did-service bundle` does: a policy file and logs in, a bundle file out."""

from __future__ import annotations

from pathlib import Path

from did_service.client.bundle import collect
from did_service.client.registry import LogReader
from did_service.client.routes import routes_from_environment
from did_service.client.transport import Transport
from did_service.core.anchor.policy import Policy, parse_policy
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import NotFoundError, UsageError, quote
from did_service.core.limits import MAX_JSON_BYTES
from did_service.core.verification.bundle import encode_bundle
from did_service.trust.files import check_output, read_file, replace_file


def make_bundle(
    policy_file: Path, out: Path, mirrors: tuple[str, ...], *, replace: bool
) -> JsonObject:
    """Collect a bundle and write it.

    Args:
        policy_file: The pinned policy.
        out: Where the bundle goes.
        mirrors: `LOG=URL` each.
        replace: Whether a file that is there may be replaced.

    Returns:
        `{"out","logs","items","bytes"}`.

    Raises:
        NotFoundError: `file_missing`, `directory_missing`.
        ConflictError: `file_exists`.
        UsageError: `mirror_invalid`.
        ProofError, UnavailableError, MalformedError: a log that cannot be read or believed.
    """
    check_output(out, force=replace)
    policy = _read_policy(policy_file)
    with Transport(routes_from_environment()) as transport:
        collected = collect(policy, _readers(policy, mirrors, transport))
    data = encode_bundle(collected)
    replace_file(out, data)
    return {
        "out": str(out),
        "logs": len(collected.checkpoints),
        "items": len(collected.items),
        "bytes": len(data),
    }


def _read_policy(file: Path) -> Policy:
    data = read_file(file, MAX_JSON_BYTES)
    if data is None:
        raise NotFoundError("file_missing", f"{quote(file)}")
    return parse_policy(strict_json.load_object(data))


def _readers(
    policy: Policy, mirrors: tuple[str, ...], transport: Transport
) -> dict[str, LogReader]:
    origins = [origin for region in policy.regions for origin in region.logs]
    readers = {origin: LogReader.of_log(transport, origin) for origin in origins}
    for mirror in mirrors:
        origin, found, base = mirror.partition("=")
        if origin not in readers or not found or not base.startswith("https://"):
            raise UsageError("mirror_invalid", f"not LOG=URL of this policy: {quote(mirror)}")
        readers[origin] = LogReader(transport, base.rstrip("/"))
    return readers
