"""An issuer that goes on after its authority has ended: the wallet does not deal with it."""

import pytest

from did_service.node.administration import Administration
from did_service.node.founding import create_identity
from did_service.node.local.members import POLICE
from tests.support.town import town_at
from wallet_cli.holdings import applications

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("town")]


def register_another_agency(world):
    """Write something to the control log of 广东."""
    office = Administration(world.transport, "gd.example", world.edge)
    office.register(create_identity("fs.gd.example", world.edge))


def approved_after_the_end(town):
    """Return the purse of a citizen whose application an agency without authority approved."""
    purse = town.citizen("late")
    town.world.end_authority(POLICE)
    town.world.publish("gd")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    return purse


def test_a_credential_issued_after_the_end_of_authority_is_not_kept_unasked(tmp_path):
    """A bundle of the whole log shows that no other grant was left out."""
    with town_at(tmp_path) as town:
        purse = approved_after_the_end(town)
        register_another_agency(town.world)  # so that the log says anew what is its latest
        town.world.publish("gd")
        bundle = tmp_path / "all.bundle.jsonl.gz"
        bundle.write_bytes(town.world.bundle())
        assert purse.run("trust", "import", bundle).exit == 0
        run = purse.json("receive")
        assert (run.exit, run.code) == (6, "issuer_without_authority")
        assert run.envelope["error"]["details"] == {"check": "issued_after_end"}
        assert purse.json("cred", "list").data == {"credentials": []}
        (kept,) = applications(purse.vault())
        assert kept.delivery is not None

        insisted = purse.json("receive", "--allow-untrusted")
        assert insisted.exit == 0
        assert "issuer_without_authority" in insisted.warnings
        verdict = purse.json("cred", "verify", "residence-permit-1")
        assert (verdict.exit, verdict.code) == (1, "credential_refused")


def test_without_the_whole_log_the_wallet_warns_of_an_ended_authority(tmp_path):
    """Whoever handed out the evidence could have left a newer grant out."""
    with town_at(tmp_path) as town:
        purse = approved_after_the_end(town)
        run = purse.json("receive")
        assert run.exit == 0
        assert "authority_not_proven" in run.warnings
