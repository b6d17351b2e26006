from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.errors import MalformedError, PolicyError, ProofError
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import KeyType, NoteSigner, VerifierKey, parse_note
from did_service.core.log.policy import (
    KnownWitness,
    LogPolicy,
    PolicyLog,
    check_portable,
    operator,
    parse_log_policy,
)
from did_service.core.log.quorum import Group, Quorum, shares_honest_cosigner
from tests.support.cosigners import (
    NOON,
    ORIGIN,
    WitnessPool,
    cosigned,
    cosigner,
    signed_by,
    signer,
)
from tests.support.federation import founded

FOUNDED = founded().policy
ROOT = bytes(range(32))
LOG = signer().verifier_key.encode()
W = [cosigner(i).verifier_key.encode() for i in range(6)]
NESTED = f"""\
# two districts and a ministry

\tlog  {LOG}   https://gd.example/reg
witness a {W[0]}
witness b {W[1]} https://r1.example/
witness c {W[2]}
group south 2 a b c
witness d {W[3]}
witness e {W[4]}
 group north any d e
witness f {W[5]}
group both all south north
quorum both
"""


def test_a_policy_text_of_the_full_grammar():
    policy = parse_log_policy(NESTED.encode())
    assert policy.logs == (PolicyLog(signer().verifier_key, "https://gd.example/reg"),)
    assert [each.name for each in policy.witnesses] == list("abcdef")
    assert policy.witnesses[1].url == "https://r1.example/"
    assert policy.quorum.groups == (
        Group("south", 2, ("a", "b", "c")),
        Group("north", 1, ("d", "e")),
        Group("both", 2, ("south", "north")),
    )


def test_a_policy_comes_back_from_its_text():
    policy = parse_log_policy(NESTED.encode())
    assert parse_log_policy(policy.encode()) == policy
    assert parse_log_policy(policy.encode()).encode() == policy.encode()


@given(st.data())
def test_any_text_is_a_policy_or_an_error(data):
    text = NESTED.encode()
    at, cut = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 30))
    mutated = text[:at] + data.draw(st.binary(max_size=8)) + text[at + cut :]
    try:
        policy = parse_log_policy(mutated)
    except PolicyError:
        return
    assert parse_log_policy(policy.encode()) == policy


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("quorum both\n", "", "quorum_missing"),
        ("quorum both\n", "quorum both", "line_invalid"),
        ("quorum both\n", "quorum both\nquorum both\n", "line_invalid"),
        ("quorum both", "quorum none", "quorum_none"),
        ("quorum both", "quorum nobody", "name_undefined"),
        ("quorum both", "quorum both south", "line_invalid"),
        ("quorum both", "unknown both", "line_invalid"),
        ("2 a b c", "0 a b c", "threshold_invalid"),
        ("2 a b c", "4 a b c", "threshold_invalid"),
        ("2 a b c", "02 a b c", "threshold_invalid"),
        ("2 a b c", "two a b c", "threshold_invalid"),
        ("2 a b c", "2 a b d", "name_undefined"),
        ("2 a b c", "2 a b none", "name_undefined"),
        ("2 a b c", "2 a b b", "member_repeated"),
        ("any d e", "any d a", "member_repeated"),
        ("2 a b c", "2", "line_invalid"),
        ("2 a b c", "2 a b south", "name_undefined"),
        ("south", "d", "name_repeated"),
        ("south", "none", "name_repeated"),
        ("witness f", "witness none", "name_repeated"),
        ("witness f", "witness e", "name_repeated"),
        (f"witness b {W[1]}", f"witness b {W[0]}", "key_repeated"),
        (f"witness b {W[1]}", f"witness b {LOG}", "key_type_wrong"),
        (f"log  {LOG}", f"log  {W[5]}", "key_type_wrong"),
        (f"log  {LOG}", "log  name+00000000+AA==", "key_type_unknown"),
        ("https://r1.example/", "https://r1.example/ x", "line_invalid"),
        ("https://gd.example/reg", "https://gd.example/reg x", "line_invalid"),
        ("districts", "\x01", "line_invalid"),
        ("districts", "\r", "line_invalid"),
        ("districts", "\x7f", "line_invalid"),
        ("districts", "x" * 65_536, "too_large"),
    ],
)
def test_texts_that_break_a_rule_are_refused(old, new, code):
    assert old in NESTED
    with pytest.raises(PolicyError) as caught:
        parse_log_policy(NESTED.replace(old, new).encode())
    assert caught.value.code == code


def test_the_quorum_line_follows_what_it_names():
    lines = NESTED.replace("quorum both\n", "").encode()
    with pytest.raises(PolicyError) as caught:
        parse_log_policy(b"quorum both\n" + lines)
    assert caught.value.code == "name_undefined"


