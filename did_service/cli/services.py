"""`did-service region|registry|witness|agency init|serve|status`: one command table for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.cli.passphrases import passphrase_options, place_given
from did_service.core.errors import UsageError
from did_service.program.click_commands import CommandEntry, SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.core.text import Bilingual

SUMMARIES = {
    "region": "Run a region: registry, witness and resolver behind one host.",
    "registry": "Run the registry of a region alone.",
    "witness": "Run the witness of a region alone.",
    "agency": "Run an agency: the issuer behind its host.",
}
_DIR = click.Argument(
    ["folder"],
    metavar="[DIR]",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
)
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")


def _init_options(kind: str) -> list[click.Parameter]:
    """Return the options that stand for the settings which have no default."""
    path = click.Path(dir_okay=False, path_type=Path)
    options: list[click.Parameter] = [
        click.Option(["--host"], required=True, help="Public host name of the service."),
        click.Option(["--listen"], help="unix:PATH or 127.0.0.1:PORT; else a socket in DIR."),
    ]
    if kind != "agency":
        options += [
            click.Option(["--region"], required=True, help="Id of the region in the policy."),
            click.Option(["--policy"], type=path, help="The policy's file, if not in DIR."),
        ]
        return options
    return [
        *options,
        click.Option(["--url"], required=True, help="The https URL of the agency's calls."),
        click.Option(["--jurisdiction"], required=True, help="Code of its territory."),
        click.Option(["--log-host"], required=True, help="Host of its region's logs."),
    ]


_PLACES = {
    "host": "service.hosts",
    "listen": "listen.address",
    "region": "service.region",
    "policy": "service.policy",
    "url": "agency.url",
    "jurisdiction": "agency.jurisdiction",
    "log_host": "agency.log_host",
}


def _chosen(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that options stand for."""
    chosen = {_PLACES[name]: _setting(name, given[name]) for name in _PLACES if given.get(name)}
    if isinstance(given["passphrase_file"], Path):
        chosen["keys.passphrase"] = f"file:{given['passphrase_file'].absolute()}"
    return chosen


def _setting(name: str, value: object) -> object:
    """Return what stands in the file for an option."""
    if name == "policy":
        return str(Path(str(value)).absolute())
    return [str(value)] if name == "host" else str(value)


@contextmanager
def _advising(kind: str, name: str) -> Iterator[None]:
    """Let a refused configuration say which command is meant, or whose help to read."""
    try:
        yield
    except UsageError as error:
        other = error.details.get("kind")
        if other is not None:  # each kind of service has the command
            error.details["instead"] = f"did-service {other} {name}"
        elif error.code == "configuration_invalid" and name == "init":
            error.details["command"] = f"did-service {kind} init"
        raise


def _init(kind: str) -> Callable[..., int]:
    def init(
        folder: Path,
        *,
        as_json: bool,
        **given: object,
    ) -> int:
        """Make the service's folder, its keyring and its configuration.

        Nothing is overwritten. Keys are made here and stay here. The passphrase is read from
        a file or a descriptor; a file is named in the configuration, else systemd's credential
        `passphrase` is.
        """
        from did_service.cli.service_lines import made_data, next_steps
        from did_service.node.initial import initialise
        from did_service.node.setting_table import ServiceKind
        from did_service.program.clock import SYSTEM
        from did_service.program.passphrase import read_passphrase

        place = place_given(given)
        passphrase = read_passphrase(place or "credential:passphrase", os.environ)
        chosen = _chosen(given)
        with _advising(kind, "init"):
            made = initialise(folder, ServiceKind(kind), chosen, passphrase, SYSTEM)
        _print(as_json, f"{kind} init", made_data(made), lambda: next_steps(kind, made))
        return 0

    return init


def _serve(kind: str) -> Callable[..., int]:
    def serve(
        folder: Path,
        *,
        check: bool,
        as_json: bool,
        **given: object,
    ) -> int:
        """Serve until SIGTERM or Ctrl-C; SIGHUP reads everything but the address again.

        --check says what would be served, from which files and with which keys, and ends.
        Under systemd use Type=notify and ExecReload=/bin/kill -HUP $MAINPID.
        """
        from did_service.program.quick_start import without_collection

        with without_collection():
            from did_service.cli.service_lines import members
            from did_service.node.commands import check_service, serve_service
            from did_service.node.setting_table import ServiceKind

        place = place_given(given)
        with _advising(kind, "serve"):
            if not check:
                serve_service(folder, ServiceKind(kind), place, os.environ)
                return 0
            told = check_service(folder, ServiceKind(kind), place, os.environ)
        _print(as_json, f"{kind} serve", told, lambda: members(told))
        return 0

    return serve


