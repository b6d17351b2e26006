"""Audit paths in little memory, and the root to which each leads."""

import pytest

from did_service.core.errors import ProofError
from did_service.core.evidence.audit_path import AuditPath
from did_service.core.log.merkle import inclusion_path, leaf_hash, tree_root

LEAVES = [leaf_hash(b"%d" % number) for number in range(71)]


def test_index_and_length_of_a_path_fix_its_root():
    for size in range(1, len(LEAVES) + 1):
        leaves = LEAVES[:size]
        for index, leaf in enumerate(leaves):
            path = AuditPath(inclusion_path(leaves, index))
            assert path.root(leaf, index) == tree_root(leaves)


def test_path_too_short_for_any_tree_has_no_root():
    with pytest.raises(ProofError) as caught:
        AuditPath(LEAVES[:2]).root(LEAVES[7], 7)
    assert caught.value.code == "path_length_wrong"
