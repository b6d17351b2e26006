"""The honest part of the story, from founding to a credential in the wallet.

Each method is one chapter; `scenes` begins where this ends. Officers act over HTTP with their
tokens, citizen and counter through their programs.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from did_service.core.encoding import strict_json
from did_service.core.text import Bilingual
from did_service.demo.cast import AUDIENCE, CITIZEN
from did_service.demo.children import Children, ChildRun
from did_service.demo.narrator import Narrator
from did_service.demo.world import DemoWorld
from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.members import AGENCIES, AgencyPlan

WALLET = f"wallets/{CITIZEN}"
TRUST = "counter/trust"
PASSPHRASE = f"{WALLET}/passphrase.txt"


@dataclass(frozen=True, slots=True)
class Story:
    """The world, the programs and the folder that a story plays in.

    Attributes:
        folder: Everything is written below it.
        world: The services.
        children: Starts `wallet` and `did-verify` in that folder.
        tell: Speaks to the person at the terminal.
    """

    folder: Path
    world: DemoWorld
    children: Children
    tell: Narrator

    def found(self) -> None:
        """Let five regions found their federation and witness each other."""
        self.tell.chapter(
            Bilingual("一、五个地区共同见证", "1. Five regions witness each other")
        )
        with self.tell.step(
            Bilingual(
                "各地区登记根身份，并由其余四地中的三地见证",
                "each region logs its root; three of the four others cosign",
            )
        ):
            self.world.begin_logs()
            self.world.publish()
        policy = self.world.policy
        told = Bilingual(
            f"信任策略指纹 {policy.fingerprint}", f"policy fingerprint {policy.fingerprint}"
        )
        self.tell.note(told)

    def authorise(self) -> None:
        """Publish schemas, register the agencies, and give them authority."""
        self.tell.chapter(Bilingual("二、机关登记与授权", "2. Agencies and their authority"))
        with self.tell.step(
            Bilingual("国家平台公布证照格式", "the national platform publishes the schemas")
        ):
            self.world.publish_schemas()
        for plan in AGENCIES:
            with self.tell.step(
                Bilingual(
                    f"{plan.name.zh}登记身份，获授权签发，公布作废记录",
                    f"{plan.name.en} registers, is authorised, publishes status lists",
                )
            ):
                self.world.set_up_agency(plan)
        with self.tell.step(
            Bilingual("其他地区逐条核对并见证", "the other regions check and cosign")
        ):
            self.world.publish("gd", "hn", "cn")

    def issue(self, wallet: Future[float]) -> None:
        """Let the citizen apply, two officers handle it, and the wallet receive.

        Args:
            wallet: `make_wallet`, which may have gone on while the agencies were set up.
        """
        self.tell.chapter(
            Bilingual("三、申请、受理、审批、领取", "3. Apply, accept, approve, receive")
        )
        made = Bilingual("公民建立加密钱包", "the citizen makes an encrypted wallet")
        self.tell.done(made, wallet.result())
        for plan in AGENCIES:
            self._apply(plan)
        with self.tell.step(
            Bilingual("钱包领取并核验两份证照", "the wallet receives and verifies both")
        ):
            self.wallet("receive")
        with self.tell.step(
            Bilingual("登记签发存证，由各地见证", "issuance batches are anchored and cosigned")
        ):
            self.world.tick_agencies()
            self.world.publish("gd", "hn")
        with self.tell.step(
            Bilingual("钱包取得核验数据", "the wallet fetches its evidence: the staple")
        ):
            self.wallet("refresh", "all", "--fresh")

    def make_wallet(self) -> float:
        """Let the citizen make a wallet and pin the policy; returns the seconds it took."""
        (self.folder / WALLET).mkdir(parents=True, mode=0o700)
        self._write(PASSPHRASE, "correct horse battery staple\n").chmod(0o600)
        made = self.wallet("init")
        fingerprint = self.world.policy.fingerprint
        pinned = self.wallet("trust", "pin", "policy.json", "--fingerprint", fingerprint)
        return made.seconds + pinned.seconds

    def make_counter(self) -> float:
        """Let the counter pin the policy; returns the seconds it took."""
        fingerprint = self.world.policy.fingerprint
        pinned = ("policy.json", "--fingerprint", fingerprint, "--trust", TRUST)
        return self.verify("trust", "pin", *pinned).seconds

    def equip_counter(self, counter: Future[float]) -> None:
        """Give the counter its policy, by `make_counter`: all that it trusts beforehand."""
        pinned = Bilingual(
            "湖南窗口载入信任策略，从不联网",
            "a counter in Hunan pins the policy; it has no network",
        )
        self.tell.done(pinned, counter.result())

    def challenge(self, target: str) -> str:
        """Let the counter write a request, and return its nonce, which is accepted once."""
        asked = ("--audience", AUDIENCE, "--out", target)
        run = self.verify("challenge", *asked, "--trust", TRUST, "--json")
        data = strict_json.as_object(run.output["data"], "data")
        return strict_json.as_text(data["nonce"], "nonce")

    def present(self, plan: AgencyPlan, request: str, target: str) -> ChildRun:
        """Let the wallet answer a request with one credential and its staple."""
        name = self.alias(plan)
        return self.wallet("present", name, "--request", request, "--out", target, "--yes")

    def alias(self, plan: AgencyPlan) -> str:
        """Return the wallet's short name of the credential that an agency issued."""
        return f"{plan.item}-1"

    def wallet(self, *arguments: str) -> ChildRun:
        """Run the citizen's wallet."""
        common = ("--store", WALLET, "--passphrase-file", PASSPHRASE, "--no-input", "--json")
        return self.children.run("wallet", *common, *arguments)

    def verify(self, *arguments: str) -> ChildRun:
        """Run the counter's verifier; a verdict may be anything, a fault may not."""
        return self.children.run("did-verify", *arguments, codes=(0, 1, 5))

    def _apply(self, plan: AgencyPlan) -> None:
        claims = f"{WALLET}/claims-{plan.item}.json"
        self._write(claims, strict_json.dumps(plan.claims))
        with self.tell.step(
            Bilingual(f"向{plan.name.zh}提出申请", f"the citizen applies to {plan.name.en}")
        ):
            self.wallet("apply", plan.url, plan.item, "--claims", claims, "--yes")
        with self.tell.step(
            Bilingual("一人受理，另一人审批", "one officer accepts, another approves")
        ):
            self.world.handle(plan, ACCEPTING, "received", "accept")
            self.world.handle(plan, APPROVING, "accepted", "approve")

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path
