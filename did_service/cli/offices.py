"""`agency request|accept`, `region grant|…|publish-…`, and `officer`: offices by files."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.cli import language
from did_service.cli.answers import FILE, command, folder_argument
from did_service.cli.federation import OUT, REGION
from did_service.cli.passphrases import passphrase_options
from did_service.program.click_commands import CommandEntry, SpokenGroup

_YES = click.Option(["--yes"], is_flag=True, help="Sign what was shown.")
_ABOUT = [
    click.Option(["--agency"], required=True, metavar="DID", help="Whom it is about."),
    click.Option(["--scope"], required=True, help="The word of the statement."),
]
_DAYS = click.Option(
    ["--days"],
    type=click.IntRange(1, 400),
    default=365,
    show_default=True,
    help="How long the token is good.",
)
_NAME = click.Argument(["name"], required=True, metavar="NAME")
_DIR = folder_argument(default=None)


def _request(folder: Path, out: Path, *, as_json: bool, **given: object) -> int:
    """Ask the region for authority: write the file that it decides on.

    It holds the agency's DID, what it wants to issue and where, signed with its own key.
    """
    from did_service.cli import office_steps

    return office_steps.request(folder, out, given, as_json=as_json)


def _accept(folder: Path, file: Path, *, as_json: bool) -> int:
    """Take a grant of the region into this agency's configuration.

    Two settings change: statements and mirrors. The service takes them at SIGHUP.
    """
    from did_service.cli import office_steps

    return office_steps.accept(folder, file, as_json=as_json)


def _grant(folder: Path, file: Path, *, as_json: bool, **given: object) -> int:
    """Grant what an agency asks for, or a part of it.

    First it is shown; with --yes it is signed with the root's key and published: the agency's
    DID, then the statement. The file that --out names goes back to the agency.
    """
    from did_service.cli import office_steps

    return office_steps.grant(folder, file, given, as_json=as_json)


def _change(folder: Path, *, as_json: bool, **given: object) -> int:
    """Change what an agency was granted, as of now."""
    from did_service.cli import office_steps

    verb = click.get_current_context().info_name or ""
    return office_steps.change(verb, folder, given, as_json=as_json)


def _take_custody(folder: Path, *, as_json: bool, **given: object) -> int:
    """Take over the status lists of an agency whose authority has ended.

    Each list is signed anew by the region's root, its bits unchanged, so that what the agency
    issued can still be checked.
    """
    from did_service.cli import office_steps

    return office_steps.take_custody(folder, given, as_json=as_json)


def _publish_schema(folder: Path, file: Path, *, as_json: bool, **given: object) -> int:
    """Publish a JSON Schema under its $id, signed by the region's root.

    It stays for good. Both validators must take it.
    """
    from did_service.cli import office_steps

    return office_steps.publish("schema", folder, file, given, as_json=as_json)


def _publish_item(folder: Path, file: Path, *, as_json: bool, **given: object) -> int:
    """Publish a service item under its id, or its next version."""
    from did_service.cli import office_steps

    return office_steps.publish("item", folder, file, given, as_json=as_json)


def _officer_add(folder: Path, name: str, *, as_json: bool, **given: object) -> int:
    """Add an officer; the token is shown this once, and kept nowhere."""
    from did_service.cli import officer_steps

    return officer_steps.add(folder, name, given, as_json=as_json)


def _officer_token(folder: Path, name: str, *, as_json: bool, **given: object) -> int:
    """Give an officer a new token; the one before is void at once."""
    from did_service.cli import officer_steps

    return officer_steps.renew(folder, name, given, as_json=as_json)


def _officer_revoke(folder: Path, name: str, *, as_json: bool, **given: object) -> int:
    """Let an officer do nothing any more, at once. The name stays taken for good."""
    from did_service.cli import officer_steps

    return officer_steps.revoke(folder, name, given, as_json=as_json)


def _officer_list(folder: Path, *, as_json: bool, **given: object) -> int:
    """List the officers: roles, how the token begins, when it ends."""
    from did_service.cli import officer_steps

    return officer_steps.listed(folder, given, as_json=as_json)


request = command(
    _request,
    "request",
    _DIR,
    click.Option(["--name-zh"], required=True, help="Name of the agency in Chinese."),
    click.Option(["--name-en"], required=True, help="Its name in English."),
    click.Option(["--scope"], required=True, help="A word for this statement."),
    click.Option(["--type", "types"], multiple=True, required=True, help="What it will issue."),
    click.Option(
        ["--territory"], multiple=True, help="Six-digit code; its jurisdiction by default."
    ),
    OUT,
    *passphrase_options(),
    epilog="""\
  did-service agency request gz --name-zh 广州市公安局 --name-en "Guangzhou Police" \\
    --scope residence --type urn:didsvc:residence-permit:1 --out gz.request.json
