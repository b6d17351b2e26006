"""`did-service desk …`: an officer's work at an agency, over HTTP.

Who may work there is kept by `did-service officer`; this is what each of them does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import CommandEntry, SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from did_service.client.office import OfficeClient
    from did_service.core.encoding.strict_json import JsonObject

_T = TypeVar("_T")
_AGENCY = "https://gz.gd.example/agencies/police"
_STATES = ("received", "accepted", "returned", "issued", "collected")
# Where an application must have come to before an officer can do this to it.
_FROM = {"accept": "received", "approve": "accepted", "return": "received"}
_TOKEN = click.Option(
    ["--token-file"],
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File whose first line is the officer's token; nobody else may read it.",
)
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")


def _applications(agency: str, token_file: Path, state: str | None, *, as_json: bool) -> int:
    """List the applications at an agency, oldest first, with what they ask for."""
    from did_service.cli.desk_lines import application_lines

    rows = _ask(agency, token_file, lambda office: office.applications(state or ""))
    lines = (line for row in rows for line in application_lines(row))
    return _answer("desk applications", {"applications": [*rows]}, lines, as_json=as_json)


def _credentials(agency: str, token_file: Path, *, as_json: bool) -> int:
    """List the credentials that an agency has issued, oldest first."""
    from did_service.cli.desk_lines import credential_line

    rows = _ask(agency, token_file, lambda office: office.credentials())
    lines = map(credential_line, rows)
    return _answer("desk credentials", {"credentials": [*rows]}, lines, as_json=as_json)


def _accept(agency: str, application: str, token_file: Path, *, as_json: bool) -> int:
    """Accept an application as complete; another officer approves it then.

    `next` is the oldest that is waiting to be accepted.
    """
    return _handle("accept", agency, application, token_file, as_json=as_json)


def _approve(agency: str, application: str, token_file: Path, *, as_json: bool) -> int:
    """Approve an accepted application; its credential is issued at once.

    `next` is the oldest that is waiting to be approved. Who accepted it may not approve it.
    """
    return _handle("approve", agency, application, token_file, as_json=as_json)


def _return(
    agency: str, application: str, token_file: Path, note: str, *, as_json: bool
) -> int:
    """Return an application to its citizen, who is shown the note.

    `next` is the oldest that is waiting to be accepted.
    """
    return _handle("return", agency, application, token_file, note, as_json=as_json)


def _handle(
    verb: str,
    agency: str,
    application: str,
    token_file: Path,
    note: str | None = None,
    *,
    as_json: bool,
) -> int:
    from did_service.cli.desk_lines import handled_lines
    from did_service.core.encoding.strict_json import as_text
    from did_service.core.errors import NotFoundError

    def act(office: OfficeClient) -> JsonObject:
        chosen = application
        if application == "next":
            waiting = office.applications(_FROM[verb])
            if not waiting:
                raise NotFoundError("nothing_waiting", f"no application is {_FROM[verb]}")
            chosen = as_text(waiting[0]["id"], "id")
        return {"application": chosen, **office.handle(chosen, verb, note)}

    data = _ask(agency, token_file, act)
    return _answer(f"desk {verb}", data, handled_lines(verb, data), as_json=as_json)


def _change(verb: str) -> Callable[..., int]:
    def change(
        agency: str, credential: str, token_file: Path, reason: str, *, as_json: bool
    ) -> int:
        from did_service.cli.desk_lines import changed_lines

        data = _ask(
            agency,
            token_file,
            lambda office: {
                "credential": credential,
                **office.change(credential, verb, reason),
            },
        )
        return _answer(f"desk {verb}", data, changed_lines(data), as_json=as_json)

    change.__doc__ = _CHANGES[verb]
    return change


def _ask(agency: str, token_file: Path, act: Callable[[OfficeClient], _T]) -> _T:
    """Do something as the officer whose token stands in a file."""
    from did_service.client.office import OfficeClient
    from did_service.client.routes import routes_from_environment
    from did_service.client.transport import Transport
    from did_service.program.passphrase import read_token

    token = read_token(token_file)
    with Transport(routes_from_environment(os.environ)) as transport:
        return act(OfficeClient(transport, agency, token))


def _answer(words: str, data: JsonObject, lines: Iterable[Bilingual], *, as_json: bool) -> int:
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_lines, write_out

    if as_json:
        write_out(written(enveloped("did-service", words, data)))
    else:
        write_lines(map(say, lines))
    return 0


# --- the table of commands --------------------------------------------------------------------

_CHANGES = {
    "revoke": "Revoke a credential for good; answered once the log has it.",
    "suspend": "Suspend a credential until it is reinstated; answered once the log has it.",
    "reinstate": "Reinstate a suspended credential; answered once the log has it.",
}
_SUMMARIES = {
    "applications": "List what citizens have applied for.",
    "accept": "Accept an application as complete.",
    "approve": "Approve an accepted application, and issue.",
    "return": "Return an application to its citizen.",
    "credentials": "List what was issued.",
    "revoke": "Revoke a credential for good.",
    "suspend": "Suspend a credential.",
    "reinstate": "Reinstate a suspended credential.",
}
_CALLS: dict[str, Callable[..., int]] = {
    "applications": _applications,
    "accept": _accept,
    "approve": _approve,
    "return": _return,
    "credentials": _credentials,
    **{verb: _change(verb) for verb in _CHANGES},
}


def _params(name: str) -> list[click.Parameter]:
    params: list[click.Parameter] = [click.Argument(["agency"], metavar="AGENCY")]
    if name in _FROM:
        params.append(click.Argument(["application"], metavar="APPLICATION|next"))
    if name in _CHANGES:
        params.append(click.Argument(["credential"], metavar="CREDENTIAL"))
    params.append(_TOKEN)
    if name == "applications":
        told = "Those in this state alone."
        states = click.Choice(_STATES)
        params.append(click.Option(["--state"], type=states, help=told))
    if name == "return":
        told = "Why, in words for the citizen."
        params.append(click.Option(["--note"], required=True, help=told))
    if name in _CHANGES:
        told = "Why; kept beside it, and not published."
        params.append(click.Option(["--reason"], required=True, help=told))
    return [*params, _JSON]


def _example(name: str) -> str:
    words = dict.fromkeys(_FROM, "next") | dict.fromkeys(_CHANGES, "urn:uuid:…")
    more = {"return": ' --note "…"'} | dict.fromkeys(_CHANGES, ' --reason "…"')
    given = f" {words[name]}" if name in words else ""
    options = f"--token-file li.token{more.get(name, '')}"
    return f"  did-service desk {name} {_AGENCY}{given} {options}\n"


def command(name: str) -> click.Command:
    """Return one command of the desk."""
    call = _CALLS[name]
    made = SpokenCommand(
        name, callback=call, params=_params(name), help=call.__doc__, epilog=_example(name)
    )
    return language.option(made)


desk = language.option(
    SpokenGroup(
        "desk",
        {name: CommandEntry(f"{__name__}:{name}", told) for name, told in _SUMMARIES.items()},
        "Do an officer's work at an agency.",
    )
)


def __getattr__(name: str) -> click.Command:
    """Find a command by its name, as the group names it."""
    if name in _CALLS:
        return command(name)
    raise AttributeError(name)
