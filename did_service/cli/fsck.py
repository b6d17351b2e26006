"""`did-service fsck`: whether what a region keeps is what was signed, and making it so."""

from __future__ import annotations

import os
from pathlib import Path

import click

from did_service.cli import language
from did_service.cli.language import say, spoken
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual, quote
from did_service.program.click_commands import SpokenCommand

_EXAMPLES = """\
  did-service fsck /srv/gd
  did-service fsck /srv/gd --repair
  did-service fsck /backup/gd-monday/data --policy policy.json
"""
_NEXT = {  # by whether it has repaired
    False: Bilingual(
        "先加 --repair 再运行一次；仍列出的，用 did-service pull 取回",
        "run it again with --repair; what is named then, did-service pull fetches",
    ),
    True: Bilingual(
        "仍列出的在本机已丢失：用 did-service pull 从其他地区取回",
        "what is still named is lost here: did-service pull fetches it from the others",
    ),
}


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The pinned policy, where DIR holds data and no configuration.",
)
@click.option("--repair", is_flag=True, help="Make files from rows, and rows from files.")
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fsck(folder: Path, policy_file: Path | None, *, repair: bool, as_json: bool) -> int:
    """Recompute every log that a folder holds from its bytes, and name what differs.

    The service must be stopped. Nothing is changed without --repair; with it, files are made
    again from the database, and the database from files, whichever leads to a tree that was
    signed. What is still named afterwards is lost here and stands in the mirrors of the other
    regions.
    """
    from did_service.node.fsck import check_folder
    from did_service.node.pinned_policy import data_of
    from did_service.program.envelope import enveloped, written
    from did_service.program.exits import Exit
    from did_service.program.failure import HINT, label
    from did_service.program.streams import print_stderr, write_out
    from did_service.program.words import told_code

    storage, policy = data_of(folder, policy_file, os.environ)
    found = check_folder(storage, policy, mend=repair)
    data: JsonObject = {
        log: [{"code": each.code, "where": each.where} for each in findings]
        for log, findings in found.items()
    }
    if as_json:
        write_out(written(enveloped("did-service", "fsck", {"logs": data})))
    for log, findings in found.items():
        for each in findings:
            print_stderr(
                f"did-service: {log}: {say(told_code(each.code))}: {quote(each.where)}"
            )
    if not any(found.values()):
        sound = Bilingual(f"{len(found)} 个登记簿完好", f"{len(found)} logs are sound")
        print_stderr(f"did-service: {say(sound)}")
        return 0
    if not as_json:
        print_stderr(f"did-service: {label(HINT, spoken())}{say(_NEXT[repair])}")
    return Exit.DAMAGED
