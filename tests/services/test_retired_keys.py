"""What a log has signed and nobody holds: a new key goes on, the former one never signs."""

import shutil
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

import pytest

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.crypto.hashes import sha256
from did_service.core.crypto.keyring import KeyRole
from did_service.core.encoding import b64, strict_json
from did_service.core.errors import ConflictError, ProofError, UnavailableError
from did_service.core.log.checkpoint import checkpoint_in, sign_checkpoint
from did_service.core.log.note import NoteSigner, parse_note
from did_service.core.log.policy import LogPolicy, PolicyLog
from did_service.core.log.tiles import consistency_proof
from did_service.core.log.witnessing import UnverifiedAddCheckpoint
from did_service.node.backup import back_up
from did_service.node.backup_files import GUARDS
from did_service.node.founding import sign_policy
from did_service.node.pinned_policy import read_policy
from did_service.node.pulling import pull_region
from did_service.node.restore import RestoreOrder, restore
from did_service.node.restored_mark import is_marked
from did_service.node.retiring import RetiredKeys
from did_service.program.clock import SYSTEM
from did_service.signer.last_signed import LastSigned
from did_service.signer.log_key import KeyHolder
from tests.support.cosigners import signed_by
from tests.support.folders import configured
from tests.support.founded import PASSPHRASE
from tests.support.refusals import refused

# Each test goes on from where the one before it has left the town: one worker runs them all.
pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("retired-keys")]

REG = "gd.example/reg"
LOG_KEY = (KeyRole.LOG, REG)
OTHERS = ("hn", "zj", "sc", "cn")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with configured(tmp_path_factory.mktemp("town")) as town:
        yield town


@dataclass
class Lost:
    """What gd has signed since its backup, and what was published by then."""

    note: bytes
    published: int

    @property
    def head(self):
        return checkpoint_in(self.note)


def lose(town, place, *, seen_by=()):
    """Restore gd from a backup beside its own guard; some regions were there meanwhile."""
    town.publish("gd")
    back_up(town.configuration("gd"), place, PASSPHRASE, SYSTEM, lambda *_: None)
    published = town.sizes("gd")[REG]
    away = [region for region in OTHERS if region not in seen_by]
    for region in away:
        town.stop(region)
    town.add("gd", f"lost{published}.gd.example")
    with refused("quorum_not_met", ProofError):
        town.publish("gd")
    note = town.both("gd").registry.histories[REG].checkpoints.read(REG)
    for region in away:
        town.start(region)
    town.stop("gd")
    data = town.folder / "gd" / "data"
    guards = {name: (data / name).read_bytes() for name in GUARDS}
    shutil.rmtree(town.folder / "gd")
    data.mkdir(parents=True)
    for name, content in guards.items():
        (data / name).write_bytes(content)
    restore(RestoreOrder(place, town.folder / "gd", PASSPHRASE), {}, SYSTEM, lambda *_: None)
    return Lost(note, published)


class Away:
    """A transport on which hn's copy of gd's log cannot be reached."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def get(self, url, *given, **named):
        if url.startswith(f"https://hn.example/witness/{sha256(REG.encode()).hex()}/"):
            raise UnavailableError("peer_unreachable", "away")
        return self._inner.get(url, *given, **named)


def pulled(town, *, retire=False, away=False):
    setup = town.setup("gd", unreleased=True)
    with closing(setup.transport):
        setup = replace(setup, transport=Away(setup.transport)) if away else setup
        return pull_region(setup, town.keyring("gd"), guard_lost=False, retire=retire)


def next_policy(town, held):
    """The policy that names a new key of gd's log before the one in force."""
    new = NoteSigner(REG, town.keyring("gd").succeed(KeyRole.LOG, REG)).verifier_key
    log = held.log_policy(REG)
    text = LogPolicy((PolicyLog(new, log.logs[0].url), log.logs[0]), log.witnesses, log.quorum)
    members = deepcopy({k: v for k, v in held.members.items() if k != "proof"})
    members |= {"seq": held.sequence + 1, "previous": b64.encode_url(held.digest)}
    next(r for r in members["regions"] if r["id"] == "gd")["logs"][REG] = text.encode().decode()
    governors = [keys.governance for keys in town.founded.keys.values()]
    return sign_policy(members, governors[: held.threshold], SYSTEM.clock())


def give(town, policy: Policy, *regions):
    """Put a policy into the files of some regions."""
    for region in regions:
        (town.folder / region / "policy.json").write_text(strict_json.dumps(policy.members))


def guard_of(town):
    return LastSigned(town.folder / "gd" / "data" / "last-signed")


def take_over(town, policy):
    """Let all other regions take a policy, as a reload does."""
    give(town, policy, *OTHERS)
    for region in OTHERS:
        town.stop(region)
        town.start(region)


