"""`did-service backup`, `restore`, `pull`: a folder kept, made again, completed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.language import say
from did_service.cli.passphrases import passphrase_options, place_given
from did_service.core.text import Bilingual, printable
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject
    from did_service.node.pulling import Pulled
    from did_service.node.restore import Restored

_FOLDER = click.Path(file_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

_BACKUP_EXAMPLES = """\
  did-service backup /srv/gd /backup/gd-monday
  cd /backup/gd-monday && sha256sum --check --quiet SHA256SUMS
"""
_RESTORE_EXAMPLES = """\
  did-service restore /backup/gd-monday /srv/gd --passphrase-file /media/safe/pass
  did-service pull /srv/gd
  did-service region serve /srv/gd
"""
_PULL_EXAMPLES = """\
  did-service pull /srv/gd
  did-service pull /srv/gd --guard-lost
"""


@click.command(cls=SpokenCommand, epilog=_BACKUP_EXAMPLES, params=passphrase_options())
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@language.option
@_JSON
def backup(folder: Path, out: Path, *, as_json: bool, **given: object) -> int:
    """Copy a service, which may be running, into a new folder.

    The copy is one state of its databases and files, opened and examined before it gets its
    name, with a sum for each file, and a proof that whoever can open the keyring has made it.
    Configuration, policy and keyring are in it, the keyring sealed as it is, and of a region
    what its founding and its root DID have left; the passphrase is not, and never the guards
    last-signed and last-cosigned: an old guard would let a key sign a second history.
    """
    from did_service.node.backup import back_up
    from did_service.node.configuration import FILE, read_configuration
    from did_service.program.clock import SYSTEM
    from did_service.program.passphrase import read_passphrase

    configuration = read_configuration(folder / FILE, os.environ)
    place = place_given(given) or configuration.text("keys.passphrase")
    passphrase = read_passphrase(place, os.environ)
    record = back_up(configuration, out, passphrase, SYSTEM, _progress(as_json=as_json))
    _answer("backup", record.encode(), as_json=as_json)
    if not as_json:
        _tell(Bilingual(f"已备份：{record.files} 个文件", f"backed up: {record.files} files"))
        for origin, size in record.logs.items():
            _tell(Bilingual(f"{origin}：{size} 条", f"{origin}: {size} entries"))
        if not record.examined:
            _tell(_NOT_EXAMINED)
    return 0


_PROVEN = Bilingual(
    "出自持有密钥环口令者，文件无改动；是否最新一份无从核对，请核对上述时间",
    "made by whoever has the keyring's passphrase, and unchanged since; that it is the newest "
    "one cannot be checked: compare its time",
)
_NOT_EXAMINED = Bilingual(
    "数据表属于其他版本，只核对了数据库本身，未与签名核对",
    "the tables are those of another release: the databases were checked, not the signatures",
)


@click.command(cls=SpokenCommand, epilog=_RESTORE_EXAMPLES, params=passphrase_options())
@click.argument("kept", metavar="BACKUP", type=_FOLDER)
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option(
    "--place",
    "places",
    metavar="NAME=PATH",
    multiple=True,
    help="Let this setting's file lie at a path outside of DIR; may be repeated.",
)
@language.option
@_JSON
def restore(
    kept: Path, folder: Path, *, places: tuple[str, ...], as_json: bool, **given: object
) -> int:
    """Make a service's folder of a backup, once it is known who made it.

    The passphrase of its keyring proves that, and every file has to have its sum; say where it
    is: what the backup says about that is not believed. Whether it is the newest backup nobody
    can tell: look at its time.

    The folder is empty, but for guards: those stay, and are worth more than the backup. A
    region, registry or witness is not served before `pull` has found that all it had signed is
    here. Killed on the way, the command goes on where it was.

    Nothing is written outside of DIR, wherever the configuration points, unless --place says
    the same. Compare the fingerprint of the policy with the one that others know.
    """
    from did_service.core.errors import UsageError
    from did_service.node.restore import RestoreOrder
    from did_service.node.restore import restore as make
    from did_service.node.setting_table import variable_of
    from did_service.program.clock import SYSTEM
    from did_service.program.passphrase import read_passphrase

    # The setting's variable is a person's word as well; its line in the backup is not.
    where = place_given(given) or os.environ.get(variable_of("keys.passphrase"))
    if where is None:
        raise UsageError("passphrase_not_given", "restore is not told where the passphrase is")
    pairs = (each.partition("=") for each in places)
    named = {name: Path(path) for name, _, path in pairs if path}
    order = RestoreOrder(kept, folder, read_passphrase(where, os.environ), named)
    made = make(order, os.environ, SYSTEM, _progress(as_json=as_json))
    _answer("restore", _restored_data(made), as_json=as_json)
    if not as_json:
        for line in _restored_lines(made):
            _tell(line)
    return 0


def _restored_data(made: Restored) -> JsonObject:
    return {
        "folder": str(made.configuration.file.parent),
        "kind": made.record.kind.value,
        "made": made.record.made,
        "examined": made.record.examined,
        "guards": [*made.guards],
        "missing_guards": [*made.missing_guards],
        "policy": made.fingerprint,
    }


def _restored_lines(made: Restored) -> list[Bilingual]:
    folder, kind = str(made.configuration.file.parent), made.record.kind.value
    told = [
        Bilingual(f"已恢复：{made.record.made} 的备份", f"restored: as of {made.record.made}")
    ]
    told.append(_PROVEN)
    if not made.record.examined:
        told.append(_NOT_EXAMINED)
    if made.fingerprint:
        zh = f"政策指纹（请核对）：{made.fingerprint}"
        told.append(Bilingual(zh, f"policy (compare its fingerprint): {made.fingerprint}"))
    for name in made.missing_guards:
        zh = f"{name} 不在：由见证方的记录重新建立"
        told.append(Bilingual(zh, f"{name} is lost: it begins again from what witnesses show"))
    following = f"did-service {kind} serve {folder}"
    if made.guards or made.missing_guards:
        following = f"did-service pull {folder}"
    told.append(Bilingual(f"下一步：{following}", f"next: {following}"))
    return told


@click.command(cls=SpokenCommand, epilog=_PULL_EXAMPLES, params=passphrase_options())
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option(
    "--guard-lost", is_flag=True, help="The guard is lost: begin it from the witnesses."
)
@click.option(
    "--retire-former", is_flag=True, help="Go on under a new key, without what nobody has."
)
@language.option
@_JSON
def pull(
    folder: Path, *, guard_lost: bool, retire_former: bool, as_json: bool, **given: object
) -> int:
    """Fetch what a region has signed and does not hold, from the mirrors of other regions.

    The service must be stopped. Every entry is judged again, and nothing is taken that does not
    lead to a head which the log's own key has signed. Afterwards a restored folder may be
    served, and keys out of a backup sign again. Where nothing is missing nothing changes.

    Say --guard-lost only where last-signed or last-cosigned is gone for good: enough witnesses
    have to answer, and all that they show has to be here.

    Say --retire-former only where all regions have answered and none has what the guard knows
    (history_missing), and after policy publish --file-first has brought a policy with a new key
    for that log. The former key signs nothing more, ever; entries that were never witnessed
    are handed in again by whoever sent them.
    """
    from contextlib import closing

    from did_service.node.configuration import FILE, read_configuration
    from did_service.node.opened_keyring import opened_keyring
    from did_service.node.pulling import check_pullable, pull_region
    from did_service.node.starting import prepare
    from did_service.program.clock import SYSTEM
    from did_service.program.logs import prepare_log

    prepare_log("text", "error")  # which mirror did not answer is no news: the end says it
    configuration = read_configuration(folder / FILE, os.environ)
    keyring = opened_keyring(configuration, place_given(given), os.environ)
    setup = prepare(configuration, keyring, os.environ, SYSTEM, unreleased=True)
    with closing(setup.transport):
        done = pull_region(
            check_pullable(setup), keyring, guard_lost=guard_lost, retire=retire_former
        )
    _answer("pull", done.encode(), as_json=as_json)
    if not as_json:
        for line in _pulled_lines(done):
            _tell(line)
    return 0


def _pulled_lines(done: Pulled) -> list[Bilingual]:
    told = [
        Bilingual(
            f"{each.origin}：原有 {each.before} 条，现有 {each.after} 条",
            f"{each.origin}: {each.before} entries before, {each.after} now",
        )
        for each in done.logs
    ]
    told += [
        Bilingual(f"{origin} 的防护从 {size} 条起", f"the guard of {origin} begins at {size}")
        for origin, size in done.begun.items()
    ]
    told += [
        Bilingual(
            f"{origin}：旧密钥停用（已签 {each.signed} 条）；新密钥从 {each.goes_on} 条起",
            f"{origin}: the former keys have ended, with {each.signed} signed; the new one "
            f"goes on from {each.goes_on}",
        )
        for origin, each in done.retired.items()
    ]
    return told + [
        Bilingual(f"密钥可再次签署：{key}", f"this key may sign again: {key}")
        for key in done.released
    ]


def _progress(*, as_json: bool) -> Callable[[str, int, int], None]:
    """Return what says how far long work is; nothing to a script."""
    from did_service.program.progress import ProgressLines

    return (lambda *_: None) if as_json else ProgressLines(_tell)


def _answer(words: str, data: JsonObject, *, as_json: bool) -> None:
    from did_service.program.envelope import enveloped, written
    from did_service.program.streams import write_out

    if as_json:
        write_out(written(enveloped("did-service", words, data)))


def _tell(line: Bilingual) -> None:
    from did_service.program.streams import print_stderr

    print_stderr(f"did-service: {printable(say(line))}")
