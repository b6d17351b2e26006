"""Trust policy of one log (c2sp.org/tlog-policy): whose signatures make a checkpoint count.

    log gd.example/reg+7f3a91c2+AfQ…=  https://gd.example/reg
    witness bj bj.example/witness+0c11d2e4+BLk…=  https://bj.example/witness
    witness sh sh.example/witness+5be0a913+BJx…=  https://sh.example/witness
    witness cq cq.example/witness+93d1f0aa+BHw…=  https://cq.example/witness
    group regions 2 bj sh cq
    quorum regions

Stricter than the specification where a vote could count twice or prove nothing: each operator
(the host before the first slash of a key name, at whatever port) has one witness, none is the
log's own operator, no key has two roles, `quorum none` is refused, and the text is UTF-8. What
is written here is narrower still, so that foreign tools read it as well: `check_portable`.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from did_service.core.errors import MalformedError, PolicyError, ProofError, quote
from did_service.core.limits import MAX_LOG_POLICY_BYTES, MAX_POLICY_MEMBERS
from did_service.core.log.checkpoint import Checkpoint, parse_checkpoint, parse_number
from did_service.core.log.cosignature import COSIGNATURE_TYPES, cosigned_at
from did_service.core.log.note import (
    KeyType,
    UnverifiedNote,
    VerifierKey,
    parse_note,
    parse_verifier_key,
    verify_note,
)
from did_service.core.log.quorum import NO_QUORUM, Group, Quorum, check_word

_CONTROLS = frozenset(map(chr, [*range(0x20), 0x7F])) - {"\t", "\n"}
_KEYWORDS = frozenset({"log", "witness", "group", "quorum", "any", "all", "none"})
_PORT = re.compile(r":[0-9]*\Z")  # RFC 3986 §3.2.3; an IPv6 address ends in a bracket


class PolicyLog(NamedTuple):
    """A log whose checkpoints are accepted; the name of its key is its origin."""

    key: VerifierKey
    url: str | None = None

    def encode(self) -> str:
        """Write the `log` line."""
        return " ".join(filter(None, ["log", self.key.encode(), self.url]))


class KnownWitness(NamedTuple):
    """A cosigner under the name that groups use for it."""

    name: str
    key: VerifierKey
    url: str | None = None

    def encode(self) -> str:
        """Write the `witness` line."""
        return " ".join(filter(None, ["witness", self.name, self.key.encode(), self.url]))


class VerifiedCheckpoint(NamedTuple):
    """A checkpoint that its log signed and a quorum cosigned.

    Attributes:
        checkpoint: The tree head.
        note: The note, to keep and hand on: as received, or what `verify_parsed` leaves of it.
        fresh_at: POSIX seconds, for age: `Quorum.fresh_at` of all known witnesses that signed.
        existed_by: POSIX seconds, for existence: `Quorum.existed_by` of them.
    """

    checkpoint: Checkpoint
    note: bytes
    fresh_at: int
    existed_by: int


def recall_checkpoint(note: bytes, fresh_at: int, existed_by: int) -> VerifiedCheckpoint:
    """Return a checkpoint that was verified before, by the word of whoever kept that.

    The verifier's own directory alone may say so (docs/adr/0043); what the tree is comes from
    the note.

    Raises:
        MalformedError: not a checkpoint.
    """
    checkpoint = parse_checkpoint(parse_note(note).text)
    return VerifiedCheckpoint(checkpoint, note, fresh_at, existed_by)


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """Known logs, known witnesses, and the quorum among them.

    A witness outside the quorum is asked and shown but does not count.

    Raises:
        PolicyError: one of the rules in the module's docstring is broken.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[KnownWitness, ...]
    quorum: Quorum

    def __post_init__(self) -> None:
        if max(len(self.logs), len(self.witnesses)) > MAX_POLICY_MEMBERS:
            raise PolicyError("too_many_members", "too many logs or witnesses")
        self.quorum.check_names(each.name for each in self.witnesses)
        for url in [log.url for log in self.logs] + [each.url for each in self.witnesses]:
            check_word(url or "-")
        self._check_keys()
        self._check_operators()

    def encode(self) -> bytes:
        """Write the policy text, in the one form that this program writes."""
        lines = [log.encode() for log in self.logs]
        lines += [each.encode() for each in self.witnesses]
        return ("".join(f"{line}\n" for line in lines) + self.quorum.encode()).encode()

    def verify(self, note: bytes) -> VerifiedCheckpoint:
        """Check a checkpoint note: signed by a known log, cosigned by the quorum.

        Lines of unknown keys are ignored; each line that selects a known key must verify.

        Raises:
            MalformedError: not a note, or not a checkpoint in it.
            ProofError: `log_signature_missing`, `quorum_not_met`, `signature_invalid` or
                `cosignature_invalid`.
        """
        return self.verify_parsed(parse_note(note))._replace(note=note)

    def verify_parsed(self, parsed: UnverifiedNote) -> VerifiedCheckpoint:
        """Check a checkpoint note that was parsed, and return it without what was not checked.

        Anybody can put lines of keys that nobody knows below a true note, some hundred
        kilobytes of them; the note that is returned has the lines of known keys, each once.

        Raises:
            MalformedError, ProofError: as `verify`.
        """
        checkpoint = parse_checkpoint(parsed.text)
        signing = self._log_keys(checkpoint.origin, parsed)
        for key in signing:
            verify_note(parsed, key)
        signed = self._cosignatures(parsed)
        fresh_at, existed_by = self.quorum.fresh_at(signed), self.quorum.existed_by(signed)
        note = parsed.only_of((*signing, *(each.key for each in self.witnesses))).encode()
        return VerifiedCheckpoint(checkpoint, note, fresh_at, existed_by)

    def _log_keys(self, origin: str, note: UnverifiedNote) -> list[VerifierKey]:
        keys = [each.key for each in self.logs if each.key.name == origin]
        signing = [key for key in keys if note.lines_of(key)]
        if not signing:
            raise ProofError("log_signature_missing", f"no known key of {quote(origin)}")
        return signing

    def _cosignatures(self, note: UnverifiedNote) -> dict[str, int]:
        times = {each.name: cosigned_at(note, each.key) for each in self.witnesses}
        return {name: time for name, time in times.items() if time is not None}

    def _check_keys(self) -> None:
        for log in self.logs:
            if log.key.type is not KeyType.ED25519:
                raise PolicyError("key_type_wrong", f"not a log's key: {quote(log.key.name)}")
        for each in self.witnesses:
            if each.key.type not in COSIGNATURE_TYPES:
                raise PolicyError("key_type_wrong", f"not a cosigner's key: {quote(each.name)}")
        publics = [log.key.public for log in self.logs]
        publics += [each.key.public for each in self.witnesses]
        if len(set(publics)) != len(publics):
            raise PolicyError("key_repeated", "one key stands on two lines")

    def _check_operators(self) -> None:
        own = {operator(log.key) for log in self.logs}
        seen: set[str] = set()
        for each in self.witnesses:
            host = operator(each.key)
            if host in own:
                raise PolicyError("own_operator", f"{quote(host)} cosigns its own log")
            if host in seen:
                raise PolicyError("operator_repeated", f"{quote(host)} would vote twice")
            seen.add(host)


