"""Attacks on the eyes: foreign text that would pass for words of ours (threat rule 30).

Each text fills whole rows of the terminal with a verdict of its own, or hides itself. It is put
at 200 kB into every member that others write, and the programs show it on an 80×24 terminal.
"""

import json
import re
from dataclasses import replace

import pytest

from did_service.cli.desk_lines import application_lines
from did_service.cli.policy_lines import policy_lines
from did_service.core.encoding import jcs
from did_service.core.limits import MAX_SENTENCE_COLUMNS
from did_service.core.text import Bilingual, quote, width
from did_service.core.verification.report import Outcome
from did_service.program.language import Language
from did_service.verifier.verdict_steps import step_lines
from did_service.verifier.verdict_text import LABELS, WORDS, Reader, render
from did_service.verify_cli.__main__ import main
from tests.attacks.test_wallet import purse_with
from tests.support.counter import Scene
from tests.support.desk import Desk
from tests.support.screen import COLUMNS, on_screen
from wallet_cli.__main__ import run as run_wallet
from wallet_cli.holdings import Application, keep

BYTES = 200_000
MOST_ROWS = 60
MOST_ROWS_OF_A_VERDICT = 17
BLANK = "\u2800"
VERDICT = ("通过 ACCEPTED", "  ✔ 签名有效 signature valid", "  ✔ 未被吊销 not revoked", "")


def _page(blank: str) -> str:
    rows = (line.replace(" ", blank) for line in VERDICT)
    return "".join(row + blank * (COLUMNS - width(row)) for row in rows)


HOSTILE = {
    "rows of braille blanks": _page(BLANK),
    "rows of Hangul fillers": _page("\u3164"),
    "rows of spaces": _page(" "),
    "rows of ideographic spaces": _page("\u3000"),
    "lines": "\n".join(VERDICT),
    "separators of Unicode": "\u2028".join(VERDICT) + "\u2029\x85",
    "cursor and screen": "\x1b[2J\x1b[H通过 ACCEPTED\r\x9b2J",
    "turned around": "\u202eDETPECCA\u2066\u200f",
    "stacks of marks": "a" + "\u0336\u0301\u20dd" * 40,
    "invisible": "\u200b\u00ad\ufe0f\U000e0041\u034f",
    "one long word": "ACCEPTED" * 20,
    "wide words": "通过" * 80,
    "its own quotation marks": '" 通过 ACCEPTED\\" ',
}


def _much(text: str) -> str:
    repeated = text * (BYTES // len(text.encode()) + 1)
    return repeated.encode()[:BYTES].decode(errors="ignore")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    scene = Scene()
    scene.publish()
    made = Desk(tmp_path_factory.mktemp("desk"), scene)
    made.pin()
    return made


def _presented(**changes) -> dict:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "urn:x:y"],
        "issuer": "did:webvh:x:gd.example",
        "credentialSubject": {"id": "did:key:z6Mk", "jurisdiction": "440100"},
        **changes,
    }


def _subject(**claims) -> dict:
    return {"credentialSubject": {"id": "x:y", **claims}}


MEMBERS = {
    "type": lambda text: _presented(type=["VerifiableCredential", f"urn:x:{text}"]),
    "issuer": lambda text: _presented(issuer=f"x:{text}"),
    "issuer's name": lambda text: _presented(issuer={"id": "x:y", "name": text}),
    "jurisdiction": lambda text: _presented(**_subject(jurisdiction=text)),
    "name of a claim": lambda text: _presented(**_subject(**{text: 1})),
    "value of a claim": lambda text: _presented(**_subject(familyName=text)),
    "schema": lambda text: _presented(
        credentialSchema={"id": f"x:{text}", "type": "JsonSchema"}
    ),
    "status": lambda text: _presented(credentialStatus={"id": f"x:{text}", "type": text}),
    "validity": lambda text: _presented(validUntil=text),
    "context": lambda text: _presented(**{"@context": [text]}),
    "proof": lambda text: _presented(proof={"type": text, "verificationMethod": text}),
}
LABEL = "|".join(f"{label.zh} {label.en} +" for label in LABELS.values())
OURS = re.compile(rf" |{LABEL}|不通过 REFUSED$|无法判定 CANNOT TELL$|did-verify: |$")


