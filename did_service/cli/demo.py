"""`did-service demo`: options, and what is printed."""

from __future__ import annotations

from pathlib import Path

import click

from did_service.program.click_commands import SpokenCommand
from did_service.program.language import COMMON, Language
from did_service.program.streams import write_out

_EXAMPLES = """\
  did-service demo
  did-service demo --lang en --keep story
  cd story && cat scenes/undecided-stale/command.txt
"""


@click.command(cls=SpokenCommand, epilog=_EXAMPLES)
@click.option(
    "--lang",
    type=click.Choice([each.value for each in Language]),
    default=Language.BOTH.value,
    envvar=COMMON,
    show_default=True,
    show_envvar=True,
    help="Language of the demonstration.",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Leave every file in this new folder, to repeat each step by hand.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, no narration.")
def demo(lang: str, keep: Path | None, *, as_json: bool) -> int:
    """Play the demonstration: five regions, two agencies, a citizen and a counter.

    Everything runs on this machine without a network: the registries and witnesses of five
    regions, two agencies, the citizen's wallet and the counter's verifier. Twelve scenes show
    what the counter accepts, refuses, and cannot tell, and why.
    """
    from did_service.demo import play
    from did_service.program.clock import SYSTEM
    from did_service.program.envelope import enveloped, written
    from did_service.program.exits import Exit

    options = play.Options(Language(lang), keep, quiet=as_json)
    played, seconds = play.play(options, SYSTEM)
    result = play.encode(played, seconds)
    code = Exit.DONE if result["ok"] else Exit.REFUSED
    if as_json:
        write_out(written(enveloped("did-service", "demo", result, exit_code=code)))
    return code
