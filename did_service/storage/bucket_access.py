"""Where a bucket is and with which key it is opened: read from what a person and a host say.

    endpoint      said beside s3://BUCKET/PREFIX, or AWS_ENDPOINT_URL, or that of the region
    access key    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or those of the
                  profile AWS_PROFILE in the file AWS_SHARED_CREDENTIALS_FILE

A key is never an argument nor a part of a URL, and no error repeats one.
"""

from __future__ import annotations

import configparser
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from did_service.core.errors import NotFoundError, UnavailableError, UsageError
from did_service.core.limits import MAX_KEY_FILE_BYTES
from did_service.program.files import read_file, whole

SCHEME = "s3://"
KEY_ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
KEY_FILE, PROFILE = "AWS_SHARED_CREDENTIALS_FILE", "AWS_PROFILE"
ENDPOINT, REGIONS = "AWS_ENDPOINT_URL", ("AWS_REGION", "AWS_DEFAULT_REGION")
_SOME_REGION = "us-east-1"  # what a service without regions expects in a signature
_PLACE = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
    r"(?P<prefix>(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}){0,16})/?"
)
_REGION = re.compile(r"[a-z0-9-]{1,64}")
_KEY = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where a bucket is, and with what it is opened.

    Attributes:
        bucket: Its name.
        prefix: Of the names of all blobs, ending with a slash, or empty.
        endpoint: URL of the service.
        region: As the service calls it; a part of what is signed.
        key_id: Of the access key.
        secret: The access key itself.
        token: Of a session, or empty.
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether the service is on this machine and asked without TLS."""
        return self.endpoint.startswith("http:")


def bucket_in(place: str, endpoint: str, environment: Mapping[str, str]) -> BucketPlace:
    """Read the URL of a bucket, and find what it is opened with.

    Args:
        place: Its URL.
        endpoint: URL of the service; empty where the environment says it.
        environment: Has the access key, or names its file.

    Raises:
        UsageError: `bucket_url_wrong`, `endpoint_wrong`; `access_key_missing`, with
            `access_key_invalid` where what stands there is none.
        NotFoundError: `file_missing`: the file that the environment names.
        UnavailableError: `access_key_open_to_others`, `file_not_read`.
    """
    found = _PLACE.fullmatch(place)
    if found is None:  # it may have a key in it, and is not repeated
        raise UsageError("bucket_url_wrong", "it is not s3://BUCKET/PREFIX")
    region = next((environment[name] for name in REGIONS if environment.get(name)), "")
    if region and not _REGION.fullmatch(region):
        raise UsageError("endpoint_wrong", f"{REGIONS[0]} names no region")
    region = region or _SOME_REGION
    url = endpoint or environment.get(ENDPOINT, "") or f"https://s3.{region}.amazonaws.com"
    prefix = found["prefix"].removeprefix("/")
    return BucketPlace(
        found["bucket"],
        f"{prefix}/" if prefix else "",
        checked_endpoint(url),
        region,
        *_access_key(environment),
    )


def is_bucket_url(text: str) -> bool:
    """Say whether a text is the URL of a bucket."""
    return _PLACE.fullmatch(text) is not None


def is_endpoint(text: str) -> bool:
    """Say whether a text is the URL of a bucket's service."""
    try:
        return checked_endpoint(text) != ""
    except UsageError:
        return False


def checked_endpoint(url: str) -> str:
    """Return the URL of a bucket's service: https, and http within this machine alone.

    Raises:
        UsageError: `endpoint_wrong`; the URL is not repeated, as it may have a password in it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = f"{parts.scheme}://{parts.netloc}"
    is_whole = url.removesuffix("/") == plain and "@" not in parts.netloc and port != 0
    if not (host and is_whole and url.isascii() and url.isprintable() and " " not in url):
        raise UsageError("endpoint_wrong", "it is not https://HOST or https://HOST:PORT")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise UsageError("endpoint_wrong", "plain http reaches no further than this machine")
    return plain


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _access_key(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Return key id, secret and session token."""
    if environment.get(KEY_ID) or environment.get(SECRET):
        found = [environment.get(name, "") for name in (KEY_ID, SECRET, TOKEN)]
    elif environment.get(KEY_FILE):
        found = _of_file(Path(environment[KEY_FILE]), environment.get(PROFILE) or "default")
    else:
        raise UsageError("access_key_missing", f"neither {KEY_ID} nor {KEY_FILE} is set")
    key_id, secret, token = found
    if not all(map(_KEY.fullmatch, (key_id, secret, token or "-"))):
        raise UsageError("access_key_invalid", f"{KEY_ID} and {SECRET} go together")
    return key_id, secret, token


def _of_file(path: Path, profile: str) -> list[str]:
    data = read_file(path, MAX_KEY_FILE_BYTES)
    if data is None:
        raise NotFoundError("file_missing", whole(path))
    if path.stat().st_mode & stat.S_IRWXO:
        raise UnavailableError("access_key_open_to_others", whole(path))
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(data.decode())
        names = (KEY_ID, SECRET, TOKEN)
        return [parser.get(profile, name.lower(), fallback="").strip() for name in names]
    except (UnicodeDecodeError, configparser.Error):  # their words repeat lines of the file
        raise UsageError("access_key_invalid", f"{whole(path)} is no such file") from None
