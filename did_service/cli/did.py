"""`did-service did`: the DID of an office, from its first version to its last."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from did_service.cli import language
from did_service.cli.answers import CONFIG
from did_service.cli.language import say
from did_service.core.text import Bilingual
from did_service.program.click_commands import CommandEntry, SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.node.did_command import DidSettings
    from did_service.node.dids import DidChange, Dids

_Command = TypeVar("_Command", bound=Callable[..., int])

_HERE = "did_service.cli.did"
_SAID = {
    "create": Bilingual("已登记", "registered"),
    "update": Bilingual("已更新", "updated"),
    "rotate": Bilingual("已更换密钥", "rotated"),
    "move": Bilingual("已迁移", "moved"),
    "deactivate": Bilingual("已注销", "deactivated"),
}

did = SpokenGroup(
    "did",
    {
        "create": CommandEntry(
            f"{_HERE}:create", "Make a DID and register it in its home log."
        ),
        "update": CommandEntry(f"{_HERE}:update", "Publish another document of the DID."),
        "rotate": CommandEntry(f"{_HERE}:rotate", "Give the DID a new signing key."),
        "move": CommandEntry(f"{_HERE}:move", "Take the DID to another host or region."),
        "deactivate": CommandEntry(f"{_HERE}:deactivate", "End the DID for good."),
        "show": CommandEntry(f"{_HERE}:show", "Show what the folder holds, without a network."),
    },
    "Make, change, move and end the DID of an office.",
)

language.option(did)

_directory = click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The DID's folder: its public files, its sealed keys, what is on its way.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _networked(command: _Command) -> _Command:
    """Add the options of every command that writes into a log."""
    for option in (
        _json,
        language.option,
        click.option(
            "--wait",
            type=click.IntRange(1, 3_600),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait for the witnesses of each log.",
        ),
        CONFIG,
        click.option(
            "--passphrase-file",
            required=True,
            type=click.Path(dir_okay=False, path_type=Path),
            help="A file whose first line seals and opens the keys.",
        ),
        click.option(
            "--policy",
            required=True,
            type=click.Path(dir_okay=False, path_type=Path),
            help="The federation's policy; it says which log is home.",
        ),
        _directory,
    ):
        command = option(command)
    return command


@click.command(
    cls=SpokenCommand,
    epilog="""\
  did-service did create --dir office --policy policy.json --passphrase-file secret \\
    --at gz.gd.example:dids:police
""",
)
@_networked
@click.option(
    "--at",
    "location",
    required=True,
    metavar="HOST[:SEGMENT…]",
    help="Where its did.jsonl will be published.",
)
@click.option("--movable", is_flag=True, help="Let it move to another host later.")
def create(location: str, *, movable: bool, as_json: bool, **given: Path | int | None) -> int:
    """Make a DID and register it in its home log.

    Three keys are made and sealed into the folder: one signs, one signs this version, and one
    is committed to for the next. did.jsonl is written once the version is witnessed. Whether
    a DID may move is said here, once for ever.
    """
    return _run(
        "create", given, lambda dids: dids.create(location, movable=movable), as_json=as_json
    )


@click.command(
    cls=SpokenCommand,
    epilog="""\
  did-service did update --dir office --policy policy.json --passphrase-file secret \\
    --document did.json
""",
)
@_networked
@click.option(
    "--document",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new DID document.",
)
def update(file: Path, *, as_json: bool, **given: Path | int | None) -> int:
    """Publish another document of the DID.

    The version is signed with the key that was committed to, and commits to a new one. Regions'
    roots are approved by the witnesses that they name, who are asked first.
    """
    from did_service.node.did_command import read_document

    document = read_document(file)
    return _run("update", given, lambda dids: dids.update(document), as_json=as_json)


@click.command(
    cls=SpokenCommand,
    epilog="""\
  did-service did rotate --dir office --policy policy.json --passphrase-file secret
""",
)
@_networked
@click.option(
    "--drop-old",
    is_flag=True,
    help="Take the former keys out: what they signed is refused from then on.",
)
def rotate(*, drop_old: bool, as_json: bool, **given: Path | int | None) -> int:
    """Give the DID a new signing key.

    The former keys stay listed, so that what they signed stays good: drop them when the last
    of it has expired, or at once when one was stolen.
    """
    return _run("rotate", given, lambda dids: dids.rotate(drop_old=drop_old), as_json=as_json)


@click.command(
    cls=SpokenCommand,
    epilog="""\
  did-service did move --dir office --policy policy.json --passphrase-file secret \\
    --to gz.hn.example:dids:police
""",
)
@_networked
@click.option(
    "--to",
    "location",
    required=True,
    metavar="HOST[:SEGMENT…]",
    help="Where it goes: a host of this region or of another one.",
)
def move(location: str, *, as_json: bool, **given: Path | int | None) -> int:
    """Take the DID to another host or region.

    In another region it leaves the log that was its home and joins the other one; what it was
    granted stays behind, and the new region grants anew. Documents that were issued under the
    former name are not judged any more: issue them again.
    """
    return _run("move", given, lambda dids: dids.move(location), as_json=as_json)


@click.command(
    cls=SpokenCommand,
    epilog="""\
  did-service did deactivate --dir office --policy policy.json --passphrase-file secret --yes
""",
)
@_networked
@click.option("--yes", is_flag=True, required=True, help="Say that it is to end for good.")
def deactivate(*, yes: bool, as_json: bool, **given: Path | int | None) -> int:
    """End the DID for good; nothing can undo it.

    What it has issued stays good only where the log shows that it is older.
    """
    del yes  # click has asked for it
    return _run("deactivate", given, lambda dids: dids.deactivate(), as_json=as_json)


@click.command(cls=SpokenCommand, epilog="  did-service did show --dir office\n")
@_directory
@language.option
@_json
def show(folder: Path, *, as_json: bool) -> int:
    """Show what the folder holds, without a network.

    The history is verified from its first version. What is pending goes on with the next
    command.
    """
    from did_service.node.did_command import show as show_folder
    from did_service.program.clock import SYSTEM

    return _answer("show", show_folder(folder, SYSTEM), as_json=as_json)


def _run(
    name: str,
    given: dict[str, Path | int | None],
    act: Callable[[Dids], DidChange],
    *,
    as_json: bool,
) -> int:
    from did_service.node.did_command import change
    from did_service.program.clock import SYSTEM

    return _answer(name, change(_settings(given), act, SYSTEM), as_json=as_json)


def _settings(given: dict[str, Path | int | None]) -> DidSettings:
    from did_service.node.did_command import DidSettings
    from did_service.node.reaching import routes_to_peers

    service = given["service"]
    return DidSettings(
        Path(str(given["folder"])),
        Path(str(given["policy"])),
        Path(str(given["passphrase_file"])),
        int(str(given["wait"])),
        routes_to_peers(None if service is None else Path(str(service)), os.environ),
    )


def _answer(name: str, made: JsonObject, *, as_json: bool) -> int:
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import print_stderr, write_out

    if as_json:
        write_out(written(enveloped("did-service", f"did {name}", made)))
        return 0
    write_out(f"{made['did']}\n")
    done = _SAID.get(str(made.get("operation")))
    if done is not None:
        place = f"{made['log']} #{made['index']}"
        print_stderr(f"did-service: note: {say(done)}: {place}")
    if made["pending"] is not None:
        waiting = Bilingual("有未完成的操作，请再运行一次", "unfinished: run the command again")
        print_stderr(f"did-service: warning: {say(waiting)}: {made['pending']}")
    return 0