def check_portable(policy: LogPolicy) -> None:
    """Check that the Go parsers in use would read the text of a policy that we write.

    They are narrower than the specification (transparency-dev/formats `witness.ParsePolicy` and
    Tessera, read in November 2026): no keyword is a name, a witness line has its URL, and `#`
    begins a comment wherever it stands. Texts that others wrote are read without this check.

    Raises:
        PolicyError: `name_reserved`, `witness_url_missing`.
    """
    witnesses, groups = policy.witnesses, policy.quorum.groups
    for name in [*(each.name for each in witnesses), *(group.name for group in groups)]:
        if name in _KEYWORDS:
            raise PolicyError("name_reserved", f"a keyword of tlog-policy: {quote(name)}")
    for each in witnesses:
        if each.url is None:
            raise PolicyError("witness_url_missing", f"where is {quote(each.name)} reached?")
    if b"#" in policy.encode():
        raise PolicyError("name_reserved", "a number sign begins a comment")


def operator(key: VerifierKey) -> str:
    """Return who runs a key: the host of its name, which has one vote at whatever port."""
    return _PORT.sub("", key.name.partition("/")[0]).rstrip(".").lower()


# --- the text ---------------------------------------------------------------------------------


class _PolicyReader:
    """Takes the lines of a policy in order; names must be defined before they are used."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[KnownWitness] = []
        self.groups: list[Group] = []
        self.defined: set[str] = {NO_QUORUM}
        self.quorum: str | None = None

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(PolicyLog(parse_verifier_key(vkey), *url))
            case ["witness", name, vkey, *url] if len(url) < 2:
                self.witnesses.append(KnownWitness(name, parse_verifier_key(vkey), *url))
                self.defined.add(name)
            case ["group", name, count, *members] if members:
                self._need(members)
                threshold = _threshold(count, len(members))
                self.groups.append(Group(name, threshold, tuple(members)))
                self.defined.add(name)
            case ["quorum", name] if self.quorum is None:
                self._need([name])
                self.quorum = name
            case _:
                line = quote(" ".join(words))
                raise PolicyError("line_invalid", f"not a policy line: {line}")

    def policy(self) -> LogPolicy:
        if self.quorum is None:
            raise PolicyError("quorum_missing", "a policy has a quorum line")
        quorum = Quorum(self.quorum, tuple(self.groups))
        return LogPolicy(tuple(self.logs), tuple(self.witnesses), quorum)

    def _need(self, names: list[str]) -> None:
        for name in names:
            if name not in self.defined:
                raise PolicyError("name_undefined", f"not defined above: {quote(name)}")


def parse_log_policy(data: bytes) -> LogPolicy:
    """Read a policy text; comments and spacing are not kept.

    Raises:
        PolicyError: `line_invalid`, `quorum_missing`, `too_large`, a code of `LogPolicy` or of
            `Quorum.check_names`, or that of a malformed key.
    """
    if len(data) > MAX_LOG_POLICY_BYTES:
        raise PolicyError("too_large", f"a policy text of {len(data)} bytes")
    reader = _PolicyReader()
    try:
        for line in _lines(data):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            if words and not words[0].startswith("#"):
                reader.take(words)
    except MalformedError as error:
        raise PolicyError(error.code, error.message) from error
    return reader.policy()


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyError("line_invalid", "a policy text is UTF-8") from error
    if not _CONTROLS.isdisjoint(text):
        raise PolicyError("line_invalid", "a control character in a policy text")
    lines = text.split("\n")
    if lines.pop():
        raise PolicyError("line_invalid", "each line of a policy ends in a newline")
    return lines


def _threshold(count: str, members: int) -> int:
    if count in {"any", "all"}:
        return 1 if count == "any" else members
    try:
        return parse_number(count)
    except MalformedError as error:
        raise PolicyError("threshold_invalid", f"not a threshold: {quote(count)}") from error
