"""`did-service federation`: founding a federation by files that people carry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.answers import FILE, answer, command, folder_argument
from did_service.cli.passphrases import passphrase_options
from did_service.core.text import Bilingual
from did_service.program.click_commands import CommandEntry, SpokenGroup

if TYPE_CHECKING:
    from did_service.core.encoding.strict_json import JsonObject

OUT = click.Option(["--out"], required=True, type=FILE, help="The file to write.")
FINGERPRINT = click.Option(
    ["--fingerprint"],
    required=True,
    help="As the others read it to you, by telephone or on paper: its hex digits.",
)
INSTEAD = click.Option(
    ["--instead"],
    is_flag=True,
    help="Sign it in place of another draft, which all members have given up.",
)
WAIT = click.Option(
    ["--wait"],
    type=click.IntRange(1, 3_600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the witnesses.",
)
MEMBERS = click.Argument(["members"], nargs=-1, required=True, type=FILE, metavar="MEMBER…")
DRAFT = click.Argument(["draft_file"], required=True, type=FILE, metavar="DRAFT")
SIGNED = click.Argument(["signed"], nargs=-1, type=FILE, metavar="[SIGNATURES]…")
REGION = folder_argument(default=None)
WITNESS_FILE = click.Option(
    ["--witness-file"],
    type=FILE,
    help="What the region's witness has made, where it runs on another host.",
)


def threshold_options() -> list[click.Parameter]:
    """Return the options of `start` and `next` that say how many it takes."""
    return [
        click.Option(
            ["--quorum"], type=click.INT, help="Other regions that cosign a checkpoint."
        ),
        click.Option(["--faults"], type=click.INT, help="How many of them may lie."),
        click.Option(
            ["--governors"], type=click.INT, help="Governance keys that sign a policy."
        ),
        click.Option(["--rules"], type=click.INT, help="Number of the rules of the logs."),
        click.Option(["--expires"], metavar="TIME", help="In UTC; else a year from now."),
    ]


def change_options() -> list[click.Parameter]:
    """Return the options by which a region changes what it says about itself."""
    return [
        click.Option(
            ["--add-year", "years"],
            multiple=True,
            type=click.IntRange(2_000, 9_999),
            help="Add the data log of a year; may be repeated.",
        ),
        click.Option(
            ["--rotate-log", "logs"],
            multiple=True,
            metavar="LOG",
            help="Make a new key for this log; may be repeated.",
        ),
        click.Option(
            ["--rotate-witness", "witness"], is_flag=True, help="Make a new key to cosign with."
        ),
        click.Option(
            ["--rotate-governance", "governance"],
            is_flag=True,
            help="Make a new key to sign policies with.",
        ),
        click.Option(
            ["--drop-former"],
            is_flag=True,
            help="Take the former keys of logs out, once the new ones sign.",
        ),
    ]


def _join(folder: Path, out: Path, *, as_json: bool, **given: object) -> int:
    """Make this region's keys, and the public file by which it joins.

    All in the file is public: names, hosts, the public halves of keys; each key has signed it.
    Run again, it gives the same file. In a federation that stands it says what is to change,
    for the next policy.
    """
    from did_service.cli import ceremony
    from did_service.node.federation.region_folder import encode_member, write_carried

    region, keyring = ceremony.opened(folder, given)
    made = ceremony.joined(region, keyring, given)
    is_new = write_carried(out, encode_member(made.member))
    data: JsonObject = {"out": str(out), "region": made.member.id, "changed": made.changed}
    name = made.member.id
    then = Bilingual(
        f"交给起草的地区；本地区是 {name}",
        f"hand it to the region that drafts; this one is {name}",
    )
    lines = ceremony.written_lines(out, then, is_new=is_new)
    return answer("federation join", data, lines, as_json=as_json)


def _witness(folder: Path, out: Path, *, as_json: bool, **given: object) -> int:
    """Make the keys of a witness on a host of its own, and its part of the member file.

    DIR is the folder that witness init has made. The file goes to the host of the region's
    registry, which takes it with federation join --witness-file. Run again, it gives the same
    file; --rotate makes a new key to cosign with, for the next policy.
    """
    from did_service.cli import ceremony

    return ceremony.told(folder, out, given, as_json=as_json)


def _start(
    members: tuple[Path, ...],
    federation: str,
    out: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Draft the first policy from the member files of all regions.

    No key is needed: any machine may do it. Run again with the same files it gives the same
    draft. How many must cosign and sign follows from the number of regions, unless it is said.
    """
    from did_service.cli import ceremony

    words = "federation start"
    return ceremony.first(words, members, federation, out, given, as_json=as_json)


