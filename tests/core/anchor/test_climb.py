"""One walk up the grants: log, counter and wallet end it at a root, or after four steps."""

from did_service.core.anchor.climb import Climb
from did_service.core.limits import MAX_AUTHORITY_HOPS
from tests.support.federation import founded

FED = founded()


def test_a_chain_ends_after_four_statements():
    climb, statements = Climb(FED.policy), 0
    while climb is not None:
        climb, statements = climb.up(), statements + 1
    assert statements == MAX_AUTHORITY_HOPS == 4


def test_a_chain_ends_at_the_root_of_a_region_and_nowhere_else():
    climb, root = Climb(FED.policy), FED.root("gd")
    assert climb.root(root.did).id == "gd"
    assert climb.up().root(root.did) is climb.root(root.did)
    assert climb.root(root.did + "x") is None
