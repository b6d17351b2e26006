"""The configuration of one service: a TOML file and variables, checked against one table.

    did-service.toml          sections of `setting_table`, comments in two languages
    DIDSVC_PUBLISH_LEAST=5    goes before the file; never a secret, only where one is found

Whatever is off is `configuration_invalid` with file, line and column, or with the variable, and
what is allowed there. Nothing is passed over: an unknown key, table or variable is an error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from did_service.core.errors import NotFoundError, quote
from did_service.core.limits import MAX_CONFIGURATION_BYTES
from did_service.core.text import Bilingual
from did_service.node.setting_kinds import TomlValue
from did_service.node.setting_refusals import START, Source, same, unknown, variable_refusal
from did_service.node.setting_table import (
    NAMED,
    NAMES,
    REQUIRED,
    SETTINGS,
    ServiceKind,
    Setting,
    named_of,
    settings_of,
)
from did_service.node.toml_positions import Position, positions
from did_service.program.files import read_file, whole
from did_service.program.suggesting import nearest

FILE = "did-service.toml"
_LATE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
# A variable that begins so means a setting; the others belong to other programs.
_SECTIONS = tuple(
    f"DIDSVC_{name.upper()}_" for name in ({s.section for s in SETTINGS} | {*NAMED})
)
OTHER = "folder_of_other_service"
Section = Mapping[str, TomlValue]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one service, each of its kind; paths are absolute.

    Attributes:
        file: Where it stands.
        kind: Which service.
        sections: Values by section and name, defaults included.
        named: `peers` and `items`, by the operator's own names.
    """

    file: Path
    kind: ServiceKind
    sections: Mapping[str, Section]
    named: Mapping[str, Mapping[str, Section]] = field(default_factory=dict)

    def text(self, place: str) -> str:
        """Return a text by its place: section, dot, name."""
        return str(self._value(place))

    def texts(self, place: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(map(str, self._value(place)))

    def whole(self, place: str) -> int:
        """Return a whole number."""
        return int(self._value(place))

    def seconds(self, place: str) -> float:
        """Return a duration."""
        return float(self._value(place))

    def path(self, place: str) -> Path:
        """Return a path; one that is not absolute begins at the file's folder."""
        return self.below(self.text(place))

    def below(self, name: str) -> Path:
        """Return a path as this file means it."""
        return self.file.parent.absolute() / name

    @property
    def host(self) -> str:
        """The service's own host name."""
        return self.texts("service.hosts")[0]

    def _value(self, place: str) -> TomlValue:
        section, _, name = place.partition(".")
        return self.sections[section][name]


def read_configuration(
    file: Path,
    environment: Mapping[str, str],
    kind: ServiceKind | Collection[ServiceKind] | None = None,
) -> Configuration:
    """Read a file, and the variables that go before it.

    Args:
        file: The TOML file.
        environment: Of the process.
        kind: The service, or the services, that it may be for; None for any.

    Raises:
        NotFoundError: `configuration_missing`.
        UsageError: `configuration_invalid`.
        UnavailableError: `file_not_read`.
    """
    data = read_file(file, MAX_CONFIGURATION_BYTES)
    if data is None:
        raise NotFoundError("configuration_missing", whole(file))
    return parse_configuration(file, data, environment, kind)


def parse_configuration(
    file: Path,
    data: bytes,
    environment: Mapping[str, str],
    kind: ServiceKind | Collection[ServiceKind] | None = None,
    *,
    is_made: bool = True,
) -> Configuration:
    """Do the same for the bytes of a file; of one that is not made yet no line is told."""
    kinds = (kind,) if isinstance(kind, ServiceKind) else kind or tuple(ServiceKind)
    values, places = _parsed(Source(file, is_made, {}), data)
    return _Reading(values, Source(file, is_made, places), environment).settled(kinds)


def _parsed(source: Source, data: bytes) -> tuple[Section, Mapping[tuple[str, ...], Position]]:
    allowed = same("TOML 1.0")
    try:
        text = data.decode()
        return tomllib.loads(text), positions(text.replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what, text_allowed = Bilingual("不是 UTF-8", "not UTF-8"), same("UTF-8")
        raise source.refusal_at(Position(line, 1), what, text_allowed) from error
    except tomllib.TOMLDecodeError as error:
        told = _LATE.fullmatch(str(error))
        reason = told[1] if told else str(error)
        last = Position(data.count(b"\n") + 1, 1)
        place = Position(int(told[2]), int(told[3])) if told and told[2] else last
        raise source.refusal_at(place, same(quote(reason)), allowed) from error
    except RecursionError as error:
        what = Bilingual("嵌套过深", "nested too deeply")
        raise source.refusal_at(START, what, allowed) from error


class _Reading:
    """One file and the variables being checked against the table."""

    def __init__(
        self,
        values: Section,
        source: Source,
        environment: Mapping[str, str],
    ) -> None:
        self._values, self._source = values, source
        self._variables = {
            name: value for name, value in environment.items() if name.startswith(_SECTIONS)
        }

    def settled(self, kinds: Collection[ServiceKind]) -> Configuration:
        """Return the configuration, or raise the first thing that is off."""
        service = self._service(kinds)
        rows: dict[str, list[Setting]] = {}
        for each in settings_of(service):
            rows.setdefault(each.section, []).append(each)
        named = named_of(service)
        self._check_names(self._values, (), [*rows, *named])
        sections = {
            name: self._section(self._values.get(name, {}), (name,), settings)
            for name, settings in rows.items()
        }
        own = {name: self._named(name, settings) for name, settings in named.items()}
        known = {v for each in rows.values() for v in (s.variable for s in each)}
        known |= {v for name, each in named.items() for v in self._named_variables(name, each)}
        self._check_variables(known)
        made = Configuration(self._source.file, service, sections, own)
        self._check_listen(made)
        return made

    def _service(self, wanted: Collection[ServiceKind]) -> ServiceKind:
        section = self._values.get("service")
        row = next(each for each in settings_of(ServiceKind.REGION) if each.name == "kind")
        self._check_table(section if section is not None else {}, ("service",))
        told = str(self._one(section or {}, ("service",), row))
        if told not in wanted:
            what = Bilingual(f"本文件用于 {quote(told)}", f"this file is for {quote(told)}")
            allowed = same(", ".join(sorted(wanted)))
            error = self._source.refusal(("service", "kind"), what, allowed, OTHER)
            error.details["kind"] = told
            raise error
        return ServiceKind(told)

    def _section(
        self,
        values: TomlValue,
        path: tuple[str, ...],
        rows: list[Setting] | tuple[Setting, ...],
    ) -> Section:
        self._check_table(values, path)
        self._check_names(values, path, [each.name for each in rows])
        read = {each.name: self._one(values, path, each) for each in rows}
        return MappingProxyType(read)

    def _named(self, name: str, rows: tuple[Setting, ...]) -> Mapping[str, Section]:
        tables = self._values.get(name, {})
        self._check_table(tables, (name,))
        for own in tables:
            try:
                NAMES[name].read(own)
            except ValueError:
                what = Bilingual(f"名称 {quote(own)}", f"name {quote(own)}")
                allowed = NAMES[name].allowed
                raise self._source.refusal((name, own), what, allowed) from None
        return {own: self._section(values, (name, own), rows) for own, values in tables.items()}

    def _one(self, values: Section, path: tuple[str, ...], row: Setting) -> TomlValue:
        """Return one value: the variable's, else the file's, else the default."""
        variable = _variable(path, row)
        if variable in self._variables:
            try:
                return row.kind.read(row.kind.spelled(self._variables[variable]))
            except ValueError:
                what = Bilingual("值不可用", "value refused")
                raise variable_refusal(variable, what, row.kind.allowed) from None
        if row.name in values:
            try:
                return row.kind.read(values[row.name])
            except ValueError:
                what = _shown(row, values[row.name])
                raise self._source.refusal((*path, row.name), what, row.kind.allowed) from None
        if row.default is REQUIRED:
            what = Bilingual(f"缺少 {row.name}", f"{row.name} is missing")
            raise self._source.refusal((*path, row.name), what, row.kind.allowed)
        return row.default

    def _check_table(self, value: TomlValue, path: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            own = quote(path[-1])
            what = Bilingual(f"{own} 不是表", f"{own} is no table")
            raise self._source.refusal(path, what, same(f"[{'.'.join(path)}]"))

    def _check_names(self, values: Section, path: tuple[str, ...], known: list[str]) -> None:
        for name in values:
            if name not in known:
                what, allowed = unknown(name, known), same(", ".join(known))
                raise self._source.refusal((*path, name), what, allowed)

    def _check_variables(self, known: set[str]) -> None:
        """Refuse a variable that means a setting of this service and is none."""
        for name in sorted(self._variables.keys() - known):
            near = nearest(name, known)
            comments = Bilingual("见文件中的注释", "see the file's comments")
            what = Bilingual("本服务没有这项设置", "no setting of this service")
            raise variable_refusal(name, what, same(near) if near else comments)

    def _named_variables(self, name: str, rows: tuple[Setting, ...]) -> Iterator[str]:
        for own in self._values.get(name, {}):
            yield from (_variable((name, own), row) for row in rows)

    def _check_listen(self, made: Configuration) -> None:
        """Refuse an address that others can reach, unless they are meant to."""
        address = made.text("listen.address")
        loopback = address.startswith(("unix:", "127.", "[::1]:"))
        if not loopback and not made.sections["listen"]["public"]:
            own = quote(address)
            what = Bilingual(f"{own} 可从外部到达", f"{own} can be reached by others")
            allowed = Bilingual(
                "127.0.0.1:端口，或设 public = true", "127.0.0.1:PORT, or public = true"
            )
            raise self._source.refusal(("listen", "address"), what, allowed)


def _variable(path: tuple[str, ...], row: Setting) -> str:
    """Return the variable of a setting; of a named table the name stands in it."""
    words = "_".join((*path, row.name))
    return "DIDSVC_" + re.sub(r"[^A-Z0-9]", "_", words.upper())


def _shown(row: Setting, value: TomlValue) -> Bilingual:
    """Say what a setting is; what may be a secret is not repeated."""
    if row.kind.hidden:
        return Bilingual(f"{row.name} 的值不可用", f"{row.name} is refused")
    told = quote(value) if isinstance(value, str) else quote(repr(value))
    return Bilingual(f"{row.name} 为 {told}", f"{row.name} is {told}")