def _sign(
    folder: Path,
    draft_file: Path,
    *,
    as_json: bool,
    **given: object,
) -> int:
    """Sign a draft with this region's keys.

    Look at it with show, and compare the fingerprint with all other regions first, by telephone
    or at one table: what they read to you is given with --fingerprint. A witness on a host of
    its own signs there first; its file is given here with --witness-file.
    """
    from did_service.cli import ceremony

    return ceremony.signed("federation", folder, draft_file, given, as_json=as_json)


def _finish(
    folder: Path,
    draft_file: Path,
    signed: tuple[Path, ...],
    wait: int,
    *,
    as_json: bool,
) -> int:
    """Put the signatures of all regions together: policy 1 stands when all have signed.

    Each region does it, and a witness on a host of its own. The first run writes the policy's
    file; once the service runs, the next one begins the region's log with the policy and its
    root. Run it until nothing is missing.
    """
    from did_service.cli import ceremony

    words = "federation finish"
    return ceremony.finished(words, folder, draft_file, signed, {"wait": wait}, as_json=as_json)


def _show(file: Path, *, as_json: bool) -> int:
    """Show what is in a file of a ceremony: a member file, a draft, signatures or a policy."""
    from did_service.cli.ceremony_files import shown

    data, lines = shown(file)
    return answer("federation show", data, lines, as_json=as_json)


join_ = command(
    _join,
    "join",
    REGION,
    click.Option(["--name-zh"], help="Name of the region in Chinese."),
    click.Option(["--name-en"], help="Its name in English."),
    click.Option(["--territory"], multiple=True, help="Six-digit code; may be repeated."),
    click.Option(
        ["--prefix", "prefixes"],
        multiple=True,
        help="Beginning of schema ids that it owns; https://HOST/ by default.",
    ),
    *change_options(),
    WITNESS_FILE,
    OUT,
    *passphrase_options(),
    epilog="""\
  did-service federation join gd --name-zh 广东 --name-en Guangdong --territory 440000 \\
    --out gd.member.json
""",
)
witness = command(
    _witness,
    "witness",
    REGION,
    click.Option(["--rotate"], is_flag=True, help="Make a new key to cosign with."),
    OUT,
    *passphrase_options(),
    epilog="  did-service federation witness gd-witness --out gd.witness.json\n",
)
start = command(
    _start,
    "start",
    MEMBERS,
    click.Option(["--federation"], required=True, metavar="URN", help="Its name for good."),
    click.Option(["--demo"], is_flag=True, help="All is fictional; each verdict says so."),
    *threshold_options(),
    OUT,
    epilog="""\
  did-service federation start *.member.json --federation urn:didsvc:federation:south \\
    --out draft.json
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
  did-service federation show draft.json
  did-service federation sign gd draft.json --fingerprint "c869 a928 …" --out gd.signed.json
""",
)
finish = command(
    _finish,
    "finish",
    REGION,
    DRAFT,
    SIGNED,
    WAIT,
    epilog="  did-service federation finish gd draft.json *.signed.json\n",
)
show = command(
    _show,
    "show",
    click.Argument(["file"], required=True, type=FILE, metavar="FILE"),
    epilog="  did-service federation show draft.json\n",
)

federation = language.option(
    SpokenGroup(
        "federation",
        {
            "join": CommandEntry(
                f"{__name__}:join_", "Make keys and this region's public file."
            ),
            "witness": CommandEntry(
                f"{__name__}:witness", "Make the part of a witness on another host."
            ),
            "start": CommandEntry(f"{__name__}:start", "Draft policy 1 from all member files."),
            "sign": CommandEntry(f"{__name__}:sign", "Compare a draft, and sign it."),
            "finish": CommandEntry(
                f"{__name__}:finish", "Let policy 1 stand, once all signed."
            ),
            "show": CommandEntry(f"{__name__}:show", "Show a file of the ceremony."),
        },
        "Found a federation by files that people carry.",
    )
)
