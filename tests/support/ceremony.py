"""Five regions in five folders, which found a federation by files they hand each other."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from did_service.core.encoding import timestamps
from did_service.core.text import Bilingual
from did_service.node.federation.approvals import WitnessApprovals
from did_service.node.federation.draft import Draft
from did_service.node.federation.drafting import ChosenTerms, first_draft
from did_service.node.federation.joining import Description, join
from did_service.node.federation.member import Member
from did_service.node.federation.region_folder import RegionFolder, open_region
from did_service.node.federation.region_keys import Rotation
from did_service.node.federation.signatures import DraftSignatures
from did_service.node.federation.signing import approve, sign
from did_service.node.federation.witness_part import WitnessPart
from did_service.node.federation.witnessing import tell
from did_service.node.initial import initialise
from did_service.node.setting_table import OF_REGION, ServiceKind
from did_service.program.clock import ClockAndRandom
from did_service.signer.keyring import Keyring, open_keyring
from tests.support.keyrings import CHEAP

FEDERATION = "urn:didsvc:federation:test"
PASSPHRASE = "tiger-7-lantern-42"
CODES = {
    "cn": "000000",
    "gd": "440000",
    "hn": "430000",
    "sc": "510000",
    "zj": "330000",
    "fj": "350000",
}
NAMES = {"cn": "全国", "gd": "广东", "hn": "湖南", "sc": "四川", "zj": "浙江", "fj": "福建"}
NONE = Rotation()
FIVE = ("cn", "gd", "hn", "sc", "zj")


@dataclass
class Machine:
    """One region's folder, and its keys."""

    folder: RegionFolder
    keyring: Keyring
    edge: ClockAndRandom

    def join(self, rotation=NONE, part=None, **described) -> Member:
        name = self.folder.region
        described.setdefault("name", Bilingual(NAMES[name], name))
        described.setdefault("territory", (CODES[name],))
        about = Description(**described)
        return join(self.folder, self.keyring, about, rotation, self.edge, part).member

    def tell(self, *, rotate: bool = False) -> WitnessPart:
        """What a witness alone says of itself."""
        return tell(self.folder, self.keyring, self.edge, rotate=rotate).part

    def approve(self, draft: Draft, *, instead: bool = False) -> WitnessApprovals:
        """What a witness alone signs."""
        fingerprint = draft.policy.fingerprint
        return approve(
            self.folder, self.keyring, draft, fingerprint, self.edge, instead=instead
        ).approvals

    def sign(self, draft: Draft, *, instead: bool = False) -> DraftSignatures:
        fingerprint = draft.policy.fingerprint
        return sign(
            self.folder, self.keyring, draft, fingerprint, self.edge, instead=instead
        ).signatures


@dataclass
class Machines:
    """Several machines with one clock."""

    path: Path
    now: int = 1_796_000_000  # 2026-11-30
    by_region: dict[str, Machine] = field(default_factory=dict)

    @property
    def edge(self) -> ClockAndRandom:
        return ClockAndRandom(lambda: timestamps.from_posix(self.now), os.urandom)

    def add(
        self, region: str, host: str = "", kind: ServiceKind = ServiceKind.REGION
    ) -> Machine:
        """Make a region's folder as `region init` does, or that of its witness alone."""
        alone = kind is ServiceKind.WITNESS
        name = f"{region}-witness" if alone else region
        path = self.path / name
        file = self.path / "pass"
        if not file.exists():
            file.touch(0o600)
            file.write_text(f"{PASSPHRASE}\n")
        chosen = {
            "service.region": region,
            "service.hosts": [host or f"{region}.example"],
            "keys.passphrase": f"file:{file}",
        }
        made = initialise(path, kind, chosen, PASSPHRASE, self.edge, CHEAP)
        keyring = open_keyring(made.configuration.path("keys.keyring"), PASSPHRASE, os.urandom)
        self.by_region[name] = Machine(open_region(path, {}, OF_REGION), keyring, self.edge)
        return self.by_region[name]

    def draft(self, regions=FIVE) -> Draft:
        """The first draft, of the member files of these regions."""
        members = [(self.by_region.get(each) or self.add(each)).join() for each in regions]
        now = timestamps.from_posix(self.now)
        return first_draft(FEDERATION, members, ChosenTerms(), now, demo=True)

    def signed(self, draft: Draft) -> list[DraftSignatures]:
        """What every member of a draft signs below it."""
        return [self.by_region[each.id].sign(draft) for each in draft.regions]
