"""`did-service alarms`: what a service has found wrong, and what has settled it."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.cli import language
from did_service.cli.answers import FILE, command, folder_argument
from did_service.program.click_commands import CommandEntry, SpokenGroup

_DIR = folder_argument(default=None)
_ALARM = click.Argument(["name"], required=True, metavar="ALARM")


def _list(folder: Path, *, as_json: bool, **given: object) -> int:
    """List the alarms that a service keeps, oldest first: number, code, log, state.

    A witness keeps those about logs that have shown two histories, an agency those about
    itself. The service may be running; no passphrase is needed.
    """
    from did_service.cli import alarm_steps

    return alarm_steps.listed(folder, given, as_json=as_json)


def _show(folder: Path, name: str, *, as_json: bool) -> int:
    """Show one alarm with its proof: the checkpoints that the log has signed.

    Two signed checkpoints that contradict each other convince everybody who has the log's key.
    Send what --json prints to the other regions.
    """
    from did_service.cli import alarm_steps

    return alarm_steps.shown(folder, name, as_json=as_json)


def _settle(folder: Path, name: str, *, as_json: bool, **given: object) -> int:
    """Keep for ever what has settled an alarm of a witness; the alarm stays as well.

    Either a policy that the federation has signed since, which replaces the key or the log: it
    must be the one in force here, or the one after it. Or what an officer states. It is said
    once. An agency's alarms end by themselves when what was wrong is right again.
    """
    from did_service.cli import alarm_steps

    return alarm_steps.settled(folder, name, given, as_json=as_json)


list_ = command(
    _list,
    "list",
    _DIR,
    click.Option(["--open", "only_open"], is_flag=True, help="Only those that are open."),
    epilog="""\
  did-service alarms list /var/lib/did-service/gd
  did-service alarms list gd --open --json
""",
)
show = command(
    _show,
    "show",
    _DIR,
    _ALARM,
    epilog="""\
  did-service alarms show gd 1
  did-service alarms show gd 1 --json > alarm-1.json
""",
)
settle = command(
    _settle,
    "settle",
    _DIR,
    _ALARM,
    click.Option(
        ["--policy", "policy_file"], type=FILE, help="The policy that has settled it."
    ),
    click.Option(["--statement"], metavar="TEXT", help="What an officer states, on one line."),
    click.Option(
        ["--officer"], required=True, metavar="NAME", help="Who says so; kept beside it."
    ),
    epilog="""\
  did-service alarms settle gd 1 --policy policy.json --officer "Wu Min"
  did-service alarms settle gd 1 --officer "Wu Min" \\
    --statement "hn restored an old disk on 3 May and has started a new log"
""",
)

alarms = language.option(
    SpokenGroup(
        "alarms",
        {
            "list": CommandEntry(f"{__name__}:list_", "List the alarms that a service keeps."),
            "show": CommandEntry(f"{__name__}:show", "Show one alarm with its proof."),
            "settle": CommandEntry(f"{__name__}:settle", "Say what has settled an alarm."),
        },
        "See the alarms that a service keeps, and settle them.",
    )
)
