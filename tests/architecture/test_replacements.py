"""Our own code is replaced only to fail or to be counted (the rule: `replacements`)."""

import ast

import pytest

from tests.architecture import source
from tests.architecture.replacements import Kind, Replacement, replacements

PATHS = [
    path
    for path in source.modules("tests", "bench")
    if not {"node_modules", "architecture"} & {*path.parts}
]

# What does something of its own all the same: file, what is replaced, why nothing else will do.
ALLOWED = {
    (
        "tests/core/credentials/test_schema_check.py",
        "did_service.core.credentials.schema_reasons._validator",
    ): "two engines that disagree: the one that explains approves what the other refuses",
    (
        "tests/services/test_issuer_crash.py",
        "office.issuer._try_tick",
    ): "the ticks of a thread of its own, which would come between those of the test",
    (
        "tests/services/test_issuer_chains.py",
        "office.log.entry",
    ): "the log of `tests.support.offices`, which is no code of the product, tells a lie",
    (
        "tests/services/test_registry_parts.py",
        "type(registry.rounds)._append_heads",
    ): "a round that stops between its two logs and is not over",
    (
        "tests/services/test_registry_parts.py",
        "registry.rounds._pace",
    ): "a bound made small: it is a value, not a constant",
    (
        "tests/services/test_registry_parts.py",
        "did_service.client.witness.WitnessClient.add_checkpoint",
    ): "witnesses that answer what no witness of ours would",
    (
        "tests/services/test_registry_parts.py",
        "rounds._pace",
    ): "no pause between rounds: it is a value, not a constant",
    (
        "tests/services/test_registry_parts.py",
        "did_service.client.witness.WitnessClient.held",
    ): "witnesses that show what none of ours would",
    (
        "tests/services/test_own_history.py",
        "type(registry).check_history",
    ): "an older release, which went on with a restored database",
    (
        "tests/services/test_own_history.py",
        "type(registry).check_time",
    ): "likewise: the clock of that release was believed",
    (
        "tests/services/test_replica_files.py",
        "did_service.replica.store.ReplicaStore.entries",
    ): "a disk that gives back a damaged row",
    (
        "tests/services/test_registry_publishing.py",
        "type(ALONE).close",
    ): "a lead that is given up is noted",
    (
        "tests/services/test_transport.py",
        "did_service.client.routes.is_public",
    ): "a test has no public network: loopback stands for it",
}


def own_ways():
    """Yield file and target of each replacement that only the list allows."""
    for path in PATHS:
        for each in replacements(source.parse(path)):
            if each.kind is Kind.OTHER:
                yield str(path), each.target


def test_our_own_code_is_replaced_only_to_fail_or_to_be_counted():
    assert {*own_ways()} == ALLOWED.keys()


def test_the_rule_sees_the_replacements_of_the_tests():
    kinds = [each.kind for path in PATHS for each in replacements(source.parse(path))]
    assert {*kinds} == {*Kind}
    assert len(kinds) > 80


# --- the rule catches what is planted ---------------------------------------------------------

HEAD = """
import os, sys
from unittest import mock
from did_service.core.encoding import jcs
"""


@pytest.mark.parametrize(
    ("text", "target", "kind"),
    [
        ("monkeypatch.setattr(os, 'fsync', print)", "os.fsync", Kind.OUTSIDE),
        ("mock.patch.object(sys, 'stdin', x)", "sys.stdin", Kind.OUTSIDE),
        ("mock.patch('wallet_cli.vault.jcs.sha256', f)", None, Kind.OTHER),
        ("monkeypatch.setattr(jcs, 'MAX_DEPTH', 2)", None, Kind.BOUND),
        ("monkeypatch.setattr(jcs, 'encode', lambda _: b'')", None, Kind.OTHER),
        ("monkeypatch.setattr('did_service.core.encoding.jcs.encode', f)", None, Kind.OTHER),
        ("def f(_): raise OSError\nmonkeypatch.setattr(jcs, 'encode', f)", None, Kind.FAILS),
        ("def f(_): return 1\nmonkeypatch.setattr(jcs, 'encode', f)", None, Kind.OTHER),
        (
            "e = jcs.encode\nmonkeypatch.setattr(jcs, 'encode', lambda v: e(v))",
            None,
            Kind.CALLS,
        ),
        ("a, e = 1, jcs.encode\np.setattr(jcs, 'encode', lambda v: e(v))", None, Kind.CALLS),
        (
            "def make():\n def f(): raise OSError\n return f\np.setattr(jcs, 'encode', make())",
            None,
            Kind.FAILS,
        ),
        ("p.setattr(office.log, 'submit', lambda: None)", "office.log.submit", Kind.OTHER),
        ("p.setattr(target, name, lambda: None)", "target.{name}", Kind.OTHER),
        ("p.setattr(f'{jcs.__name__}.{x}', lambda: 1)", "f'{jcs.__name__}.{x}'", Kind.OTHER),
        ("def f(): raise OSError\np.setattr(f'{jcs.__name__}.{x}', f)", None, Kind.FAILS),
    ],
)
def test_planted_replacements_are_judged(text, target, kind):
    (found,) = replacements(ast.parse(HEAD + text))
    assert found.kind is kind
    assert target in (None, found.target)


def test_what_only_looks_like_a_replacement_is_none():
    text = "fields.object('x')\nsetattr\nself.patch(a)"
    assert [*replacements(ast.parse(text))] == []


def test_a_replacement_names_its_line():
    found = Replacement(1, "os.fsync", Kind.OUTSIDE)
    assert [*replacements(ast.parse("import os; p.setattr(os, 'fsync', 1)"))] == [found]
