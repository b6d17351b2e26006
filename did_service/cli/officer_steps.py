"""What `did-service officer` does: the officers in the database of an agency."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from did_service.cli.answers import Given, answer
from did_service.cli.office_steps import agency_configuration, texts
from did_service.cli.passphrases import place_given
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.text import Bilingual, printable
from did_service.issuer.officers import Officers
from did_service.issuer.store import IssuerStore
from did_service.node.agency_files import agency_of
from did_service.node.opened_keyring import opened_keyring
from did_service.node.storage_setup import storage_of
from did_service.program.clock import SYSTEM
from did_service.storage.database import open_database

_T = TypeVar("_T")


def add(folder: Path, name: str, given: Given, *, as_json: bool) -> int:
    """Add an officer and show the token."""
    token = _officers(
        folder, given, lambda kept: kept.add(name, texts(given, "roles"), _days(given))
    )
    return _token("officer add", name, token, as_json=as_json)


def renew(folder: Path, name: str, given: Given, *, as_json: bool) -> int:
    """Show a new token of an officer."""
    token = _officers(folder, given, lambda kept: kept.renew(name, _days(given)))
    return _token("officer token", name, token, as_json=as_json)


def revoke(folder: Path, name: str, given: Given, *, as_json: bool) -> int:
    """Shut an officer out."""
    _officers(folder, given, lambda kept: kept.revoke(name))
    shown = printable(name)
    lines = [Bilingual(f"已停用：{shown}", f"may do nothing any more: {shown}")]
    return answer("officer revoke", {"name": name}, lines, as_json=as_json)


def listed(folder: Path, given: Given, *, as_json: bool) -> int:
    """List the officers."""
    rows: list[JsonValue] = []
    lines = []
    for each in _officers(folder, given, lambda kept: kept.listed()):
        ends = timestamps.encode(timestamps.from_posix(each.expires))
        roles: list[JsonValue] = [*sorted(each.roles)]
        state = "revoked" if each.revoked is not None else "active"
        row: JsonObject = {"name": each.name, "roles": roles, "prefix": each.prefix}
        rows.append({**row, "expires": ends, "state": state})
        told = f"{printable(each.name)}  {' '.join(sorted(each.roles))}  {each.prefix}…  {ends}"
        zh = "已停用" if each.revoked is not None else "有效"
        lines.append(Bilingual(f"{told}  {zh}", f"{told}  {state}"))
    return answer("officer list", {"officers": rows}, lines, as_json=as_json)


def _token(words: str, name: str, token: str, *, as_json: bool) -> int:
    shown = printable(name)
    lines = [
        Bilingual(
            f"{shown} 的令牌（只显示这一次，请当面交给本人）：",
            f"the token of {shown}, shown this once; hand it over in person:",
        ),
        Bilingual(token, token),
    ]
    return answer(words, {"name": name, "token": token}, lines, as_json=as_json)


def _officers(folder: Path, given: Given, act: Callable[[Officers], _T]) -> _T:
    configuration = agency_configuration(folder)
    keyring = opened_keyring(configuration, place_given(given), os.environ)
    agency = agency_of(configuration, keyring)
    engine = open_database(storage_of(configuration).database_url("issuer"))
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        store = IssuerStore(engine)
        store.belong_to(agency)
        return act(Officers(agency, store.officers, SYSTEM))


def _days(given: Given) -> timedelta:
    return timedelta(days=int(str(given["days"])))