def test_a_policy_text_may_have_65536_bytes():
    room = 65_536 - len(NESTED.encode()) - 2
    assert parse_log_policy(f"{NESTED}#{'x' * room}\n".encode()) == parse_log_policy(
        NESTED.encode()
    )


def test_a_policy_text_is_utf_8():
    with pytest.raises(PolicyError) as caught:
        parse_log_policy(NESTED.encode() + b"# \xff\n")
    assert caught.value.code == "line_invalid"


def policy_of(*names, k=1, log=ORIGIN):
    witnesses = tuple(
        KnownWitness(f"w{i}", VerifierKey(name, KeyType.COSIGNATURE_ED25519, bytes([i] * 32)))
        for i, name in enumerate(names)
    )
    quorum = Quorum.of(k, [each.name for each in witnesses])
    return LogPolicy((PolicyLog(signer(log).verifier_key),), witnesses, quorum)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("gd.example/witness",), "own_operator"),
        (("GD.example./validator",), "own_operator"),
        (("bj.example/witness", "bj.example/mirror"), "operator_repeated"),
        (("bj.example", "BJ.example/mirror"), "operator_repeated"),
        (("gd.example:8443/witness",), "own_operator"),
        (("bj.example/witness", "bj.example:8443/witness"), "operator_repeated"),
        (("bj.example:1/witness", "BJ.example.:/witness"), "operator_repeated"),
        (("[2001:db8::1]/witness", "[2001:db8::1]:8443/witness"), "operator_repeated"),
    ],
)
def test_each_operator_has_one_vote_and_none_in_its_own_log(names, code):
    with pytest.raises(PolicyError) as caught:
        policy_of(*names)
    assert caught.value.code == code


def test_an_operator_is_the_host_of_a_key_name():
    assert operator(signer().verifier_key) == "gd.example"
    assert operator(VerifierKey("w.gd.example", KeyType.ED25519, ROOT)) == "w.gd.example"


def test_key_names_with_a_port_are_keys_like_others():
    """Of one host each: the port stays in the name, and in what is signed."""
    names = (
        "bj.example:8443/witness",
        "sh.example:8443/witness",
        "[2001:db8::1]:1",
        "[2001:db8::2]",
    )
    policy = policy_of(*names, k=2)
    assert [each.key.name for each in policy.witnesses] == [*names]
    assert parse_log_policy(policy.encode()) == policy


def test_a_key_has_one_role():
    log = signer().verifier_key
    witness = VerifierKey("bj.example/witness", KeyType.COSIGNATURE_ED25519, log.public)
    with pytest.raises(PolicyError) as caught:
        LogPolicy((PolicyLog(log),), (KnownWitness("w", witness),), Quorum("w"))
    assert caught.value.code == "key_repeated"


@pytest.mark.parametrize(
    ("name", "url"), [("a b", None), ("a\n", None), ("", None), ("a", "x y"), ("a", "\n")]
)
def test_values_that_would_not_survive_the_text_are_refused(name, url):
    witness = KnownWitness(name, cosigner(0).verifier_key, url)
    with pytest.raises(PolicyError) as caught:
        LogPolicy((), (witness,), Quorum(name))
    assert caught.value.code == "word_invalid"


def test_there_are_at_most_sixty_four_members_of_a_kind():
    assert len(policy_of(*(f"r{i}.example" for i in range(64))).witnesses) == 64
    with pytest.raises(PolicyError) as caught:
        policy_of(*(f"r{i}.example" for i in range(65)))
    assert caught.value.code == "too_many_members"
    groups = tuple(Group(f"g{i}", 1, (f"w{i}",)) for i in range(64))
    Quorum("g0", groups).check_names(f"w{i}" for i in range(64))
    groups = tuple(Group(f"g{i}", 1, ("w",)) for i in range(65))
    with pytest.raises(PolicyError) as caught:
        Quorum("w", groups).check_names(["w"])
    assert caught.value.code == "too_many_members"


# --- verification -----------------------------------------------------------------------------


def test_a_checkpoint_with_a_quorum_is_verified():
    cosigners = WitnessPool(count=4, k=3)
    note = cosigners.note(9, ROOT, {0: NOON, 1: NOON + 1, 3: NOON + 5})
    verified = cosigners.policy.verify(note)
    assert verified.checkpoint == Checkpoint(ORIGIN, 9, ROOT)
    assert verified.note == note
    assert signed_by(cosigners.policy, note) == {"w0": NOON, "w1": NOON + 1, "w3": NOON + 5}
    assert (verified.fresh_at, verified.existed_by) == (NOON, NOON + 5)


