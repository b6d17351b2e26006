"""Quorum of a tlog-policy: which cosigners together make a checkpoint count, and since when.

A witness has signed at a time; a group has "signed" when its k-th member has. Taken from the
newest end and from the oldest end this gives two times, and they are never mixed:

    cosignatures, k = 2, one liar     12:00   12:01   ──────────────   23:59 (lie)
    fresh_at    k-th newest, for age          12:01   a liar cannot freshen an old tree
    existed_by  k-th oldest, for existence    12:01   nor, with 00:00, back-date a new one
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from did_service.core.errors import PolicyError, ProofError, quote
from did_service.core.limits import MAX_POLICY_MEMBERS

NO_QUORUM = "none"  # tlog-policy's word for "no cosignature needed"
_GROUP = "regions"  # not `quorum`: see `policy.check_portable`
_WORD = re.compile("[^\x00-\x20\x7f\ud800-\udfff]+")


class Group(NamedTuple):
    """Counts as having cosigned when `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]

    def encode(self) -> str:
        """Write the `group` line."""
        return " ".join(["group", self.name, str(self.threshold), *self.members])


class Quorum(NamedTuple):
    """The witness or group that must have cosigned.

    Attributes:
        name: Of that witness or group.
        groups: All groups, each after the groups that it names.
    """

    name: str
    groups: tuple[Group, ...] = ()

    @classmethod
    def of(cls, k: int, witnesses: Iterable[str]) -> "Quorum":
        """Return the quorum of any `k` of the named witnesses, in one group `regions`."""
        return cls(_GROUP, (Group(_GROUP, k, tuple(witnesses)),))

    def encode(self) -> str:
        """Write the `group` lines and the `quorum` line."""
        lines = [each.encode() for each in self.groups]
        return "".join(f"{line}\n" for line in [*lines, f"quorum {self.name}"])

    def fresh_at(self, cosignatures: Mapping[str, int]) -> int:
        """Return the largest time such that cosignatures at or after it meet the quorum.

        Args:
            cosignatures: POSIX seconds by witness name.

        Raises:
            ProofError: `quorum_not_met`.
        """
        return self._time(cosignatures, lambda times: sorted(times, reverse=True))

    def existed_by(self, cosignatures: Mapping[str, int]) -> int:
        """Return the smallest time such that cosignatures at or before it meet the quorum.

        Args:
            cosignatures: POSIX seconds by witness name.

        Raises:
            ProofError: `quorum_not_met`.
        """
        return self._time(cosignatures, sorted)

    def _time(
        self, cosignatures: Mapping[str, int], order: Callable[[Iterable[int]], list[int]]
    ) -> int:
        times = dict(cosignatures)
        for group in self.groups:  # inner groups come first
            signed = order(times[name] for name in group.members if name in times)
            if len(signed) >= group.threshold:
                times[group.name] = signed[group.threshold - 1]
        if self.name not in times:
            raise ProofError("quorum_not_met", f"{len(cosignatures)} cosigned, not enough")
        return times[self.name]

    def check_names(self, witnesses: Iterable[str]) -> None:
        """Check that every name is defined once, before its use, and votes at most once.

        Raises:
            PolicyError: `word_invalid`, `name_repeated`, `name_undefined`, `member_repeated`,
                `threshold_invalid`, `too_many_members`, `quorum_none`.
        """
        if len(self.groups) > MAX_POLICY_MEMBERS:
            raise PolicyError("too_many_members", f"{len(self.groups)} groups")
        defined: set[str] = set()
        for name in witnesses:
            _define(defined, name)
        votes = Counter(name for group in self.groups for name in group.members)
        for group in self.groups:
            _check_group(group, defined, votes)
            _define(defined, group.name)
        if self.name == NO_QUORUM:
            raise PolicyError("quorum_none", "a log without cosigners can show two histories")
        if self.name not in defined:
            raise PolicyError("name_undefined", f"the quorum is {quote(self.name)}")


def shares_honest_cosigner(k: int, m: int, f: int) -> bool:
    """Say whether any two quorums of k out of m have an honest member in common.

    Two quorums overlap in at least 2k − m members, of which f may lie; more than f must
    remain, so k > (m + f) / 2. Then no two trees of one log can both gather a quorum.

    Args:
        k: Cosignatures that a quorum needs, 1 to m.
        m: Cosigners that count.
        f: How many of them may lie, at least 0.
    """
    return f >= 0 and 2 * k > m + f


def check_word(word: str) -> None:
    """Check that a name or URL can stand in a policy line.

    Raises:
        PolicyError: `word_invalid` when it is empty or has a space or control character.
    """
    if not _WORD.fullmatch(word):
        raise PolicyError("word_invalid", f"not one word: {quote(word)}")


def _define(defined: set[str], name: str) -> None:
    check_word(name)
    if name in defined or name == NO_QUORUM:
        raise PolicyError("name_repeated", f"this name is taken: {quote(name)}")
    defined.add(name)


def _check_group(group: Group, defined: set[str], votes: Mapping[str, int]) -> None:
    if not 1 <= group.threshold <= len(group.members):
        raise PolicyError("threshold_invalid", f"{group.threshold} of {quote(group.name)}")
    for name in group.members:
        if name not in defined:
            raise PolicyError("name_undefined", f"{quote(name)} in {quote(group.name)}")
        if votes[name] > 1:
            raise PolicyError("member_repeated", f"{quote(name)} would count twice")