""",
)
accept = command(
    _accept,
    "accept",
    _DIR,
    click.Argument(["file"], required=True, type=FILE, metavar="GRANT"),
    epilog="  did-service agency accept gz gz.grant.json\n",
)
grant = command(
    _grant,
    "grant",
    REGION,
    click.Argument(["file"], required=True, type=FILE, metavar="REQUEST"),
    click.Option(["--until"], required=True, metavar="TIME", help="When it ends, in UTC."),
    click.Option(["--basis-zh"], required=True, help="The legal basis, in Chinese."),
    click.Option(["--basis-en"], required=True, help="The legal basis, in English."),
    click.Option(["--type", "types"], multiple=True, help="Grant these types alone."),
    click.Option(["--territory"], multiple=True, help="Grant it for these codes alone."),
    _YES,
    OUT,
    *passphrase_options(),
    epilog="""\
  did-service region grant gd gz.request.json --until 2031-01-01T00:00:00Z \\
    --basis-zh 居住证暂行条例 --basis-en "Interim Regulations" \\
    --out gz.grant.json --yes
""",
)
suspend, reinstate, end = (
    command(
        _change,
        verb,
        REGION,
        *_ABOUT,
        _YES,
        *passphrase_options(),
        epilog=f"  did-service region {verb} gd --agency did:webvh:… --scope residence --yes\n",
    )
    for verb in ("suspend", "reinstate", "end")
)
take_custody = command(
    _take_custody,
    "take-custody",
    REGION,
    *_ABOUT,
    *passphrase_options(),
    epilog="  did-service region take-custody gd --agency did:webvh:… --scope residence\n",
)
publish_schema, publish_item = (
    command(
        call,
        name,
        REGION,
        click.Argument(["file"], required=True, type=FILE, metavar="FILE"),
        *passphrase_options(),
        epilog=f"  did-service region {name} cn {name.partition('-')[2]}.json\n",
    )
    for call, name in ((_publish_schema, "publish-schema"), (_publish_item, "publish-item"))
)
officer_add = command(
    _officer_add,
    "add",
    _DIR,
    _NAME,
    click.Option(
        ["--role", "roles"],
        multiple=True,
        required=True,
        type=click.Choice(["accept", "approve", "revoke"]),
        help="What the officer may do; may be repeated.",
    ),
    _DAYS,
    *passphrase_options(),
    epilog="  did-service officer add gz 王芳 --role accept --days 90\n",
)
officer_token = command(
    _officer_token,
    "token",
    _DIR,
    _NAME,
    _DAYS,
    *passphrase_options(),
    epilog="  did-service officer token gz 王芳\n",
)
officer_revoke = command(
    _officer_revoke,
    "revoke",
    _DIR,
    _NAME,
    *passphrase_options(),
    epilog="  did-service officer revoke gz 王芳\n",
)
officer_list = command(
    _officer_list,
    "list",
    _DIR,
    *passphrase_options(),
    epilog="  did-service officer list gz\n",
)

officer = language.option(
    SpokenGroup(
        "officer",
        {
            "add": CommandEntry(f"{__name__}:officer_add", "Add an officer."),
            "token": CommandEntry(f"{__name__}:officer_token", "Give an officer a new token."),
            "revoke": CommandEntry(f"{__name__}:officer_revoke", "Shut an officer out."),
            "list": CommandEntry(f"{__name__}:officer_list", "List the officers."),
        },
        "Keep the officers of an agency and their tokens.",
    )
)
