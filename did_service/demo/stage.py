"""What a scene is, and the stage that it is played on: its folder and the counter's verdict.

scenes/ID/input.json    what the counter is handed
scenes/ID/report.json   what its program made of it, which alone decides how the scene ended
scenes/ID/command.txt   how a reader lets did-verify judge it once more
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual
from did_service.demo.children import ChildRun
from did_service.demo.story import Story

Play = Callable[["Stage"], ChildRun]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene.

    Attributes:
        id: Kebab-case; names the folder below `scenes/`.
        title: What happens.
        told: What led to it, in a sentence.
        expected: The outcome that must come.
        play: Makes the input and lets the counter judge it.
    """

    id: str
    title: Bilingual
    told: Bilingual
    expected: str
    play: Play


@dataclass(frozen=True, slots=True)
class Stage:
    """One scene being played: its folder, and whether its attack takes place."""

    story: Story
    scene: Scene
    armed: bool

    @property
    def folder(self) -> str:
        """The scene's folder, relative to the story's."""
        return f"scenes/{self.scene.id}"

    @property
    def input(self) -> str:
        """The file that the counter is handed."""
        return f"{self.folder}/input.json"

    @property
    def report(self) -> str:
        """The file in which the counter's program puts its verdict."""
        return f"{self.folder}/report.json"

    def path(self, name: str) -> Path:
        """Return a path below the story's folder."""
        return self.story.folder / name

    def read(self, name: str) -> JsonObject:
        """Read a JSON file below the story's folder."""
        return strict_json.load_object(
            self.path(name).read_bytes(), numbers=strict_json.Numbers.FINITE
        )

    def write(self, name: str, text: str) -> None:
        """Write a file below the story's folder."""
        self.path(name).write_text(text, encoding="utf-8")

    def write_input(self, value: JsonObject) -> None:
        """Write the file that the counter is handed."""
        self.write(self.input, strict_json.dumps(value))

    def check(self, *arguments: str, again: Sequence[str] = ()) -> ChildRun:
        """Let the counter judge the input; the report stays in the scene's folder.

        Args:
            arguments: What `did-verify check` is told after the file.
            again: The same for a reader who repeats the scene in the kept folder, if other
                words are needed: a challenge that this counter has seen answered is spent.
        """
        asked = ("check", self.input)
        run = self.story.verify(*asked, *arguments, "--report", self.report)
        repeated = shlex.join(["did-verify", *asked, *(again or arguments)])
        self.write(f"{self.folder}/command.txt", f"{repeated}\n")
        return replace(run, command=shlex.join(["did-verify", *asked, *arguments]))

    def outcome(self) -> str:
        """Return the outcome that stands in the report file."""
        return str(self.read(self.report)["outcome"])
