"""Kinds of settings: what each takes, from TOML and from a variable, and how that is told."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from did_service.client.routes import parse_route
from did_service.core.errors import DidServiceError
from did_service.core.limits import MAX_HOST_CHARACTERS
from did_service.core.text import Bilingual
from did_service.program.passphrase import PLACES, is_place
from did_service.storage.bucket_access import is_bucket_url, is_endpoint

TomlValue = Any  # what tomllib gives; a kind turns it into one type or refuses it

IN_FOLDER = "sqlite:"  # the rows of each service in a file of the folder of data
BLOBS_IN_FOLDER = "folder:"  # what is served as files, in the folder of data
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_PORTS = range(1, 65_536)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of setting.

    Attributes:
        allowed: What it takes, as an error says it in both languages.
        read: Takes a value of TOML, or raises ValueError.
        spelled: Makes a value of TOML of a variable's text, or raises ValueError.
        hidden: A value that is refused may be a secret, and is never repeated.
    """

    allowed: Bilingual
    read: Callable[[TomlValue], object]
    spelled: Callable[[str], TomlValue] = str
    hidden: bool = False


def text(zh: str, en: str, fits: Callable[[str], object], *, hidden: bool = False) -> Kind:
    """Return a kind of text."""

    def read(value: TomlValue) -> str:
        if not isinstance(value, str) or "\0" in value or not fits(value):
            raise ValueError
        return value

    return Kind(Bilingual(zh, en), read, hidden=hidden)


def choice(*values: str) -> Kind:
    """Return a kind that is one of a few words."""
    names = ", ".join(values)
    return text(f"{names} 之一", f"one of {names}", values.__contains__)


def whole(least: int, most: int) -> Kind:
    """Return a kind of whole number."""

    def read(value: TomlValue) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError
        return value

    allowed = Bilingual(f"{least} 到 {most} 的整数", f"a whole number from {least} to {most}")
    return Kind(allowed, read, int)


def seconds(least: float, most: float) -> Kind:
    """Return a kind of duration in seconds, which may have a fraction."""

    def read(value: TomlValue) -> float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError
        if not least <= value <= most:
            raise ValueError
        return float(value)

    allowed = Bilingual(f"{least:g} 到 {most:g} 秒", f"seconds from {least:g} to {most:g}")
    return Kind(allowed, read, float)


def texts(one: Kind, least: int, most: int) -> Kind:
    """Return a kind of list; a variable has its items between commas."""

    def read(value: TomlValue) -> tuple[object, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise ValueError
        if len({*map(repr, value)}) < len(value):
            raise ValueError
        return tuple(map(one.read, value))

    def spelled(value: str) -> list[str]:
        return [each.strip() for each in value.split(",")] if value.strip() else []

    allowed = Bilingual(
        f"{least} 到 {most} 项的列表，不重复，每项为{one.allowed.zh}",
        f"a list of {least} to {most}, each once: {one.allowed.en}",
    )
    return Kind(allowed, read, spelled)


def _flag(value: TomlValue) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - a kind refuses in one way
    return value


def _flag_spelled(value: str) -> bool:
    try:
        return {"true": True, "false": False}[value]
    except KeyError:
        raise ValueError from None


def is_host(value: str) -> bool:
    """Say whether a text is a host name: lower case, at least two labels, no address."""
    return len(value) <= MAX_HOST_CHARACTERS and _HOST.fullmatch(value) is not None


def is_address(value: str) -> bool:
    """Say whether a text is `ADDRESS:PORT`, an IPv6 address in brackets."""
    host, _, port = value.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) in _PORTS):
        return False
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return ("[" in host) == (ipaddress.ip_address(bare).version == 6)
    except ValueError:
        return False


def _is_peer(value: str) -> bool:
    try:
        parse_route(value)
    except DidServiceError:
        return is_address(value)
    return True


def _is_listen(value: str) -> bool:
    return is_address(value) or (value.startswith("unix:") and len(value) > len("unix:"))


def _is_https(value: str) -> bool:
    host, _, path = value.removeprefix("https://").partition("/")
    is_plain = not any(each in path for each in "?#% \\")
    return value.startswith("https://") and is_host(host) and is_plain and value[-1] != "/"


def _is_database(value: str) -> bool:
    from did_service.storage.database import is_server_url  # noqa: PLC0415 - brings SQLAlchemy

    return value == IN_FOLDER or is_server_url(value)


FLAG = Kind(Bilingual("true 或 false", "true or false"), _flag, _flag_spelled)
HOST = text(
    "小写的主机名，如 gd.example", "a host name in lower case, such as gd.example", is_host
)
PATH = text(
    "路径，相对路径从本文件所在文件夹算起",
    "a path, from this file's folder on if it is not absolute",
    bool,
)
WORD = text(
    "由字母、数字和 - 组成的名称",
    "a name: letters, digits and -",
    re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*").fullmatch,
)
URL = text("https 网址，末尾不带斜杠", "an https URL without a slash at its end", _is_https)
LINE = text("一行文字", "a text of one line", lambda value: value.isprintable() and value != "")
LISTEN = text(
    "unix:路径 或 地址:端口，如 127.0.0.1:8441",
    "unix:PATH or ADDRESS:PORT, such as 127.0.0.1:8441",
    _is_listen,
)
PEER = text(
    "unix:路径，或到达对方的 地址:端口",
    "unix:PATH, or ADDRESS:PORT where the peer is reached",
    _is_peer,
)
PASSPHRASE = text(
    "file:路径、fd:编号、credential:名称 之一",
    f"one of {', '.join(PLACES)}",
    is_place,
    hidden=True,
)
DATABASE = text(
    "sqlite:（文件在 storage.folder 中），或 postgresql://主机/数据库（不含口令）",
    "sqlite: (files in storage.folder), or postgresql://HOST/DATABASE without a password",
    _is_database,
    hidden=True,  # somebody may have written a password into it
)
BLOBS = text(
    "folder:（文件在 storage.folder 中），或 s3://桶名/前缀（不含密钥）",
    "folder: (files in storage.folder), or s3://BUCKET/PREFIX without a key",
    lambda value: value == BLOBS_IN_FOLDER or is_bucket_url(value),
    hidden=True,
)
ENDPOINT = text(
    "空，或 https://主机、https://主机:端口；http 只限本机",
    "empty, or https://HOST or https://HOST:PORT; http for this machine alone",
    lambda value: value == "" or is_endpoint(value),
    hidden=True,
)
REGION_CODE = text(
    "六位区划代码", "a region code of six digits", re.compile(r"[0-9]{6}").fullmatch
)