def goes_on(town):
    """It takes an entry, and others witness it; returns the published checkpoint."""
    town.start("gd")
    index = town.add("gd", f"on{town.sizes('gd')[REG]}.gd.example")
    town.publish("gd")
    note = town.reader(REG).checkpoint()
    assert checkpoint_in(note).size > index
    return note


def shown_to(town, region, note):
    """What a witness answers to whoever hands it a head of gd's log."""
    asked = UnverifiedAddCheckpoint(0, (), parse_note(note))
    url = f"https://{region}.example/witness/add-checkpoint"
    return town.transport.request("POST", url, body=asked.encode(), max_bytes=4_096).status


def test_a_log_whose_last_heads_nobody_holds_goes_on_under_a_new_key(town, tmp_path):
    lost = lose(town, tmp_path / "kept")
    before = guard_of(town).held(REG)
    assert before.size == lost.head.size > lost.published
    with refused("history_missing", UnavailableError):
        pulled(town)
    with refused("log_key_not_new", ConflictError):  # the same key never signs anew
        pulled(town, retire=True)
    second = next_policy(town, town.founded.policy)
    give(town, second, "gd")
    with refused("history_missing", UnavailableError):  # a new key alone gives nothing up
        pulled(town)
    for region in ("zj", "sc"):
        town.stop(region)
    with refused("witnesses_missing", UnavailableError):  # they might hold it
        pulled(town, retire=True)
    for region in ("zj", "sc"):
        town.start(region)
    assert guard_of(town).held(REG) == before
    assert is_marked(town.folder / "gd" / "data")

    assert pulled(town, retire=True).retired == {REG: RetiredKeys(before.size, lost.published)}
    assert pulled(town, retire=True).retired == {}
    take_over(town, second)
    note = goes_on(town)
    former, new = (NoteSigner(REG, each.key) for each in town.keyring("gd").all(*LOG_KEY))
    assert [bool(parse_note(note).lines_of(s.verifier_key)) for s in (former, new)] == [
        False,
        True,
    ]
    assert second.log_policy(REG).verify(note).checkpoint == checkpoint_in(note)
    assert not any(town.both(region).witness.store.alarms() for region in OTHERS)

    # The former key is bound to what it has signed: it cannot sign the history that goes on.
    head, store = checkpoint_in(note), town.both("gd").registry.region.stores[REG]
    prove = partial(consistency_proof, store.hashes, new_size=head.size)
    with refused("signed_other_before", ConflictError):
        KeyHolder(former, guard_of(town)).sign(head, prove)
    # Whoever shows what it has signed convinces no counter, and a witness keeps the proof.
    with refused("quorum_not_met", ProofError):
        second.log_policy(REG).verify(lost.note)
    assert shown_to(town, "hn", lost.note) == HTTPStatus.CONFLICT
    assert [each.code for each in town.both("hn").witness.store.alarms()] == ["log_forked"]


def test_what_one_region_has_copied_is_fetched_and_no_key_ends(town, tmp_path):
    """Runs after the test above: the next policy names a third key, and the first no more."""
    lost = lose(town, tmp_path / "kept", seen_by=("hn",))
    third = next_policy(town, read_policy(town.folder / "gd" / "policy.json"))
    give(town, third, "gd")
    done = pulled(town, retire=True)
    assert done.retired == {}
    assert {each.origin: each.after for each in done.logs}[REG] == lost.head.size
    take_over(town, third)
    goes_on(town)
    alarms = len(town.both("hn").witness.store.alarms())
    first = NoteSigner(REG, town.keyring("gd").all(*LOG_KEY)[0].key)
    assert shown_to(town, "hn", sign_checkpoint(lost.head, first)) == HTTPStatus.FORBIDDEN
    assert len(town.both("hn").witness.store.alarms()) == alarms  # a key that has ended is none


def test_one_region_that_was_away_and_had_cosigned_it_stops_nobody(town, tmp_path):
    """Runs last: what it tells is true, and one of the four may fail."""
    lost = lose(town, tmp_path / "kept", seen_by=("hn",))
    assert town.both("hn").witness.guard.held(REG).size == lost.head.size
    fourth = next_policy(town, read_policy(town.folder / "gd" / "policy.json"))
    give(town, fourth, "gd")
    assert pulled(town, retire=True, away=True).retired[REG].signed == lost.head.size
    take_over(town, fourth)
    note = goes_on(town)
    assert {*signed_by(fourth.log_policy(REG), note)} == {"zj", "sc", "cn"}
    registry = town.both("gd").registry
    assert registry.fork_alarms()[REG] == 1
    assert not [word for log, word in registry.words() if log == REG]
    assert town.both("hn").witness.guard.held(REG).root == lost.head.root
    told = town.both("hn").witness.store.alarms()[-1]
    assert (told.log, told.code) == (REG, "log_forked")
    with refused("quorum_not_met", ProofError):
        fourth.log_policy(REG).verify(lost.note)
