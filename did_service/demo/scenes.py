"""The scenes: acceptances, refusals, what cannot be told, and what is no acceptance.

A scene hands the counter an input and says which outcome must come. In a scene of attack the
input is what an attacker makes of the honest one. With `armed=False` the attack is left out:
then the credential is accepted and the scene has to fail, which a test checks, so that no scene
passes for another reason than its attack. The order is the story's: what is ended or revoked
stays so.
"""

from __future__ import annotations

from shutil import copyfile

from did_service.core.text import Bilingual
from did_service.demo import attacks
from did_service.demo.cast import AUDIENCE
from did_service.demo.children import ChildRun
from did_service.demo.forks import forked_evidence
from did_service.demo.stage import Scene, Stage
from did_service.demo.story import TRUST
from did_service.node.local.members import ITEM, POLICE, SCHOOL, AgencyPlan

FIRST = "scenes/accept-offline"
OLDER = "scenes/accept-issued-while-authorised"
BUNDLE = "counter/newest.bundle.jsonl.gz"


def _present(stage: Stage, agency: AgencyPlan = POLICE) -> str:
    """Let the wallet answer a fresh request of the counter into the scene's input."""
    request = f"{stage.folder}/ask.request.json"
    nonce = stage.story.challenge(request)
    stage.story.present(agency, request, stage.input)
    return nonce


def _asked(nonce: str) -> tuple[str, ...]:
    return ("--nonce", nonce, "--audience", AUDIENCE)


def _asked_in(stage: Stage, folder: str) -> tuple[str, ...]:
    """Return what was asked of the holder in an earlier scene."""
    return _asked(str(stage.read(f"{folder}/ask.request.json")["nonce"]))


def _check_at_counter(stage: Stage, nonce: str, *evidence: str) -> ChildRun:
    """Judge an answer, once; repeated, with a counter's `evidence` but without its memory."""
    again = ("--policy", "policy.json", *evidence, *_asked(nonce))
    return stage.check("--trust", TRUST, again=again)


def _check_copy(stage: Stage, *arguments: str) -> ChildRun:
    """Judge a copy of the first presentation, remembering nothing, so that it can be shown."""
    return stage.check("--policy", "policy.json", *_asked_in(stage, FIRST), *arguments)


def _accept(stage: Stage) -> ChildRun:
    return _check_at_counter(stage, _present(stage))


def _replay(stage: Stage) -> ChildRun:
    if not stage.armed:
        return _check_at_counter(stage, _present(stage))
    shown = stage.read(f"{FIRST}/input.json")
    stage.write_input({**shown, "state": "copied"})  # other bytes, and the code is the same
    return stage.check("--trust", TRUST)


def _again(stage: Stage) -> ChildRun:
    """Hand in the very bytes that were judged before, as a clerk does by mistake."""
    if not stage.armed:
        return _check_at_counter(stage, _present(stage))
    copyfile(stage.path(f"{FIRST}/input.json"), stage.path(stage.input))
    return stage.check("--trust", TRUST)


def _document_only(stage: Stage) -> ChildRun:
    """Look at a copy that anybody may have: genuine, and nobody's holder is proven."""
    shown = stage.read(f"{FIRST}/input.json")
    if not stage.armed:
        stage.write_input(shown)
        return _check_copy(stage)
    stage.write_input(attacks.without_holder(shown))
    again = ("--policy", "policy.json", "--document")  # the directory learns more later on
    return stage.check("--trust", TRUST, "--document", again=again)


def _tampered(stage: Stage) -> ChildRun:
    shown = stage.read(f"{FIRST}/input.json")
    stage.write_input(attacks.tamper(shown) if stage.armed else shown)
    return _check_copy(stage)


def _stale(stage: Stage) -> ChildRun:
    copyfile(stage.path(f"{FIRST}/input.json"), stage.path(stage.input))
    return _check_copy(stage, *(("--now", "+9d") if stage.armed else ()))


def _forked(stage: Stage) -> ChildRun:
    shown = stage.read(f"{FIRST}/input.json")
    if stage.armed:
        staple, alarms = forked_evidence(stage.story.world)
        shown = {**shown, "staple": staple}
        told = Bilingual(
            f"{alarms} 个见证方拒绝见证并报警", f"{alarms} witnesses refuse and raise an alarm"
        )
        stage.story.tell.note(told)
    stage.write_input(shown)
    return _check_copy(stage)


def _revoked(stage: Stage) -> ChildRun:
    world = stage.story.world
    if stage.armed:
        held = attacks.credential(stage.read(f"{FIRST}/input.json"))
        world.revoke(POLICE, str(held["id"]))
    world.publish("gd")
    _import_bundle(stage)
    return _check_at_counter(stage, _present(stage), "--bundle", BUNDLE)


def _old_item(stage: Stage) -> ChildRun:
    """Show the permit, since revoked, with the item that once took evidence of a week.

    The counter has nothing but its policy: what it may loosen by is the presenter's alone.
    """
    shown = stage.read(f"{FIRST}/input.json")
    world = stage.story.world
    if not stage.armed:
        stage.write_input(shown)
        return _check_copy(stage, "--item", ITEM)
    kept = attacks.item_at_hand(world)
    world.tighten_item()
    stage.write_input(attacks.with_evidence(shown, kept))
    return _check_copy(stage, "--item", ITEM, "--now", "+3d")


