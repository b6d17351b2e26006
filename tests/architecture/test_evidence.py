"""Newest is not latest (docs/adr/0018), where types do not say it: who reads and makes what."""

import ast

import pytest

from tests.architecture import source


def users(name):
    """Modules of the service that read an attribute of this name, or call what has it."""
    return {
        path.stem
        for path in source.modules("did_service")
        if name in names(ast.walk(source.parse(path)))
    }


def names(nodes):
    for node in nodes:
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("as_received", {"batches", "latest", "proofs", "proven", "proven_set"}),
        ("Latest", {"latest"}),
        ("VerifiedCheckpoint", {"policy"}),
        ("recall_checkpoint", {"quorums"}),
        ("read_into", {"context"}),
        ("read_until", {"did_states", "statements"}),
        ("read_against", {"did_states", "statements", "status", "tier"}),
    ],
)
def test_only_these_modules_open_this_door(name, allowed):
    """A new one is a decision about who may say yes, by what age."""
    assert users(name) == allowed
