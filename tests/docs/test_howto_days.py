"""docs/howto, a day's work: what the pages print is run in a federation that is there."""

import json
import shutil

import pytest

from did_service.node.local.agencies import ACCEPTING, APPROVING
from did_service.node.local.members import POLICE
from did_service.program.clock import SYSTEM
from tests.docs.test_guides import Person, fingerprint_of, person
from tests.support import optional
from tests.support.federation import founded
from tests.support.founded import found
from tests.support.howtos import lines, steps
from tests.support.offices import Office
from tests.support.old_databases import FILES, REG, write_old_databases
from tests.support.old_folders import typed_in, write_old_folders
from tests.support.released import Release
from tests.support.town import town_at

pytestmark = [
    pytest.mark.clock,
    pytest.mark.xdist_group("demo"),
    # a service that stops leaves connections of its peers behind in this process
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CURL = """
curl() {
  local words=()
  for word in "$@"; do
    case $word in
      https://gz.gd.example/*) words+=(--unix-socket "$SOCKET" "http${word#https}");;
      *) words+=("$word");;
    esac
  done
  command curl --fail-with-body "${words[@]}"
}
"""


def test_officers_issue_and_revoke_by_the_page(tmp_path, checkout):
    optional.program("curl")
    (tmp_path / "town").mkdir()
    with town_at(tmp_path / "town") as town:
        wang = town.citizen("wang")
        town.apply(wang, POLICE)
        officer = person(tmp_path / "office", checkout, "")
        routes = json.loads((town.folder / "routes.json").read_text())
        officer.variables["SOCKET"] = routes[POLICE.host].removeprefix("unix:")
        officer.variables["OFFICE"] = f"{POLICE.url}/office"
        for name, who in (("wang", ACCEPTING), ("li", APPROVING)):
            login = f"Authorization: Bearer {town.world.tokens[POLICE.id][who]}\n"
            (officer.place / f"{name}.header").write_text(login)
        told = []
        for line in lines("issue-and-revoke.md"):
            told.append(json.loads(officer.run(f"{CURL}\n{line}")))
            for name, several in (
                ("APPLICATION", "applications"),
                ("CREDENTIAL", "credentials"),
            ):
                if several in told[-1]:
                    officer.variables[name] = told[-1][several][0]["id"]
            if "credential" in told[-1]:
                town.anchor()
    assert [each.get("state") for each in told] == [None, "accepted", None, None, "revoked"]


def test_a_counter_gets_through_the_day_by_the_page(story, checkout, tmp_path):
    clerk = person(tmp_path / "clerk", checkout, fingerprint_of(story / "policy.json"))
    for name in ("policy.json", "counter/newest.bundle.jsonl.gz"):
        shutil.copy(story / name, clerk.place)
    clerk.run('did-verify trust pin policy.json --fingerprint ""')
    wallet = shutil.copytree(story / "wallets/wang", tmp_path / "wang")
    own = {"WALLET_STORE": str(wallet)}
    own["WALLET_PASSPHRASE_FILE"] = str(wallet / "passphrase.txt")
    citizen = Person(clerk.place, clerk.variables | own, clerk.fingerprint)
    said = []
    for _, block in steps("a-day-at-the-counter.md"):
        for line in block:
            said.append(clerk.run(line))
            if "challenge" in line:
                citizen.run("wallet present education-1 --request ask.json --out shown.vp.json")
                shutil.copy(clerk.place / "shown.vp.json", clerk.place / "sent.vp.json")
    assert sum("通过 ACCEPTED" in each for each in said) == 1
    assert "GENUINE DOCUMENT" in said[-1]
    assert not (clerk.place / "shown.vp.json").exists()


OLD_ROWS = """
import sys
from pathlib import Path
from did_service.issuer.store import IssuerStore
from did_service.replica.store import ReplicaStore
from did_service.web.database import open_engine

folder, reg = Path(sys.argv[1]), sys.argv[2]
for name in ("registry", "witness"):
    print(ReplicaStore(open_engine(folder / f"{name}.sqlite"), reg).size())
IssuerStore(open_engine(folder / "issuer.sqlite"))
"""


def test_all_that_the_former_release_left_is_upgraded_by_the_page_and_goes_back(
    tmp_path, checkout
):
    """Registry, witness, issuer, wallet, counter; and the former release takes them again."""
    operator = person(tmp_path / "operator", checkout, "")
    place = operator.place
    (place / "gd").mkdir()
    write_old_databases(place / "gd", tmp_path / "release")
    release, policy = Release(tmp_path / "release", (0, 2, 0)), found(SYSTEM).policy
    delivery = Office(founded(), tmp_path).issue()
    write_old_folders(place, release, policy.members, policy.fingerprint, delivery)
    typed = [line.split() for line in lines("upgrade.md")]
    looks = [words for words in typed if words[0] in ("wallet", "did-verify")]
    before = [typed_in(release, place, words) for words in looks]
    assert [code for code, _ in before] == [0, 0]
    told = {}
    for mark, block in steps("upgrade.md"):
        if mark == "back again":
            assert "database_outdated" not in told["did-service database status gd"]
            assert "residence-permit-1" in told[" ".join(looks[0])]
            assert policy.fingerprint in told[" ".join(looks[1])]
            code, _ = typed_in(release, place, looks[1])
            assert code != 0  # what has gone over does not come back: only the copy does
        for line in block:
            told[line] = operator.run(line)
    assert {path.name for path in (place / "before").iterdir()} == {*FILES}
    assert {path.name for path in (place / "after").iterdir()} >= {*FILES, "wallet", "trust"}
    assert [typed_in(release, place, words) for words in looks] == before
    assert release.run(OLD_ROWS, place / "gd", REG).split() == ["300", "300"]
