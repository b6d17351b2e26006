"""`did-service registry publish`: the published files of a region, to serve elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from did_service.cli.answers import answer, command, folder_argument
from did_service.cli.language import say, spoken
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual, printable, quote

if TYPE_CHECKING:
    from did_service.node.publishing import CopiedRegion
    from did_service.replica.copying import CopiedLog

_EXAMPLES = """\
  did-service registry publish gd --to /srv/www/gd
  did-service registry publish gd --to s3://gd-tiles --endpoint https://s3.example
  did-service registry publish gd --to s3://gd-tiles/2026 --new --every 60
"""
_VERDICTS = {
    "served": Bilingual("已发布", "served"),
    "ahead": Bilingual("对方已有更大的树，未替换", "a larger tree is there, and stays"),
    "withheld": Bilingual("有文件不符，检查点未发布", "files differ: checkpoint withheld"),
    "nothing": Bilingual("尚未发布任何内容", "nothing was published yet"),
}


def _publish(
    folder: Path,
    to: str,
    endpoint: str | None,
    every: int | None,
    *,
    new: bool,
    as_json: bool,
) -> int:
    """Copy what this region publishes to a folder or a bucket, from which anybody may serve it.

    Tiles, entry bundles, contents with the status lists, and heads come first, put only where
    nothing is; the checkpoint comes last and never falls. The registry may run meanwhile, no
    database is read, and two may copy to one place. Cut off, run it again: it goes on.

    What is there already is read and compared, unless --new is given. Where bytes differ they
    are named, nothing is replaced, and the checkpoint is withheld; the command ends with 11.

    The access key of a bucket is that of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or of the
    file that AWS_SHARED_CREDENTIALS_FILE names. It is never an argument.
    """
    from did_service.node.configuration import FILE, read_configuration
    from did_service.node.publishing import CopyOrder, copy_region
    from did_service.node.setting_table import ServiceKind
    from did_service.program.clock import SYSTEM
    from did_service.program.repeating import Repetition
    from did_service.storage.blob_places import BlobPlace

    kinds = (ServiceKind.REGISTRY, ServiceKind.REGION)
    configuration = read_configuration(folder / FILE, os.environ, kinds)
    order = CopyOrder(BlobPlace(to, endpoint or ""), compare=not new)

    def copy() -> int:
        progress = _progress(as_json=as_json)
        made = copy_region(configuration, order, os.environ, progress)
        return _answer(made, as_json=as_json)

    return Repetition(every, SYSTEM.rng).run(copy if every is None else lambda: _attempt(copy))


def _attempt(copy: Callable[[], int]) -> int:
    """Copy once of many times; what goes wrong is told, and the next time goes on."""
    from did_service.program.exits import exit_of
    from did_service.program.failure import warning_text
    from did_service.program.streams import print_stderr

    try:
        return copy()
    except DidServiceError as error:
        print_stderr(warning_text("did-service", error.code, error.message, spoken()))
        return exit_of(error)


def _answer(made: CopiedRegion, *, as_json: bool) -> int:
    from did_service.program.exits import Exit

    code = Exit.DONE if made.is_sound else Exit.DAMAGED
    lines = (line for origin, log in made.logs.items() for line in _lines(origin, log))
    return answer("registry publish", made.encode(), lines, as_json=as_json, code=code)


def _lines(origin: str, log: CopiedLog) -> Iterator[Bilingual]:
    told = _VERDICTS[log.verdict.value]
    yield Bilingual(
        f"{origin}：{log.size} 条，{told.zh}；新放 {log.made} 个文件，已有 {log.there} 个",
        f"{origin}: {log.size} entries, {told.en}; {log.made} files put, {log.there} there",
    )
    for name in log.differing:
        yield Bilingual(f"  内容不符：{quote(name)}", f"  differs: {quote(name)}")


def _progress(*, as_json: bool) -> Callable[[str, int, int], None]:
    """Return what says how far the copy has come; nothing to a script."""
    from did_service.program.progress import ProgressLines
    from did_service.program.streams import print_stderr

    def tell(line: Bilingual) -> None:
        print_stderr(f"did-service: {printable(say(line))}")

    return (lambda *_: None) if as_json else ProgressLines(tell)


publish = command(
    _publish,
    "publish",
    folder_argument(),
    click.Option(
        ["--to"],
        required=True,
        metavar="PLACE",
        help="A folder, or s3://BUCKET/PREFIX; it holds this region's logs alone.",
    ),
    click.Option(
        ["--endpoint"],
        metavar="URL",
        help="Where the bucket's service answers; else AWS_ENDPOINT_URL, else that of AWS.",
    ),
    click.Option(["--new"], is_flag=True, help="Put what is missing; compare nothing."),
    click.Option(
        ["--every"],
        type=click.IntRange(5, 86_400),
        metavar="SECONDS",
        help="Copy again and again, a tenth more or less apart.",
    ),
    epilog=_EXAMPLES,
)