def _import_bundle(stage: Stage) -> None:
    """Carry the newest evidence to the counter, as a file."""
    stage.path(BUNDLE).write_bytes(stage.story.world.bundle())
    stage.story.verify("trust", "import", BUNDLE, "--trust", TRUST)


def _while_authorised(stage: Stage) -> ChildRun:
    """Show a credential of an agency that has lost its authority since it issued it."""
    nonce = _present(stage, SCHOOL)
    stage.story.world.end_authority(SCHOOL)
    stage.story.world.publish("hn")
    _import_bundle(stage)
    return _check_at_counter(stage, nonce, "--bundle", BUNDLE)


def _no_authority(stage: Stage) -> ChildRun:
    """Show a credential that the removed agency dates, honestly, after its end."""
    return _by_removed_agency(stage, attacks.issue_after_end)


def _back_dated(stage: Stage) -> ChildRun:
    """Show a credential that the removed agency dates before its end."""
    return _by_removed_agency(stage, attacks.back_date)


def _by_removed_agency(stage: Stage, forge: attacks.Forge) -> ChildRun:
    shown = stage.read(f"{OLDER}/input.json")
    if stage.armed:
        stage.write_input(forge(stage.story.world, attacks.credential(shown)))
        return stage.check("--trust", TRUST, "--document")
    stage.write_input(shown)
    evidence = ("--policy", "policy.json", "--bundle", BUNDLE)
    return stage.check(*evidence, *_asked_in(stage, OLDER))


SCENES = (
    Scene(
        "accept-offline",
        Bilingual("异地窗口离线核验", "another region's counter verifies offline"),
        Bilingual(
            "一位公民持广东的居住证，在湖南窗口出示",
            "a citizen shows a permit from Guangdong in Hunan",
        ),
        "accepted",
        _accept,
    ),
    Scene(
        "answered-before",
        Bilingual("同一文件再核验一次", "the same file a second time"),
        Bilingual("工作人员误将同一文件再核验一次", "the clerk checks the same file again"),
        "answered",
        _again,
    ),
    Scene(
        "refuse-replay",
        Bilingual("同一核验码用于另一份文件", "another file with a used code"),
        Bilingual(
            "有人截得该文件，略作改动后提交",
            "somebody has a copy of that file, alters it a little and hands it in",
        ),
        "refused",
        _replay,
    ),
    Scene(
        "document-only",
        Bilingual("只看证照本身", "the document alone"),
        Bilingual(
            "有人拿来证照的复制件，只想知道是真是假",
            "somebody brings a copy; the clerk wants to know whether it is genuine",
        ),
        "document",
        _document_only,
    ),
    Scene(
        "refuse-tampered",
        Bilingual("证照内容被改动", "a claim was changed"),
        Bilingual("文件中的住址被改写", "the address in the file was rewritten"),
        "refused",
        _tampered,
    ),
    Scene(
        "undecided-stale",
        Bilingual("核验数据已是九天前的", "the evidence is nine days old"),
        Bilingual(
            "九天之内，窗口和钱包都没有更新核验数据",
            "for nine days nobody has fetched newer evidence",
        ),
        "undecided",
        _stale,
    ),
    Scene(
        "undecided-fork",
        Bilingual("登记簿分叉，无人见证", "a forked log that nobody cosigns"),
        Bilingual(
            "有人用广东登记簿的真密钥另写一份登记簿",
            "somebody writes a second log with the true key of Guangdong's",
        ),
        "undecided",
        _forked,
    ),
    Scene(
        "refuse-revoked",
        Bilingual("证照已作废", "the credential was revoked"),
        Bilingual(
            "签发机关作废该证照，窗口导入最新的核验数据包",
            "its agency revokes it; the counter loads the newest trust bundle",
        ),
        "refused",
        _revoked,
    ),
    Scene(
        "refuse-old-item",
        Bilingual("拿旧版事项当借口", "an old service item as an excuse"),
        Bilingual(
            "三天后到没有核验数据的窗口出示，附作废前的核验数据和曾允许七天的旧版事项",
            "three days later, evidence from before the revocation comes with an old version "
            "of the item, which allowed a week",
        ),
        "undecided",
        _old_item,
    ),
    Scene(
        "accept-issued-while-authorised",
        Bilingual("机关已被移出，证照签发在先", "issued before its agency was removed"),
        Bilingual(
            "湖南终止学院的授权；此证照签发在先，有存证",
            "Hunan removes the college; this credential's issuance was logged before",
        ),
        "accepted",
        _while_authorised,
    ),
    Scene(
        "refuse-no-authority",
        Bilingual("机关被移出后仍签发", "issued after its agency was removed"),
        Bilingual(
            "学院的密钥仍在，又签发一份", "the college still has its key and issues one more"
        ),
        "refused",
        _no_authority,
    ),
    Scene(
        "undecided-back-dated",
        Bilingual("被移出的机关倒填日期", "back-dated by a removed agency"),
        Bilingual(
            "学院把签发日期写到移出之前", "the college dates one back to before its removal"
        ),
        "undecided",
        _back_dated,
    ),
)
