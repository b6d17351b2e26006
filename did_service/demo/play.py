"""Play the whole story and say how each scene ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, quote
from did_service.core.text import Bilingual
from did_service.demo.children import Children
from did_service.demo.narrator import Narrator
from did_service.demo.scenes import SCENES
from did_service.demo.stage import Scene, Stage
from did_service.demo.story import Story
from did_service.demo.world import opened
from did_service.program.clock import ClockAndRandom
from did_service.program.language import Language

SCHEMA = "demo/1"


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played; `outcome` is what the counter's report says."""

    scene: Scene
    outcome: str
    seconds: float

    @property
    def as_expected(self) -> bool:
        """Whether the outcome is the one that must come."""
        return self.outcome == self.scene.expected


@dataclass(frozen=True, slots=True)
class Options:
    """How to play.

    Attributes:
        language: In which the story is told.
        keep: Where every file stays; None plays in a folder that is removed.
        quiet: Tell nothing.
        disarmed: Leave the attacks out, so that their scenes must fail; for tests.
    """

    language: Language
    keep: Path | None
    quiet: bool
    disarmed: bool = False


def play(options: Options, edge: ClockAndRandom) -> tuple[Sequence[Played], float]:
    """Play all scenes; returns them and the seconds that all of it took.

    The story plays in a thread of its own. Python raises what a signal asks for in the main
    thread, wherever that is: between the start of a thread and the note of it, nothing would
    wait for that thread, and it would write into a folder that is being removed.

    Raises:
        ConflictError: `folder_not_empty`: nothing that is there is overwritten.
        UnavailableError: `child_failed`, or a service that does not answer.
        KeyboardInterrupt: someone ended the story early; everything is cleared up.
    """
    ended = Event()
    with ThreadPoolExecutor(1) as apart:
        try:
            return apart.submit(_play_all, options, edge, ended).result()
        finally:
            ended.set()


def _play_all(
    options: Options, edge: ClockAndRandom, ended: Event
) -> tuple[Sequence[Played], float]:
    began = perf_counter()
    logging.getLogger("did_service").addHandler(logging.NullHandler())  # the narrator speaks
    with ExitStack() as stack:
        folder = _folder(options.keep, stack)
        narrator = Narrator(options.language, ended, quiet=options.quiet)
        narrator.title(
            Bilingual(
                "跨省通办：离线核验一份证照", "A credential crosses provinces, verified offline"
            ),
            Bilingual(
                "人物机构均为虚构，全程不联网",
                "all people and agencies are fictional; no network",
            ),
        )
        world = stack.enter_context(opened(folder, edge))
        environment = {
            "DIDSVC_ROUTES": str(folder / "routes.json"),
            "DIDVERIFY_LANG": options.language.value,
        }
        children = Children(folder, environment)
        story = Story(folder, world, children, narrator)
        played = _played(story, options)
        seconds = perf_counter() - began
        narrator.summary(
            [(p.scene.title, p.outcome, p.as_expected, p.seconds) for p in played], seconds
        )
        if options.keep:
            narrator.kept(str(options.keep))
    return played, seconds


def encode(played: Sequence[Played], seconds: float) -> JsonObject:
    """Return the object that `--json` prints."""
    return {
        "schema": SCHEMA,
        "ok": all(each.as_expected for each in played),
        "seconds": round(seconds, 3),
        "scenes": [
            {
                "id": each.scene.id,
                "expected": each.scene.expected,
                "outcome": each.outcome,
                "seconds": round(each.seconds, 3),
            }
            for each in played
        ],
    }


def _played(story: Story, options: Options) -> list[Played]:
    """Play chapter by chapter; citizen and counter get ready while the agencies are set up."""
    story.found()
    with ThreadPoolExecutor() as aside:
        wallet, counter = aside.submit(story.make_wallet), aside.submit(story.make_counter)
        story.authorise()
        story.issue(wallet)
        story.tell.chapter(Bilingual("四、窗口核验", "4. At the counter"))
        story.equip_counter(counter)
    return [_play(Stage(story, scene, not options.disarmed)) for scene in SCENES]


def _play(stage: Stage) -> Played:
    began = perf_counter()
    stage.path(stage.folder).mkdir(parents=True)
    stage.story.tell.chapter(stage.scene.title)
    stage.story.tell.note(stage.scene.told)
    run = stage.scene.play(stage)
    played = Played(stage.scene, stage.outcome(), perf_counter() - began)
    stage.story.tell.command(run.command)
    stage.story.tell.verdict(played.outcome, run.lines, expected=stage.scene.expected)
    return played


def _folder(keep: Path | None, stack: ExitStack) -> Path:
    if keep is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="didsvc-demo-")))
    if keep.exists() and any(keep.iterdir()):
        raise ConflictError("folder_not_empty", quote(keep))
    keep.mkdir(parents=True, exist_ok=True)
    return keep.resolve()
