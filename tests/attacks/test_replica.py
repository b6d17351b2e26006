"""Attacks on what a mirror hands out (threat-model.md §6)."""

from did_service.core.evidence.moment import EvidenceMoment
from did_service.replica.evidence_service import EvidenceService
from tests.support.replicas import Mirror, small_world

REG = "gd.example/reg"


def test_staples_of_two_wallets_are_byte_equal(tmp_path):
    """Whenever in the hour a wallet refreshes, its staple does not tell it from another."""
    fed = small_world()
    psb = fed.actors["gz.gd.example"]
    mirror = Mirror(fed, tmp_path)
    mirror.follow()
    control = mirror.replica(REG)
    desk = EvidenceService(control, control)
    first = desk.newest("did", psb.id, EvidenceMoment.EPOCH).encode()
    fed.tick(60)
    fed.rotate(psb)
    fed.publish("gd")
    mirror.follow()
    assert desk.newest("did", psb.id, EvidenceMoment.EPOCH).encode() == first
    assert desk.newest("did", psb.id, EvidenceMoment.NEWEST).items[0].entry.number == 2
    fed.tick(3_600)
    fed.publish("gd")
    mirror.follow()
    assert desk.newest("did", psb.id, EvidenceMoment.EPOCH).items[0].entry.number == 2
