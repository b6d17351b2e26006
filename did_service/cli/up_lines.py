"""What `did-service up` tells: how far it is, and what to type next, line by line.

Commands stand two spaces in and are ready to be copied; all else is prose.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import which

from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.text import Bilingual
from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.agencies import OFFICERS as ROLES
from did_service.node.local.federation import ROUTES, LocalFederation
from did_service.node.local.folders import PASSPHRASE, POLICY
from did_service.node.local.lasting import CITIZEN, OFFICERS, TRUST, Step
from did_service.node.local.members import AGENCIES, POLICE, AgencyPlan

STEPS: Mapping[Step, Bilingual] = {
    Step.FOUND: Bilingual(
        "五个地区：生成密钥，商定信任策略…",
        "five regions: keys, and the policy of all …",
    ),
    Step.BEGIN: Bilingual(
        "各地登记根身份，互相见证…", "each logs its root, and they cosign each other …"
    ),
    Step.AUTHORISE: Bilingual(
        "公布证照格式，两个机关登记并获授权…",
        "schemas are published, two agencies registered and authorised …",
    ),
    Step.COSIGN: Bilingual("各地核对并见证…", "the regions check and cosign …"),
    Step.RESUME: Bilingual("接着上次的继续…", "resumed where it left off …"),
}
ENDING = Bilingual("正在结束…", "ending …")
_WALLET = f"{CITIZEN}/wallet"
_ASK, _SHOWN = "ask.json", "shown.vp.json"


def encode(federation: LocalFederation) -> JsonObject:
    """Return the object of `--json`."""
    folder = federation.folder
    return {
        "folder": str(folder),
        "routes": str(folder / ROUTES),
        "policy": {
            "file": str(folder / POLICY),
            "fingerprint": federation.policy.fingerprint,
        },
        "regions": {name: setup.host for name, setup in federation.setups.items()},
        "agencies": [_agency(folder, agency) for agency in AGENCIES],
        "counter": str(folder / TRUST),
        "next": [command for _, lines in _acts(federation) for command in lines],
    }


def told(federation: LocalFederation, say: Callable[[Bilingual], str]) -> Iterator[str]:
    """Yield what people are told once it is ready.

    Args:
        federation: It runs.
        say: Chooses the reader's language.
    """
    yield say(
        Bilingual(
            "联邦已在本机运行：五个地区，两个机关，均为虚构，仅供演示。按 Ctrl-C 结束；"
            "再运行同一命令，接着上次的继续。",
            "The federation runs: five regions, two agencies, all fictional, a demonstration. "
            "Ctrl-C ends it; the same command resumes it.",
        )
    )
    for prose, commands in _acts(federation):
        yield ""
        yield say(prose)
        yield from (f"  {command}" for command in commands)


def _acts(federation: LocalFederation) -> Iterator[tuple[Bilingual, list[str]]]:
    """Yield who does what, in the order in which it works."""
    url = POLICE.url
    yield (
        Bilingual(
            "在另一个终端里依次运行。先设好环境：", "In another terminal, in this order. First:"
        ),
        list(_surroundings(federation.folder)),
    )
    fingerprint = shlex.quote(federation.policy.fingerprint)
    claims = f"{CITIZEN}/{POLICE.item}.json"
    yield (
        Bilingual(
            "公民：建立钱包，载入信任策略，提出申请（第二次起从出示做起）：",
            "Citizen: a wallet, the policy, an application (the second time begin at present):",
        ),
        [
            "wallet init",
            f"wallet trust pin {POLICY} --fingerprint {fingerprint}",
            f"wallet apply {url} {POLICE.item} --claims {claims}",
        ],
    )
    accepting, approving = (_token(POLICE, name) for name in (ACCEPTING, APPROVING))
    yield (
        Bilingual("经办人员：一人受理，另一人审批：", "Officers: one accepts, one approves:"),
        [
            f"did-service desk applications {url} --token-file {accepting}",
            f"did-service desk accept {url} next --token-file {accepting}",
            f"did-service desk approve {url} next --token-file {approving}",
        ],
    )
    yield (
        Bilingual("公民：领取证照及其核验数据：", "Citizen: the credential and its evidence:"),
        ["wallet receive", "wallet refresh --fresh"],
    )
    yield (
        Bilingual("窗口：出示请求：", "Clerk: a request:"),
        [f"did-verify challenge --trust {TRUST} --audience window-3 --out {_ASK} --force"],
    )
    yield (
        Bilingual("公民：出示：", "Citizen: present:"),
        [f"wallet present {POLICE.item}-1 --request {_ASK} --out {_SHOWN} --force"],
    )
    yield (
        Bilingual("窗口：核验：", "Clerk: check:"),
        [f"did-verify check {_SHOWN} --trust {TRUST}"],
    )


def _surroundings(folder: Path) -> Iterator[str]:
    """Yield the lines of a shell that finds programs, services and the citizen's things."""
    yield f"cd {shlex.quote(str(folder))}"
    own = Path(sys.executable).parent
    if which("wallet") is None and (own / "wallet").exists():
        yield f'export PATH={shlex.quote(str(own))}:"$PATH"'
    yield f"export DIDSVC_ROUTES={shlex.quote(str(folder / ROUTES))}"
    yield f"export WALLET_STORE={_WALLET} WALLET_PASSPHRASE_FILE={CITIZEN}/{PASSPHRASE}"


def _agency(folder: Path, agency: AgencyPlan) -> JsonObject:
    officers: list[JsonValue] = [
        {
            "name": name,
            "roles": [*sorted(roles)],
            "token_file": str(folder / _token(agency, name)),
        }
        for name, roles in ROLES.items()
    ]
    return {"id": agency.id, "url": agency.url, "item": agency.item, "officers": officers}


def _token(agency: AgencyPlan, name: str) -> str:
    return f"{OFFICERS}/{agency.id}/{name}.token"
