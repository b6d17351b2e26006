"""A file that is no presentation is named for what it is, and is no verdict."""

import gzip
import json

import pytest

from did_service.core.encoding import jcs
from did_service.program.words import read_topic
from did_service.verifier.file_kinds import kind_of
from tests.support.desk import did_verify

pytestmark = pytest.mark.offline

HTML = "<!DOCTYPE html><p>居住证</p>"
KINDS = {
    "file_empty": [b"", b" \r\n\t", b"\n" * 9_000_000],
    "file_cut_off": [b"{", b"[", b'{"vp_token":{', b'{"vp_token":{"q":[{}]', b'{"a":"}'],
    "file_not_json": [b"Guten Tag", b"}", b"{]", b"nul", b"{'a':1}", b'{"a":1}{"b":2}'],
    "file_not_utf8": ["居住证".encode("gbk"), b"\0\xff\x1b", b'{"name":"\xd5\xc5"}'],
    "file_is_utf16": [
        '{"vp_token":{}}'.encode("utf-16"),
        '{"vp_token":{}}'.encode("utf-16-le"),
        '{"vp_token":{}}'.encode("utf-16-be"),
    ],
    "file_is_pdf": [b"%PDF-1.7\n%\xe2\xe3"],
    "file_is_archive": [
        b"PK\x03\x04rest",
        b"PK\x05\x06" + bytes(18),
        b"Rar!\x1a\x07\0",
        b"7z\xbc\xaf",
    ],
    "file_is_image": [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"\0\0\0\x18ftypheic",
        b"RIFF\0\0\0\0WEBPVP8 ",
    ],
    "file_is_page": [HTML.encode(), b"\n<html>", b"<?xml version='1.0'?>"],
    "file_is_bundle": [gzip.compress(b"{}"), b"\x1f\x8b\x08\0"],
    "file_is_other": [b"[]", b"{}", b"7", b'"text"', b'{"type":["Other"]}', b'{"seq":1}'],
    "file_is_policy": [
        b'{"format":"didsvc-policy/1","seq":1}',
        b'{"format":"didsvc-policy/99"}',
    ],
    "file_is_evidence": [b'{"format":"didsvc-evidence/1"}'],
    "file_is_report": [
        b'{"format":"didsvc-report/1"}',
        (
            b'{"schema":"did-verify/1","ok":true,"command":"check",'
            b'"data":{"format":"didsvc-report/1"},"warnings":[],"error":null}'
        ),
    ],
    "file_is_answer": [
        b'{"schema":"did-verify/1","ok":true,"command":"challenge","data":{"nonce":"x"}}',
        b'{"schema":"wallet/1","ok":false,"command":"","data":null}',
    ],
    "file_is_request": [b'{"response_type":"vp_token","client_id":"window-3"}'],
    "file_is_did_log": [
        b'{"versionId":"1-Q","versionTime":"t","parameters":{},"state":{},"proof":[]}',
        b'{"versionId":"1-Q","parameters":{},"state":{}}\n{"versionId":"2-Q"}\n',
    ],
    "file_is_did_document": [b'{"id":"did:web:a","verificationMethod":[]}'],
}
READ = [
    b'{"vp_token":{}}',
    b'{"vp_token":{"q":[]},"vp_token":{}}',
    b'{"type":"VerifiableCredential"}',
]


def state(desk):
    """Every file of the trust directory."""
    return {path: path.read_bytes() for path in desk.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("code", KINDS)
def test_file_is_named_and_nothing_is_decided(desk, code):
    nonce = desk.challenge()
    for number, content in enumerate(KINDS[code]):
        file = desk.save(f"shown-{number}.vp.json", content)
        before = state(desk)
        run = desk.check(file)
        assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, code), content[:40]
        assert state(desk) == before
    assert desk.answer(nonce).exit == 0  # the holder may still answer


def test_every_kind_has_words_of_its_own():
    assert KINDS.keys() == read_topic("zh", "file_kinds").keys()


@pytest.mark.parametrize("content", READ)
def test_document_of_ours_keeps_its_report(desk, content):
    run = desk.check(desk.save("shown.vp.json", content))
    assert (run.exit, run.codes[0]) == (5, "malformed")


def test_true_files_of_other_kinds_are_named(desk, scene):
    policy = desk.save_policy()
    staple = desk.save("staple.json", json.dumps(scene.staple(), indent=1).encode())
    report = desk.save(
        "report.json", json.dumps(desk.document(desk.shown(None)).report).encode()
    )
    named = {
        policy: "file_is_policy",
        staple: "file_is_evidence",
        report: "file_is_report",
        desk.save_bundle(): "file_is_bundle",
    }
    now = scene.fed.now + 1
    for file, code in named.items():
        for asked in (("--policy", policy), ("--trust", desk.folder / "nothing pinned")):
            run = did_verify("check", file, "--document", "--json", *asked, now=now)
            assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, code)


def test_file_cut_anywhere_is_cut_off_and_never_refused(scene):
    whole = jcs.encode(json.loads(scene.file()))
    for end in range(1, len(whole), 97):
        assert kind_of(whole[:end]) in ("file_cut_off", "file_not_utf8")


def test_mark_of_byte_order_is_passed_over_in_every_file_that_is_read(desk):
    marked = b"\xef\xbb\xbf" + desk.shown(None).read_bytes()
    assert desk.document(desk.save("marked.vp.json", marked)).exit == 0
    policy = b"\xef\xbb\xbf" + desk.save_policy().read_bytes()
    words = ("check", desk.shown(None), "--policy", desk.save("p.json", policy))
    assert did_verify(*words, "--document", now=desk.scene.fed.now + 1).exit == 0
