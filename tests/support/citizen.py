"""A citizen's wallet in a scene: it reads the scene's clock, and pins the scene's policy."""

from __future__ import annotations

import json
from pathlib import Path

from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.bundle import encode_bundle
from did_service.core.evidence.sets import parse_evidence
from tests.support.counter import Scene
from tests.support.purse import Purse, Run
from wallet_cli.holdings import applications, credentials


class Citizen(Purse):
    """A wallet in the scene's time, that has pinned its policy and made a key."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        super().__init__(folder)
        self.scene = scene
        members, fingerprint = scene.fed.policy.members, scene.fed.policy.fingerprint
        policy = self.save("policy.json", strict_json.dumps(members))
        pinned = self.json("trust", "pin", policy, "--fingerprint", fingerprint)
        assert pinned.exit == 0
        self.did = self.json("id", "new").data["did"]

    def run(self, *words: object, **arguments: object) -> Run:
        """Run a command in the scene's time."""
        clock = timestamps.from_posix(self.scene.fed.now + 1)
        return super().run(*words, **{"clock": clock, **arguments})

    def subject(self, **claims: object) -> JsonObject:
        """Claims about this citizen, as an issuer signs them."""
        return {"id": self.did, "jurisdiction": "440100", "familyName": "王", **claims}

    def receive(self, document: JsonObject) -> Run:
        """Take a credential from a file."""
        file = self.save("credential.json", json.dumps(document))
        return self.json("receive", file, "--offline")

    def take(self, evidence: JsonObject) -> Run:
        """Import a bundle of evidence."""
        bundle = self.folder / "bundle.gz"
        bundle.write_bytes(encode_bundle(parse_evidence(evidence)))
        return self.json("trust", "import", bundle)

    def hold_one(self) -> Citizen:
        """Import the scene's evidence, and receive one good credential."""
        assert self.take(self.scene.staple()).exit == 0
        issued = self.scene.issue(credentialSubject=self.subject())
        assert self.receive(issued).exit == 0
        return self

    def counts(self) -> tuple[int, int]:
        """How many applications are open, and how many credentials are held."""
        return len(applications(self.vault())), len(credentials(self.vault()))
