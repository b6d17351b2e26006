"""`did-service bundle`: the trust bundle that counters load, from logs or their mirrors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli import language
from did_service.cli.answers import CONFIG
from did_service.cli.language import say, spoken
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual
from did_service.program.click_commands import SpokenCommand

if TYPE_CHECKING:
    from did_service.bundler.make import MadeBundle

OLD_SECONDS = 86_400  # a counter that follows the tier `day` takes nothing older

_EXAMPLES = """\
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz \\
    --mirror gd.example/reg=https://hn.example/witness/HEX
  did-service bundle --policy policy.json --out newest.bundle.jsonl.gz --every 300
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
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
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
    out: Path,
    mirrors: tuple[str, ...],
    without: tuple[str, ...],
    service: Path | None,
    every: int | None,
    **flags: bool,
) -> int:
    """Make a trust bundle: check every log of the federation, write its state with the proofs.

    No log is trusted: each is compared with a checkpoint that enough witnesses cosigned, and
    the file is checked as a counter will check it. It is written only if a counter would accept
    all of it. A counter loads the file without a network, and keeps data of its own that are
    newer.
    """
    from did_service.bundler.make import BundleSources, make_bundle
    from did_service.node.reaching import routes_to_peers
    from did_service.program.clock import SYSTEM
    from did_service.program.repeating import Repetition

    replace, as_json = flags["force"] or every is not None, flags["as_json"]

    def make() -> int:
        now, routes = SYSTEM.clock(), routes_to_peers(service, os.environ)
        sources = BundleSources(routes, mirrors, without)
        made = make_bundle(policy_file, out, sources, now=now, replace=replace)
        return _answer(made, as_json=as_json)

    return Repetition(every, SYSTEM.rng).run(make if every is None else lambda: _attempt(make))


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


def _answer(made: MadeBundle, *, as_json: bool) -> int:
    from did_service.program.envelope import enveloped, written
    from did_service.program.failure import label
    from did_service.program.streams import print_stderr, write_out

    if as_json:
        write_out(written(enveloped("did-service", "bundle", made.encode())))
        return 0
    for kind, told in _told(made):
        print_stderr(f"did-service: {label(kind, spoken())}{say(told)}")
    return 0


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