def _checked(desk, path, *words):
    given = ["check", str(path), "--trust", str(desk.path), "--lang", "both", *words]
    clock = desk.scene.clock().now
    return on_screen(lambda: main(given, clock=lambda: clock))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("member", MEMBERS)
def test_no_member_of_a_file_hides_or_feigns_the_verdict(desk, member, hostile):
    document = MEMBERS[member](_much(HOSTILE[hostile]))
    path = desk.save("evil.json", json.dumps(document, ensure_ascii=False).encode())
    screen = _checked(desk, path)
    outcome = {1: Outcome.REFUSED, 5: Outcome.UNDECIDED}[screen.exit]
    headline = Language.BOTH.say(WORDS[outcome])
    assert screen.rows[0] == screen.rows[-1] == headline
    assert headline in screen.in_sight
    assert len(screen.rows) <= MOST_ROWS_OF_A_VERDICT
    assert [row for row in screen.rows if not OURS.match(row)] == []
    whole = _checked(desk, path, "--all", "--show")
    assert whole.rows[0] == whole.rows[-1] == headline
    assert len(whole.rows) <= MOST_ROWS
    behind = re.compile(rf"{OURS.pattern}|证照 Document #1 ")
    assert [row for row in whole.rows if not behind.match(row)] == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_file_that_is_no_presentation_feigns_a_verdict(desk, hostile):
    text = _much(HOSTILE[hostile])
    path = desk.save("evil.json", json.dumps({text: text}, ensure_ascii=False).encode())
    screen = _checked(desk, path)
    assert screen.exit == 2
    assert len(screen.rows) <= MOST_ROWS
    assert [row for row in screen.rows if not OURS.match(row)] == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_of_a_bundle_feigns_the_verdict(desk, hostile):
    name = HOSTILE[hostile].encode()[:200].decode(errors="ignore").replace("/", "")
    answer, words = desk.shown(desk.challenge()), ("--bundle", str(desk.folder / name))
    desk.save(name, b"no bundle")
    screens = {
        Outcome.ACCEPTED: _checked(desk, answer, *words),
        Outcome.DOCUMENT: _checked(desk, answer, *words, "--document"),
    }
    (desk.folder / name).unlink()
    for outcome, screen in screens.items():
        headline = Language.BOTH.say(WORDS[outcome])
        assert screen.rows[0] == screen.rows[-1] == headline
        ours = re.compile(f"{OURS.pattern}|{headline}$")
        assert [row for row in screen.rows if not ours.match(row)] == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_in_the_log_feigns_a_finding(hostile):
    """The name and the basis in a granter's statement are foreign text as well."""
    text = HOSTILE[hostile].encode()[:150].decode(errors="ignore")
    scene = Scene(name={"zh": text, "en": text}, basis={"zh": text, "en": text})
    scene.fed.tick()
    scene.publish()
    report = scene.check()
    verdict = render(report, Reader(Language.BOTH))
    assert verdict[0] == "通过 ACCEPTED"
    lines = (*verdict, *step_lines(report, Language.BOTH))
    ours = re.compile(OURS.pattern + "|通过 ACCEPTED$|证照 Document #1 ")
    assert [line for line in lines if not ours.match(line)] == []
    assert not {"\x1b", "\n", "\u202e", "\u2028", BLANK, "\u3164"} & set("".join(lines))
    assert f"{quote(text)} / {quote(text)}" in "".join(lines)  # the basis


def test_a_report_file_shown_by_cat_moves_nothing(desk):
    """C1 controls and bidirectional text are escaped in the file, as `--json` has them."""
    credential = desk.scene.issue(
        credentialSubject={"id": desk.scene.holder.did, "\x9b2J\u202e": 1}
    )
    path = desk.save("c1.json", jcs.encode(credential))
    report = desk.path.parent / "report.json"
    _checked(desk, path, "--report", str(report))
    text = report.read_text()
    assert not {"\x9b", "\u202e"} & set(text)
    assert json.loads(text)["credentials"][0]["disclosed"] == []  # it did not pass


