"""The commented file that `init` writes: what was chosen, and every default as a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from did_service.core.encoding.strict_json import dumps
from did_service.node.setting_kinds import TomlValue
from did_service.node.setting_table import REQUIRED, ServiceKind, Setting, named_of, settings_of

_EXAMPLES = {"peers": '"hn.example"', "items": "residence-permit"}


def configuration_text(service: ServiceKind, chosen: Mapping[str, TomlValue]) -> str:
    """Return the file of a service, in TOML.

    Args:
        service: Which one.
        chosen: Values by place, such as `service.region`, with each that is required.
    """
    lines = list(_lines(service, {**chosen, "service.kind": service.value}))
    return "\n".join(lines) + "\n"


def _lines(service: ServiceKind, chosen: Mapping[str, TomlValue]) -> Iterator[str]:
    yield f"# did-service {service} — DIDSVC_SECTION_NAME=… goes before this file"
    section = ""
    for row in settings_of(service):
        if row.section != section:
            section = row.section
            yield from ("", f"[{section}]")
        yield from _setting(row, chosen.get(f"{row.section}.{row.name}", REQUIRED))
    for name, rows in named_of(service).items():
        yield from ("", f"# [{name}.{_EXAMPLES[name]}]")
        for row in rows:
            yield from _setting(row, REQUIRED)


def _setting(row: Setting, value: TomlValue) -> Iterator[str]:
    yield f"# {row.told.zh}"
    yield f"# {row.told.en}"
    if value is not REQUIRED:
        yield f"{row.name} = {written(value)}"
    else:
        default = "" if row.default is REQUIRED else row.default
        yield f"# {row.name} = {written(default)}"


def written(value: TomlValue) -> str:
    """Return a value as TOML: its strings, numbers and lists are spelled as JSON's."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(dumps, value))}]"
    return dumps(value)
