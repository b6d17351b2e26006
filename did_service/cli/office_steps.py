"""What the commands of offices do: a folder and a file in, one call, an answer out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from did_service.cli.answers import Given, answer
from did_service.cli.passphrases import place_given
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.authority import Authority, subject_of
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import NotFoundError
from did_service.core.limits import MAX_DID_LOG_BYTES
from did_service.core.text import Bilingual, named, printable, quote
from did_service.issuer.agency import LIST_NUMBERS
from did_service.node.administration import Administration
from did_service.node.configuration import FILE, Configuration, read_configuration
from did_service.node.federation.region_folder import (
    open_region,
    read_carried,
    write_carried,
)
from did_service.node.offices import accepting
from did_service.node.offices.grant import parse_grant
from did_service.node.offices.granting import Limits, RegionOffice, root_of
from did_service.node.offices.request import AgencyRequest, make_request, parse_request
from did_service.node.opened_keyring import opened_keyring
from did_service.node.pinned_policy import read_policy
from did_service.node.setting_table import ServiceKind
from did_service.program.clock import SYSTEM
from did_service.program.files import read_file, whole

# The states of an authority, in Chinese.
_STATES = {"active": "有效", "suspended": "暂停", "ended": "终止"}

# --- the agency's side --------------------------------------------------------------------


def request(folder: Path, out: Path, given: Given, *, as_json: bool) -> int:
    """Write an agency's request."""
    configuration = agency_configuration(folder)
    keyring = opened_keyring(configuration, place_given(given), os.environ)
    url = configuration.text("agency.url")
    codes = texts(given, "territory") or (configuration.text("agency.jurisdiction"),)
    lists: list[JsonValue] = [f"{url}/status/{number}" for number in LIST_NUMBERS.values()]
    asked: JsonObject = {
        "name": {"zh": str(given["name_zh"]), "en": str(given["name_en"])},
        "scope": str(given["scope"]),
        "roles": ["issuer"],
        "types": [*texts(given, "types")],
        "territory": [*codes],
        "status_lists": lists,
    }
    key = keyring.key(KeyRole.ASSERTION, configuration.host)
    versions = _versions(configuration.path("agency.did_log"))
    made = make_request(asked, versions, key, SYSTEM.clock())
    if not _is_there(out, made):
        write_carried(out, made.encode())
    data: JsonObject = {"out": str(out), "did": made.state.did}
    lines = [
        *_request_lines(made),
        Bilingual(
            f"申请：{whole(out)}；下一步：交给所属地区",
            f"request: {whole(out)}; next: hand it to your region",
        ),
    ]
    return answer("agency request", data, lines, as_json=as_json)


def _is_there(out: Path, made: AgencyRequest) -> bool:
    """Say whether the file is there already and asks for the same, but for its signature."""
    if not out.exists():
        return False
    present = read_carried(out, lambda data: parse_request(data, SYSTEM.clock()))
    return {**present.members, "proof": None} == {**made.members, "proof": None}


def accept(folder: Path, file: Path, *, as_json: bool) -> int:
    """Take a grant into an agency's configuration."""
    configuration = agency_configuration(folder)
    done = accepting.accept(configuration, read_carried(file, parse_grant), os.environ)
    data: JsonObject = {
        "changed": done.changed,
        "statements": list(done.statements),
        "mirrors": list(done.mirrors),
    }
    if done.changed:
        line = Bilingual(
            "已写入配置；下一步：did-service agency serve，或向服务发送 SIGHUP",
            "in the configuration; next: did-service agency serve, or SIGHUP to the service",
        )
    else:
        line = Bilingual("配置中早已写明", "it was in the configuration already")
    return answer("agency accept", data, [line], as_json=as_json)


# --- the region's side --------------------------------------------------------------------


def grant(folder: Path, file: Path, given: Given, *, as_json: bool) -> int:
    """Show what would be granted, and with `--yes` grant it."""
    asked = read_carried(file, lambda data: parse_request(data, SYSTEM.clock()))
    limits = Limits(
        timestamps.parse_utc(str(given["until"])),
        Bilingual(str(given["basis_zh"]), str(given["basis_en"])),
        texts(given, "types"),
        texts(given, "territory"),
    )
    with _office(folder, given) as office:
        statement = office.planned(asked, limits)
        data: JsonObject = {"signed": bool(given["yes"]), "authority": statement.encode()}
        if not given["yes"]:
            return answer("region grant", data, _unsigned(statement), as_json=as_json)
        made = office.grant(asked, statement)
    out = Path(str(given["out"]))
    write_carried(out, made.encode())
    lines = [
        *_statement_lines(made.authority),
        Bilingual(
            f"已授权：{made.log} 序号 {made.index}；下一步：把 {whole(out)} 交给该机关",
            f"granted: {made.log} #{made.index}; next: hand {whole(out)} to the agency",
        ),
    ]
    told: JsonObject = {"log": made.log, "index": made.index, "out": str(out)}
    return answer("region grant", {**data, **told}, lines, as_json=as_json)