def test_a_parsed_note_comes_back_with_the_lines_that_were_checked():
    cosigners = WitnessPool(count=4, k=3)
    note = cosigners.note(9, ROOT, {0: NOON, 1: NOON + 1, 3: NOON + 5})
    other = NoteSigner("sh.example/reg", signer("x").key)
    parsed = parse_note(note)
    strange = (other.sign(parsed.text), *cosigners_lines(9), *parsed.signatures)
    crowded = parsed._replace(signatures=(*strange, *parsed.signatures[::-1]))
    judged = cosigners.policy.verify_parsed(crowded)
    assert judged == cosigners.policy.verify(note)
    assert judged.note == note
    assert cosigners.policy.verify(crowded.encode()).note == crowded.encode()


def cosigners_lines(number):
    """The line of a cosigner whom no policy of ours knows, and one of another key's id."""
    line = cosigner(number).cosign(b"text\n", NOON)
    return line, line._replace(name=cosigner(0).name)


def test_one_cosignature_too_few_is_no_quorum():
    cosigners = WitnessPool(count=4, k=3)
    with pytest.raises(ProofError) as caught:
        cosigners.policy.verify(cosigners.note(9, ROOT, {0: NOON, 1: NOON, 7: NOON, 8: NOON}))
    assert caught.value.code == "quorum_not_met"


def test_a_checkpoint_of_another_log_or_key_is_refused():
    policy = WitnessPool(count=1, k=1).policy
    stranger = NoteSigner(ORIGIN, signer("x").key)
    for log in (signer("sh.example/reg"), stranger):
        note = cosigned(sign_checkpoint(Checkpoint(log.name, 9, ROOT), log), {0: NOON})
        with pytest.raises(ProofError) as caught:
            policy.verify(note)
        assert caught.value.code == "log_signature_missing"


def test_a_log_does_not_sign_the_checkpoint_of_another_one():
    own, other = signer(), signer("sh.example/reg")
    logs = PolicyLog(own.verifier_key), PolicyLog(other.verifier_key)
    witness = KnownWitness("w0", cosigner(0).verifier_key)
    policy = LogPolicy(logs, (witness,), Quorum("w0"))
    note = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 9, ROOT), own))
    foreign = note._replace(signatures=(other.sign(note.text),)).encode()
    with pytest.raises(ProofError) as caught:
        policy.verify(cosigned(foreign, {0: NOON}))
    assert caught.value.code == "log_signature_missing"


def test_a_log_may_sign_with_its_old_and_new_key():
    old, new = signer(), NoteSigner(ORIGIN, signer("new").key)
    witness = KnownWitness("w0", cosigner(0).verifier_key)
    logs = PolicyLog(old.verifier_key), PolicyLog(new.verifier_key)
    policy = LogPolicy(logs, (witness,), Quorum("w0"))
    note = parse_note(WitnessPool(1, 1).note(9, ROOT, {0: NOON}))
    both = note.with_lines([new.sign(note.text)])
    forged = note.with_lines([new.sign(b"other\n")])
    assert policy.verify(note.encode()).fresh_at == NOON
    assert policy.verify(both.encode()).fresh_at == NOON
    with pytest.raises(ProofError) as caught:
        policy.verify(forged.encode())
    assert caught.value.code == "signature_invalid"


def test_a_bad_line_of_a_known_cosigner_spoils_the_note():
    cosigners = WitnessPool(count=4, k=1)
    note = parse_note(cosigners.note(9, ROOT, {0: NOON}))
    bad = note.with_lines([cosigner(3).cosign(b"other\n", NOON)]).encode()
    with pytest.raises(ProofError) as caught:
        cosigners.policy.verify(bad)
    assert caught.value.code == "signature_invalid"


@pytest.mark.parametrize("mask", [1, 0x80])
def test_any_changed_byte_of_a_note_with_a_bare_quorum_is_noticed(mask):
    cosigners = WitnessPool(count=4, k=3)
    note = cosigners.note(9, ROOT, dict.fromkeys(range(3), NOON))
    cosigners.policy.verify(note)
    for at in range(len(note)):
        changed = note[:at] + bytes([note[at] ^ mask]) + note[at + 1 :]
        with pytest.raises((MalformedError, ProofError)):
            cosigners.policy.verify(changed)


def test_a_note_with_extension_lines_is_refused():
    text = Checkpoint(ORIGIN, 9, ROOT).encode() + b"extension\n"
    line = signer().sign(text).encode()
    with pytest.raises(MalformedError) as caught:
        WitnessPool(1, 1).policy.verify(text + b"\n" + line)
    assert caught.value.code == "checkpoint_invalid"


