"""The scenes: one acceptance, the refusals, and what cannot be told.

A scene hands the counter an input and says which outcome must come. In a scene of attack the
input is what an attacker makes of the honest one; `armed=False` lets the attack out, and then
the credential must be accepted and the scene must fail: a test holds us to that. The order is
the story's: what is ended or revoked stays so.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from did_service.cli.demo import attacks
from did_service.cli.demo.cast import AUDIENCE, POLICE, SCHOOL
from did_service.cli.demo.children import Run
from did_service.cli.demo.forks import forked_evidence
from did_service.cli.demo.story import TRUST, Story
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import Bilingual

Play = Callable[["Stage"], Run]

FIRST = "scenes/accept-offline/input.json"
OLDER = "scenes/accept-issued-while-authorised"
BUNDLE = "counter/newest.bundle.json.gz"


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene.

    Attributes:
        id: Kebab-case; names the folder below `scenes/`.
        title: What happens.
        expected: The outcome that must come.
        play: Makes the input and lets the counter judge it.
    """

    id: str
    title: Bilingual
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

    def write_input(self, value: JsonObject) -> None:
        """Write the file that the counter is handed."""
        self.path(self.input).write_text(strict_json.dumps(value))

    def check(self, *arguments: str) -> Run:
        """Let the counter judge the input; the report stays in the scene's folder."""
        run = self.story.verify("check", self.input, *arguments, "--report", self.report)
        command = shlex.join(["did-verify", "check", self.input, *arguments])
        self.path(f"{self.folder}/command.txt").write_text(command + "\n")
        return run

    def outcome(self) -> str:
        """Return the outcome that stands in the report file."""
        return str(self.read(self.report)["outcome"])


def _present(stage: Stage) -> str:
    """Let the wallet answer a fresh challenge of the counter into the scene's input."""
    nonce = stage.story.challenge()
    stage.story.present(POLICE, nonce, stage.input)
    return nonce


def _check_at_counter(stage: Stage, nonce: str) -> Run:
    return stage.check("--trust", TRUST, "--nonce", nonce, "--audience", AUDIENCE)


def _check_again(stage: Stage, *arguments: str) -> Run:
    """Judge a copy of the first presentation, remembering nothing, so that it can be shown."""
    nonce = stage.path("scenes/accept-offline/nonce.txt").read_text().strip()
    shown = ("--policy", "policy.json", "--nonce", nonce, "--audience", AUDIENCE)
    return stage.check(*shown, *arguments)


def _accept(stage: Stage) -> Run:
    nonce = _present(stage)
    stage.path(f"{stage.folder}/nonce.txt").write_text(nonce + "\n")
    return _check_at_counter(stage, nonce)


def _replay(stage: Stage) -> Run:
    if not stage.armed:
        return _check_at_counter(stage, _present(stage))
    copyfile(stage.path(FIRST), stage.path(stage.input))
    nonce = stage.path("scenes/accept-offline/nonce.txt").read_text().strip()
    return _check_at_counter(stage, nonce)


def _tampered(stage: Stage) -> Run:
    shown = stage.read(FIRST)
    stage.write_input(attacks.tamper(shown) if stage.armed else shown)
    return _check_again(stage)


def _stale(stage: Stage) -> Run:
    copyfile(stage.path(FIRST), stage.path(stage.input))
    return _check_again(stage, *(("--now", "+9d") if stage.armed else ()))


def _forked(stage: Stage) -> Run:
    shown = stage.read(FIRST)
    if stage.armed:
        staple, alarms = forked_evidence(stage.story.world)
        shown = {**shown, "staple": staple}
        told = Bilingual(
            f"{alarms} 个见证机拒绝联署并报警", f"{alarms} witnesses refuse and raise an alarm"
        )
        stage.story.tell.note(told)
    stage.write_input(shown)
    return _check_again(stage)


def _revoked(stage: Stage) -> Run:
    world = stage.story.world
    if stage.armed:
        world.revoke(POLICE, str(attacks.credential(stage.read(FIRST))["id"]))
    world.publish("gd")
    _import_bundle(stage)
    return _check_at_counter(stage, _present(stage))


def _import_bundle(stage: Stage) -> None:
    """Carry the newest evidence to the counter, as a file."""
    stage.path(BUNDLE).write_bytes(stage.story.world.bundle())
    stage.story.verify("trust", "import", BUNDLE, "--trust", TRUST)


def _while_authorised(stage: Stage) -> Run:
    """Show a credential of an agency that has lost its authority since it issued it."""
    world, story = stage.story.world, stage.story
    nonce = story.challenge()
    story.present(SCHOOL, nonce, stage.input)
    stage.path(f"{stage.folder}/nonce.txt").write_text(nonce + "\n")
    world.end_authority(SCHOOL)
    world.publish("hn")
    _import_bundle(stage)
    return _check_at_counter(stage, nonce)


def _no_authority(stage: Stage) -> Run:
    """Show a credential that the removed agency dates, honestly, after its end."""
    return _by_removed_agency(stage, attacks.issue_after_end)


def _back_dated(stage: Stage) -> Run:
    """Show a credential that the removed agency dates before its end."""
    return _by_removed_agency(stage, attacks.back_date)


def _by_removed_agency(stage: Stage, forge: attacks.Forge) -> Run:
    shown = stage.read(f"{OLDER}/input.json")
    if stage.armed:
        stage.write_input(forge(stage.story.world, attacks.credential(shown)))
        return stage.check("--trust", TRUST)
    stage.write_input(shown)
    nonce = stage.path(f"{OLDER}/nonce.txt").read_text().strip()
    shown_again = ("--nonce", nonce, "--audience", AUDIENCE, "--bundle", BUNDLE)
    return stage.check("--policy", "policy.json", *shown_again)


SCENES = (
    Scene(
        "accept-offline",
        Bilingual("异地窗口离线核验", "another region's counter verifies offline"),
        "accepted",
        _accept,
    ),
    Scene(
        "refuse-replay",
        Bilingual("同一出示再次提交", "the same presentation again"),
        "refused",
        _replay,
    ),
    Scene(
        "refuse-tampered",
        Bilingual("证照内容被改动", "a claim was changed"),
        "refused",
        _tampered,
    ),
    Scene(
        "undecided-stale",
        Bilingual("证据过期九天", "the evidence is nine days old"),
        "undecided",
        _stale,
    ),
    Scene(
        "undecided-fork",
        Bilingual("日志分叉，无人联署", "a forked log that nobody cosigns"),
        "undecided",
        _forked,
    ),
    Scene(
        "refuse-revoked",
        Bilingual("证照已被吊销", "the credential was revoked"),
        "refused",
        _revoked,
    ),
    Scene(
        "accept-issued-while-authorised",
        Bilingual("机关已被移出，证照签发在先", "issued before its agency was removed"),
        "accepted",
        _while_authorised,
    ),
    Scene(
        "refuse-no-authority",
        Bilingual("机关被移出后仍签发", "issued after its agency was removed"),
        "refused",
        _no_authority,
    ),
    Scene(
        "undecided-back-dated",
        Bilingual("被移出的机关倒填日期", "back-dated by a removed agency"),
        "undecided",
        _back_dated,
    ),
)
