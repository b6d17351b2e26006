"""`did-service key list|backup|restore`: the keyring of a service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.cli.passphrases import passphrase_options, place_given
from did_service.core.errors import UsageError
from did_service.core.text import Bilingual, printable
from did_service.program.click_commands import CommandEntry, SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from did_service.core.crypto.keyring import KeyRecord
    from did_service.core.encoding.strict_json import JsonValue

_DIR = click.Argument(
    ["folder"],
    metavar="[DIR]",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
)
_FILE = click.Path(dir_okay=False, path_type=Path)
_OF_BACKUP = "backup-"
_ROLES = {  # what each role is in Chinese; the role itself stands beside it
    "log": "登记簿",
    "cosigner": "见证",
    "native": "见证DID",
    "assertion": "签署",
    "anchor": "存证",
    "update": "更新DID",
    "next": "下次更新DID",
    "governance": "治理",
}
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")


def _list(folder: Path, *, as_json: bool) -> int:
    """List the keys of a service: role, name, public half. The passphrase is not needed."""
    from did_service.node.configuration import FILE, read_configuration
    from did_service.signer.keyring_file import read_keyring

    configuration = read_configuration(folder / FILE, os.environ)
    _print("key list", read_keyring(configuration.path("keys.keyring")).records, as_json)
    return 0


def _backup(
    folder: Path,
    out: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Write every key into one file, sealed under a passphrase of its own.

    Keep file and passphrase apart from each other and from this machine. It is the only way in
    which keys leave a keyring.
    """
    from did_service.node.configuration import FILE, read_configuration
    from did_service.node.opened_keyring import opened_keyring
    from did_service.program.files import check_output, replace_file
    from did_service.program.passphrase import read_passphrase

    check_output(out, force=False)
    other = _other(given)
    configuration = read_configuration(folder / FILE, os.environ)
    place = place_given(given)
    keyring = opened_keyring(configuration, place, os.environ)
    replace_file(out, keyring.backup(read_passphrase(other, os.environ)))
    _print("key backup", keyring.records, as_json)
    return 0


def _restore(
    folder: Path,
    file: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Take the keys of a backup into the keyring; keys that are there stay as they are.

    A restored key of a log or of a witness signs nothing until all that it had signed is here.
    """
    from did_service.node.configuration import FILE, read_configuration
    from did_service.node.opened_keyring import opened_keyring
    from did_service.program.passphrase import read_passphrase
    from did_service.signer.keyring_file import read_backup

    other = _other(given)
    data = read_backup(file)
    configuration = read_configuration(folder / FILE, os.environ)
    place = place_given(given)
    keyring = opened_keyring(configuration, place, os.environ)
    _print("key restore", keyring.restore(data, read_passphrase(other, os.environ)), as_json)
    return 0


def _other(given: Mapping[str, object]) -> str:
    place = place_given(given, _OF_BACKUP)
    if place is None:
        what = "--backup-passphrase-file or --backup-passphrase-fd is needed"
        raise UsageError("passphrase_place_invalid", what)
    return place


def _print(
    command: str,
    records: Sequence[KeyRecord],
    as_json: bool,  # noqa: FBT001 - as click hands it on
) -> None:
    from did_service.core.crypto import multikey
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_lines, write_out

    if as_json:
        keys: list[JsonValue] = [record.encode() for record in records]
        write_out(written(enveloped("did-service", command, {"keys": keys})))
        return
    waits = say(Bilingual("（待核对）", " (waits for its guard)"))
    for record in records:
        public = multikey.encode_ed25519(record.public)
        role = say(Bilingual(f"{_ROLES[record.role]}({record.role})", record.role))
        line = f"{role} {printable(record.name)} {public}"
        write_lines([f"{line}{waits if record.restored else ''}"])


def _command(call: object, name: str, *params: click.Parameter, epilog: str) -> click.Command:
    assert callable(call)  # noqa: S101 - the functions above
    made = SpokenCommand(
        name,
        callback=call,
        params=[_DIR, *params, _JSON],
        help=call.__doc__,
        epilog=epilog,
    )
    return language.option(made)


list_keys = _command(_list, "list", epilog="  did-service key list gd\n")
backup = _command(
    _backup,
    "backup",
    click.Option(["--out"], required=True, type=_FILE, help="The file to write."),
    *passphrase_options(),
    *passphrase_options(_OF_BACKUP),
    epilog="  did-service key backup gd --out gd.keys --backup-passphrase-file /media/pass\n",
)
restore = _command(
    _restore,
    "restore",
    click.Option(["--from", "file"], required=True, type=_FILE, help="The backup."),
    *passphrase_options(),
    *passphrase_options(_OF_BACKUP),
    epilog="  did-service key restore gd --from gd.keys --backup-passphrase-file /media/pass\n",
)

key = language.option(
    SpokenGroup(
        "key",
        {
            "list": CommandEntry(f"{__name__}:list_keys", "List the keys of a service."),
            "backup": CommandEntry(f"{__name__}:backup", "Write all keys into a sealed file."),
            "restore": CommandEntry(f"{__name__}:restore", "Take the keys of a backup in."),
        },
        "Keep the keys of a service.",
    )
)