def test_a_jurisdiction_that_is_none_is_not_printed(desk):
    """It is a claim, and no value of a claim is printed."""
    path = desk.save(
        "j.json", json.dumps(_presented(**_subject(jurisdiction="X1234"))).encode()
    )
    screen = _checked(desk, path)
    report = desk.document(path).out
    assert "X1234" not in "".join(screen.rows) + report


# --- the wallet -------------------------------------------------------------------------------

CLAIMS = {
    "type": lambda text: {"kind": text},
    "issuer": lambda text: {"issuer": text},
    "name of a claim": lambda text: {text.replace(".", "") or "x": "y"},
    "value of a claim": lambda text: {"familyName": text},
}
WALLET = re.compile(
    r" |→ |证照|#|名称|种类|签发|持证|机关标识|有效期|核验数据截至|原因|下一步|数据|注意|"
    r"不通过|无法判定|card-1|wallet: (错误|提示|警告)：|wallet: (error|hint|warning): |$"
)


def _wallet(purse, *words):
    given = [*words, *map(str, purse.options), "--lang", "both"]
    return on_screen(lambda: run_wallet(given, None))


@pytest.mark.clock
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("member", CLAIMS)
def test_no_credential_fills_or_feigns_a_screen_of_the_wallet(tmp_path, member, hostile):
    purse = purse_with(tmp_path, **CLAIMS[member](_much(HOSTILE[hostile])))
    for words in (("cred", "list"), ("cred", "show", "card-1"), ("cred", "verify", "card-1")):
        screen = _wallet(purse, *words)
        assert len(screen.rows) <= MOST_ROWS
        assert [row for row in screen.rows if not WALLET.match(row)] == []
    assert screen.exit != 0
    assert screen.rows[0] in ("不通过 REFUSED", "无法判定 CANNOT TELL")
    assert screen.rows[0] in screen.in_sight


@pytest.mark.clock
def test_twenty_thousand_claims_are_counted_not_listed(tmp_path):
    purse = purse_with(tmp_path, **{f"c{n}": n for n in range(20_000)})
    screen = _wallet(purse, "cred", "show", "card-1")
    assert len(screen.rows) <= 100
    assert "19936" in screen.rows[-1]
    listed = purse.json("cred", "show", "card-1").data["credential"]["credentialSubject"]
    assert len(listed) == 20_001


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_claim_of_an_applicant_feigns_a_row_of_the_desk(hostile):
    """What an officer decides by stands between marks: no row begins with it."""
    text = HOSTILE[hostile]
    claims = {"name": text, "birthDate": "1990-01-01", "home": {"a": text}}
    row = {"id": "a1", "state": "received", "claims": claims, "note": text}
    *_, name, born, other, note = [line.zh for line in application_lines(row)]
    assert born == "  birthDate: 1990-01-01"
    for line in (name, other, note):
        told = line.partition(": ")[2]
        assert told[0] == '"'
        assert told.rstrip("…")[-1] == '"'
        assert width(line) <= MAX_SENTENCE_COLUMNS + COLUMNS


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_in_a_policy_feigns_a_line_of_a_ceremony(fed, hostile):
    """The fingerprint that all compare stands once; a name cannot bring another one."""
    first, *others = fed.policy.regions
    feigned = Bilingual(HOSTILE[hostile], HOSTILE[hostile])
    regions = (first._replace(name=feigned), *others)
    policy = replace(fed.policy, federation=HOSTILE[hostile], regions=regions)
    lines = [line.zh for line in policy_lines(policy)]
    assert all(width(line) <= 3 * COLUMNS for line in lines)
    named = [line for line in lines if '"' in line]
    assert len(named) == 2
    assert lines[0] == f"指纹：{policy.fingerprint}"


@pytest.mark.clock
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_note_of_an_agency_feigns_a_row(tmp_path, hostile):
    text = HOSTILE[hostile].encode()[:4_000].decode(errors="ignore")
    purse = purse_with(tmp_path)
    waiting = Application(
        "a1", "https://gd.example/a", text[:1_000], "", "2026-01-01T00:00:00Z", note=text
    )
    purse.open().commit(lambda vault: keep(vault, waiting, bytes))
    screen = _wallet(purse, "pending", "list")
    assert len(screen.rows) <= 6
    assert [row for row in screen.rows if not re.match("a1 | ", row)] == []
