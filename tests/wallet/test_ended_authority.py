"""An issuer that goes on after its authority has ended: the wallet does not deal with it."""

import pytest

from did_service.cli.demo.cast import POLICE
from tests.support.town import town_at
from wallet_cli.holdings import applications

pytestmark = pytest.mark.xdist_group("town")


def test_a_credential_issued_after_the_end_of_authority_is_not_kept_unasked(tmp_path):
    with town_at(tmp_path) as town:
        purse = town.citizen("late")
        town.world.end_authority(POLICE)
        town.anchor()
        town.apply(purse, POLICE)
        town.approve(POLICE)
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