# --- the two times ----------------------------------------------------------------------------


def meets(node, groups, signed):
    """The definition: does this set of witnesses meet the node?"""
    group = groups.get(node)
    if group is None:
        return node in signed
    return sum(meets(m, groups, signed) for m in group.members) >= group.threshold


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20)))
def test_both_times_are_what_their_definitions_say(times):
    quorum = parse_log_policy(NESTED.encode()).quorum
    groups = {group.name: group for group in quorum.groups}
    after = [t for t in range(21) if meets("both", groups, {w for w in times if times[w] >= t})]
    before = [
        t for t in range(21) if meets("both", groups, {w for w in times if times[w] <= t})
    ]
    if not after:
        for time in (quorum.fresh_at, quorum.existed_by):
            with pytest.raises(ProofError) as caught:
                time(times)
            assert caught.value.code == "quorum_not_met"
    else:
        assert (quorum.fresh_at(times), quorum.existed_by(times)) == (max(after), min(before))


@given(st.integers(0, 12), st.integers(1, 12), st.integers(-1, 6))
def test_overlap_is_what_two_quorums_share(k, m, f):
    k = min(k, m)
    shared = 2 * k - m  # the least that two k-subsets of m have in common
    assert shares_honest_cosigner(k, m, f) == (k > 0 and f >= 0 and shared > f)
    if m <= 7 and k:
        sets = [set(each) for each in combinations(range(m), k)]
        assert min(len(a & b) for a in sets for b in sets) == max(shared, 0)


@pytest.mark.parametrize(
    "quorum", [Quorum("x"), Quorum("g", (Group("g", 1, ("h",)), Group("h", 1, ("w0",))))]
)
def test_names_are_checked_in_values_as_in_texts(quorum):
    with pytest.raises(PolicyError) as caught:
        quorum.check_names(["w0"])
    assert caught.value.code == "name_undefined"


# --- what foreign tools read -----------------------------------------------------------------

KEYWORDS = ("log", "witness", "group", "quorum", "any", "all", "none")


def readable_by_go(text: str) -> bool:
    """The rule on names of `witness.ParsePolicy` in transparency-dev/formats, and of Tessera.

    Read in November 2026: four words a witness, no keyword a name. A `#` is a comment wherever
    it stands, so a name or URL that has one is misread.
    """
    named, quorums = set(), []
    for line in text.splitlines():
        match line.split():
            case ["log", *_]:
                continue
            case ["witness", name, _, url] if url.startswith("https://"):
                used = []
            case ["group", name, threshold, *used] if threshold.isdigit() and used:
                pass
            case ["quorum", *used] if len(used) == 1:
                quorums += used
                name = None
            case _:
                return False
        if (
            "#" in line
            or name in named
            or {name, *used} & set(KEYWORDS)
            or not named.issuperset(used)
        ):
            return False
        named.add(name)
    return len(quorums) == 1


def published(names=("hn", "zj", "sc"), *, url="https://{}.example/witness", group=None):
    """A policy of a log with these witnesses, and how `Quorum.of` names their group."""
    witnesses = tuple(
        KnownWitness(name, cosigner(i).verifier_key, url and url.format(name))
        for i, name in enumerate(names)
    )
    quorum = Quorum.of(2, names)
    if group is not None:
        quorum = Quorum(group, (Group(group, 2, tuple(names)),))
    return LogPolicy((PolicyLog(signer().verifier_key),), witnesses, quorum)


def test_what_we_write_is_read_by_foreign_tools():
    policy = published()
    check_portable(policy)
    assert readable_by_go(policy.encode().decode())


def test_the_demos_policies_are_read_by_foreign_tools():
    logs = [text for region in FOUNDED.regions for text in region.logs.values()]
    assert len(logs) == 10
    for log in logs:
        check_portable(log)
        assert readable_by_go(log.encode().decode())


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        *[(published(group=word), "name_reserved") for word in KEYWORDS if word != "none"],
        *[(published((word, "b", "c")), "name_reserved") for word in KEYWORDS[:-1]],
        (published(url=None), "witness_url_missing"),
        (published(url="https://{}.example/#witness"), "name_reserved"),
        (published(("a#", "b", "c")), "name_reserved"),
    ],
)
def test_names_that_foreign_tools_refuse_are_read_and_not_written(policy, code):
    text = policy.encode()
    assert parse_log_policy(text) == policy
    assert not readable_by_go(text.decode())
    with pytest.raises(PolicyError) as caught:
        check_portable(policy)
    assert caught.value.code == code
