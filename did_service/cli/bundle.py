"""`did-service bundle`: the trust bundle that counters load, from logs or their mirrors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.answers import CONFIG
from did_service.cli.language import say, spoken
from did_service.core.errors import DidServiceError, UsageError
from did_service.core.text import Bilingual
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.bundler.make import BundleTarget, MadeBundle
    from did_service.core.encoding.strict_json import JsonObject

OLD_SECONDS = 86_400  # a counter that follows the tier `day` takes nothing older

_EXAMPLES = """\
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz \\
    --mirror gd.example/reg=https://hn.example/witness/HEX
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz --every 300
  did-service bundle --policy policy.json --to s3://counters/gd --every 300
  did-service bundle --policy gd/policy.json --out newest.bundle.jsonl.gz --config gd
  did-verify trust import newest.bundle.jsonl.gz
"""


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.option(
    "--policy",
    "policy_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The pinned policy; it says which logs there are and whose cosignatures count.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--to",
    metavar="PLACE",
    help="Instead: a folder, or s3://BUCKET/PREFIX, of bundles alone; several may write there.",
)
@click.option(
    "--endpoint",
    metavar="URL",
    help="Where the bucket's service answers; else AWS_ENDPOINT_URL, else that of AWS.",
)
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="LOG=URL",
    help="Read a log at this base URL instead of at its own; may be repeated.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="LOG",
    help="Leave this log out; a control log takes its data logs with it; may be repeated.",
)
@CONFIG
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--every",
    type=click.IntRange(10, 86_400),
    metavar="SECONDS",
    help="Make it again and again, a tenth more or less apart; the file is replaced whole.",
)
@language.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bundle(
    policy_file: Path,
    mirrors: tuple[str, ...],
    without: tuple[str, ...],
    service: Path | None,
    every: int | None,
    **given: object,
) -> int:
    """Make a trust bundle: check every log of the federation, write its state with the proofs.

    No log is trusted: each is compared with a checkpoint that enough witnesses cosigned, and
    the file is checked as a counter will check it. It is written only if a counter would accept
    all of it. A counter loads the file without a network, and keeps data of its own that are
    newer.

    With --to each bundle is a file of its own that never changes, bundle/SHA-256.jsonl.gz, and
    newest.json names the newest. The access key of a bucket is that of AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, or of the file that AWS_SHARED_CREDENTIALS_FILE names.
    """
    from did_service.bundler.make import BundleSources, make_bundle
    from did_service.node.reaching import routes_to_peers
    from did_service.program.clock import SYSTEM
    from did_service.program.repeating import Repetition

    as_json = bool(given["as_json"])
    target = _target(given, replace=bool(given["force"]) or every is not None)

    def make() -> int:
        now, routes = SYSTEM.clock(), routes_to_peers(service, os.environ)
        sources = BundleSources(routes, mirrors, without)
        made, where = make_bundle(policy_file, target, sources, now=now)
        return _answer(made, where, as_json=as_json)

    return Repetition(every, SYSTEM.rng).run(make if every is None else lambda: _attempt(make))


def _target(given: Mapping[str, object], *, replace: bool) -> BundleTarget:
    """Return where bundles go, by the one of two options that was given."""
    out, to = given["out"], given["to"]
    if isinstance(out, Path) and to is None:
        from did_service.bundler.make import FileTarget

        return FileTarget(out, replace)
    if isinstance(to, str) and out is None:
        return _place(to, str(given["endpoint"] or ""))
    refusal = UsageError("usage", "give either --out or --to", command="did-service bundle")
    refusal.message_zh = "--out 与 --to 须给且只给一个"
    raise refusal


def _place(to: str, endpoint: str) -> BundleTarget:
    from did_service.bundler.published import PlaceTarget, headers_of
    from did_service.storage.blob_places import BlobPlace, open_blobs

    return PlaceTarget(to, open_blobs(BlobPlace(to, endpoint), headers_of, os.environ))


def _attempt(make: Callable[[], int]) -> int:
    """Make it once of many times; what goes wrong is told, and the former file stays whole."""
    from did_service.program.exits import exit_of
    from did_service.program.failure import warning_text
    from did_service.program.streams import print_stderr

    try:
        return make()
    except DidServiceError as error:
        print_stderr(warning_text("did-service", error.code, error.message, spoken()))
        return exit_of(error)


def _answer(made: MadeBundle, where: JsonObject, *, as_json: bool) -> int:
    from did_service.program.envelope import enveloped, written
    from did_service.program.failure import label
    from did_service.program.streams import print_stderr, write_out

    if as_json:
        data: JsonObject = {**where, **made.encode()}
        write_out(written(enveloped("did-service", "bundle", data)))
        return 0
    for kind, told in (*_told(made), *_named(where)):
        print_stderr(f"did-service: {label(kind, spoken())}{say(told)}")
    return 0


def _named(where: JsonObject) -> Iterator[tuple[Bilingual, Bilingual]]:
    """Say under which name it was published, and whether it is the one that is named."""
    from did_service.program.failure import NOTE, WARNING

    if where.get("shown") == "newest":
        name = where["name"]
        yield NOTE, Bilingual(f"newest.json 现指向 {name}", f"newest.json names {name}")
    elif "shown" in where:
        yield (
            WARNING,
            Bilingual(
                "newest.json 未改：所指证据包中有登记簿比本包更新",
                "newest.json stays: the bundle that it names has more of some log",
            ),
        )


def _told(made: MadeBundle) -> Iterator[tuple[Bilingual, Bilingual]]:
    """Say what was written, and how old each log in it is."""
    from did_service.program.failure import NOTE, WARNING
    from did_service.verifier.dates import duration

    yield (
        NOTE,
        Bilingual(
            f"{len(made.logs)} 个登记簿的 {made.items} 条记录",
            f"{made.items} entries of {len(made.logs)} logs",
        ),
    )
    for log, age in made.ages():
        words = duration(age)
        yield (
            WARNING if age > OLD_SECONDS else NOTE,
            Bilingual(
                f"{log.origin}：截至 {words.zh}前，{log.size} 条",
                f"{log.origin}: as of {words.en} ago, {log.size} entries",
            ),
        )
    for origin in made.left_out:
        yield WARNING, Bilingual(f"{origin}：未收入", f"{origin}: left out, as asked")