def _status(kind: str) -> Callable[..., int]:
    def status(folder: Path, *, as_json: bool) -> int:
        """Say how the service is: whether it answers, what it waits for, logs and keys."""
        from did_service.cli.service_lines import state_lines
        from did_service.node.configuration import FILE, read_configuration
        from did_service.node.setting_table import ServiceKind
        from did_service.node.status import status_of
        from did_service.program.clock import SYSTEM
        from did_service.program.exits import Exit

        with _advising(kind, "status"):
            configuration = read_configuration(folder / FILE, os.environ, ServiceKind(kind))
        found = status_of(configuration, os.environ, SYSTEM.clock())
        code = Exit.DONE if found.is_ready else Exit.UNAVAILABLE
        _print(as_json, f"{kind} status", found.encode(), lambda: state_lines(found), code)
        return code

    return status


_SUMMARY = {
    "init": "Make folder, keyring and configuration of a service.",
    "serve": "Serve until told to end.",
    "status": "Say how the service is.",
}
_COMMANDS: Mapping[str, Callable[[str], Callable[..., int]]] = {
    "init": _init,
    "serve": _serve,
    "status": _status,
}
_EXAMPLES = {
    "init": """\
  did-service {kind} init gd --region gd --host gd.example --passphrase-file pass
""",
    "agency init": """\
  did-service agency init gz --host gz.gd.example --url https://gz.gd.example/agencies/a \\
    --jurisdiction 440100 --log-host gd.example --passphrase-file pass
""",
    "serve": """\
  did-service {kind} serve gd --check
  did-service {kind} serve gd
""",
    "status": """\
  did-service {kind} status gd --json
""",
}


# What the help of a command says of one kind of service beside what is true of all.
_OF_KIND = {
    "agency status": "Its region's log is asked as well: it is ready only while that answers.",
}


def command(kind: str, name: str) -> click.Command:
    """Return one command of one service."""
    examples = _EXAMPLES.get(f"{kind} {name}", _EXAMPLES[name])
    params: list[click.Parameter] = [_DIR]
    if name == "init":
        params += _init_options(kind)
    if name != "status":
        params += passphrase_options()
    if name == "serve":
        checked = "Say what would be served, and end."
        params.append(click.Option(["--check"], is_flag=True, help=checked))
    call = _COMMANDS[name](kind)
    told = [cleandoc(call.__doc__ or ""), _OF_KIND.get(f"{kind} {name}", "")]
    made = SpokenCommand(
        name,
        callback=call,
        params=[*params, _JSON],
        help="\n\n".join(filter(None, told)),
        epilog=examples.format(kind=kind),
    )
    return language.option(made)


_OFFICES = "did_service.cli.offices"
_OF_OFFICE = {
    "region": {
        "grant": CommandEntry(f"{_OFFICES}:grant", "Grant what an agency asks for."),
        "suspend": CommandEntry(f"{_OFFICES}:suspend", "Suspend what was granted."),
        "reinstate": CommandEntry(f"{_OFFICES}:reinstate", "Lift a suspension."),
        "end": CommandEntry(f"{_OFFICES}:end", "End what was granted."),
        "take-custody": CommandEntry(f"{_OFFICES}:take_custody", "Take over its lists."),
        "publish-schema": CommandEntry(f"{_OFFICES}:publish_schema", "Publish a JSON Schema."),
        "publish-item": CommandEntry(f"{_OFFICES}:publish_item", "Publish a service item."),
    },
    "registry": {
        "publish": CommandEntry(
            "did_service.cli.publish:publish",
            "Copy what is published to a folder or a bucket.",
        ),
    },
    "agency": {
        "request": CommandEntry(f"{_OFFICES}:request", "Ask the region for authority."),
        "accept": CommandEntry(f"{_OFFICES}:accept", "Take a grant into the configuration."),
    },
}


def _group(kind: str) -> SpokenGroup:
    entries = {
        name: CommandEntry(f"{__name__}:{kind}_{name}", _SUMMARY[name]) for name in _COMMANDS
    }
    entries |= _OF_OFFICE.get(kind, {})
    return language.option(SpokenGroup(kind, entries, SUMMARIES[kind]))


region, registry, witness, agency = map(_group, SUMMARIES)


def __getattr__(name: str) -> click.Command:
    """Find `KIND_COMMAND`, as the groups name their commands."""
    kind, _, called = name.partition("_")
    if kind in SUMMARIES and called in _COMMANDS:
        return command(kind, called)
    raise AttributeError(name)


def _print(
    as_json: bool,  # noqa: FBT001 - as click hands it on
    command_words: str,
    data: JsonObject,
    told: Callable[[], Iterator[Bilingual]],
    code: int = 0,
) -> None:
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_lines, write_out

    if as_json:
        write_out(written(enveloped("did-service", command_words, data, exit_code=code)))
    else:
        write_lines(map(say, told()))