def change(verb: str, folder: Path, given: Given, *, as_json: bool) -> int:
    """Suspend, reinstate or end what was granted."""
    words = f"region {verb}"
    with _office(folder, given) as office:
        statement, former = office.changed(str(given["agency"]), str(given["scope"]), verb)
        data: JsonObject = {"signed": bool(given["yes"]), "authority": statement.encode()}
        if not given["yes"]:
            return answer(words, data, _unsigned(statement), as_json=as_json)
        made = office.change(statement, former)
    told: JsonObject = {"log": made.log, "index": made.index}
    line = Bilingual(f"已登记：序号 {made.index}", f"in the log: #{made.index}")
    lines = [*_statement_lines(statement), line]
    return answer(words, {**data, **told}, lines, as_json=as_json)


def take_custody(folder: Path, given: Given, *, as_json: bool) -> int:
    """Sign the lists of an agency that has ended."""
    with _office(folder, given) as office:
        subject = subject_of(office.root.did, str(given["agency"]), str(given["scope"]))
        taken = office.take_custody(office.statement(subject))
    rows: list[JsonValue] = [{"list": url, "index": index} for url, index in taken]
    lines = [Bilingual(f"已接管 {url}", f"taken over: {url}") for url, _ in taken]
    return answer("region take-custody", {"lists": rows}, lines, as_json=as_json)


def publish(kind: str, folder: Path, file: Path, given: Given, *, as_json: bool) -> int:
    """Publish a schema or a service item."""
    content = read_carried(file, strict_json.load_object)
    name = str(content.get("$id" if kind == "schema" else "id", ""))
    if not name:
        raise NotFoundError("content_id_missing", f"{whole(file)} has no id")
    with _office(folder, given) as office:
        if kind == "schema":
            placed = office.publish_schema(name, content)
        else:
            placed = office.publish_item(content)
    data: JsonObject = {"id": name, "index": placed.index, "n": placed.entry.number}
    line = f"{printable(name)} #{placed.index}"
    lines = [Bilingual(f"已发布：{line}", f"published: {line}")]
    return answer(f"region publish-{kind}", data, lines, as_json=as_json)


@contextmanager
def _office(folder: Path, given: Given) -> Iterator[RegionOffice]:
    region = open_region(folder, os.environ)
    keyring = opened_keyring(region.configuration, place_given(given), os.environ)
    policy = read_policy(region.policy_file)
    root = root_of(policy, region.region, region.host, keyring)
    with Transport(region.routes()) as transport:
        office = Administration(transport, region.host, SYSTEM)
        yield RegionOffice(policy, region.region, office, root)


def _request_lines(made: AgencyRequest) -> Iterator[Bilingual]:
    zh, en = named(made.name.zh), named(made.name.en)
    yield Bilingual(f"{zh}：{made.state.did}", f"{en}: {made.state.did}")
    types = ", ".join(map(printable, made.types))
    codes = ", ".join(made.territory)
    yield Bilingual(f"申请签发 {types}，区划 {codes}", f"asks to issue {types} in {codes}")


def _statement_lines(statement: Authority) -> Iterator[Bilingual]:
    """Say what a statement grants, before and after it is signed."""
    zh, en = named(statement.name.zh), named(statement.name.en)
    yield Bilingual(f"机关：{zh}", f"agency: {en}")
    yield Bilingual(f"DID：{statement.grantee}", f"DID: {statement.grantee}")
    types, codes = ", ".join(map(printable, statement.types)), ", ".join(statement.territory)
    yield Bilingual(f"可签发：{types}", f"may issue: {types}")
    yield Bilingual(f"区划：{codes}", f"in: {codes}")
    begins, ends = (
        timestamps.encode(timestamps.from_posix(second))
        for second in (statement.valid_from, statement.until)
    )
    yield Bilingual(f"自 {begins} 至 {ends}", f"from {begins} until {ends}")
    yield Bilingual(f"依据：{quote(statement.basis.zh)}", f"basis: {quote(statement.basis.en)}")
    zh = _STATES.get(statement.state, statement.state)
    yield Bilingual(f"状态：{zh}", f"state: {statement.state}")


def _unsigned(statement: Authority) -> Iterator[Bilingual]:
    yield from _statement_lines(statement)
    yield Bilingual(
        "尚未签名；核对无误后加 --yes 再运行一次",
        "nothing is signed; if it is right, add --yes",
    )


def agency_configuration(folder: Path) -> Configuration:
    """Read the configuration of an agency's folder."""
    return read_configuration(folder / FILE, os.environ, ServiceKind.AGENCY)


def _versions(path: Path) -> list[JsonObject]:
    data = read_file(path, MAX_DID_LOG_BYTES)
    if data is None:
        raise NotFoundError("file_missing", whole(path))
    return [strict_json.load_object(line) for line in data.splitlines()]


def texts(given: Given, name: str) -> tuple[str, ...]:
    """Return what an option that may be repeated was given."""
    value = given.get(name)
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
