"""`did-service policy`: show the policy, and make, sign and publish the next one."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.cli import language
from did_service.cli.answers import FILE, answer, command
from did_service.cli.federation import (
    DRAFT,
    FINGERPRINT,
    INSTEAD,
    OUT,
    REGION,
    SIGNED,
    WAIT,
    WITNESS_FILE,
    change_options,
    threshold_options,
)
from did_service.cli.passphrases import passphrase_options
from did_service.program.click_commands import CommandEntry, SpokenGroup


def _show(file: Path, *, as_json: bool) -> int:
    """Show a policy: fingerprint, regions, quorum, when it expires.

    FILE is a policy, a draft of one, or the folder of a region.
    """
    from did_service.cli.ceremony_files import shown

    data, lines = shown(file)
    return answer("policy show", data, lines, as_json=as_json)


def _next(
    folder: Path,
    members: tuple[Path, ...],
    removed: tuple[str, ...],
    out: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Draft the policy after the one in force.

    What changes about this region is said here; other regions, and new ones, say it with
    federation join, and their files are given with --member. Thresholds follow the number of
    regions where that changes. Run again it gives the same draft.
    """
    from did_service.cli import ceremony

    return ceremony.following(folder, members, removed, out, given, as_json=as_json)


def _sign(
    folder: Path,
    draft_file: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Sign the draft of a later policy with this region's keys.

    It must follow the policy in force here. Compare the fingerprint with the other regions
    first. Where the region's governance key changes, both the former and the new one sign.
    """
    from did_service.cli import ceremony

    return ceremony.signed("policy", folder, draft_file, given, as_json=as_json)


def _publish(
    folder: Path,
    draft_file: Path,
    signed: tuple[Path, ...],
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Hand the signed policy in to this region's log, then put it into its file.

    The service must be running: its log takes the policy while it still signs with the keys
    that the witnesses know. Then the file is replaced, and the service takes it at SIGHUP. What
    the other regions' logs hold is said as well. A witness on a host of its own does it last.

    Say --file-first only where the log cannot take the policy under its former key, because
    pull cannot fetch what that key has signed: the file is replaced at once, the log takes the
    policy when it is served again.
    """
    from did_service.cli import ceremony

    words = "policy publish"
    return ceremony.finished(words, folder, draft_file, signed, given, as_json=as_json)


show = command(
    _show,
    "show",
    click.Argument(
        ["file"], default=".", type=click.Path(path_type=Path), metavar="[FILE]", required=False
    ),
    epilog="""\
  did-service policy show gd
  did-service policy show policy.json --json
""",
)
next_ = command(
    _next,
    "next",
    REGION,
    click.Option(
        ["--member", "members"],
        multiple=True,
        type=FILE,
        help="A member file; may be repeated.",
    ),
    click.Option(
        ["--remove", "removed"], multiple=True, metavar="REGION", help="A region that leaves."
    ),
    *change_options(),
    WITNESS_FILE,
    *threshold_options(),
    OUT,
    *passphrase_options(),
    epilog="""\
  did-service policy next gd --add-year 2028 --member hn.member.json --out draft-2.json
  did-service policy next gd --rotate-witness --rules 2 --out draft-2.json
""",
)
sign = command(
    _sign,
    "sign",
    REGION,
    DRAFT,
    FINGERPRINT,
    INSTEAD,
    WITNESS_FILE,
    OUT,
    *passphrase_options(),
    epilog="""\
  did-service policy sign gd draft-2.json --fingerprint "c869 a928 …" --out gd.signed-2.json
""",
)
publish = command(
    _publish,
    "publish",
    REGION,
    DRAFT,
    SIGNED,
    WAIT,
    click.Option(
        ["--file-first"], is_flag=True, help="Replace the file before the log has the policy."
    ),
    epilog="  did-service policy publish gd draft-2.json *.signed-2.json\n",
)

policy = language.option(
    SpokenGroup(
        "policy",
        {
            "show": CommandEntry(f"{__name__}:show", "Show a policy and its fingerprint."),
            "next": CommandEntry(f"{__name__}:next_", "Draft the next policy."),
            "sign": CommandEntry(f"{__name__}:sign", "Compare a draft, and sign it."),
            "publish": CommandEntry(f"{__name__}:publish", "Let the next policy stand here."),
        },
        "Show the policy, and make the next one.",
    )
)
