"""Pages of docs/howto: their blocks, and folders of offices in which they are typed."""

import json
import os
import re
import shlex
import shutil
import time
from contextlib import chdir, closing, suppress
from functools import cached_property, partial
from pathlib import Path

from did_service.client.routes import parse_routes
from did_service.client.transport import Transport
from did_service.core.anchor.bodies.policy import parse_policy
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from did_service.core.log.checkpoint import Checkpoint, sign_checkpoint
from did_service.core.log.note import parse_note
from did_service.core.log.witnessing import UnverifiedAddCheckpoint
from did_service.node.configuration import FILE, read_configuration
from did_service.node.did_folder import DidFolder
from did_service.node.did_keys import KeyFiles
from did_service.node.dids import Dids
from did_service.node.setting_table import ServiceKind
from did_service.node.starting import prepare
from did_service.program.clock import SYSTEM
from did_service.signer.keyring import open_keyring
from tests.support.ceremony import PASSPHRASE
from tests.support.ceremony_town import QUICK, Town
from tests.support.purse import cheap

FOLDER = Path("docs/howto").absolute()
NAMES = sorted(path.name for path in FOLDER.glob("*.md") if "README" not in path.name)
_BLOCK = re.compile(
    r"(?:^ *<!-- ([^>]*) -->\n)?^ *```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE
)
TWO_HOSTS = "on two hosts"  # what is done instead, where the page says so
PRINTED_YEAR = "2028"  # of the pages: the first one for which nobody has a log
REGIONS = {"gd": "440000", "hn": "430000", "cn": "000000"}
WHERE = {"in each region": (*REGIONS,), "in the other regions": ("hn", "cn")}


def steps(name):
    """Return the console blocks of a page: the comment above each, and its lines."""
    found = _BLOCK.findall((FOLDER / name).read_text())
    return [
        (mark, [line.strip().removeprefix("$ ") for line in text.splitlines()])
        for mark, text in found
    ]


def lines(name):
    return [line for _, block in steps(name) for line in block]


class Offices(Town):
    """Folders of several offices in one, where commands are typed as they are printed."""

    def follow(self, page):
        """Do what a page says."""
        self.do(steps(page))

    def do(self, blocks):
        """Type what blocks of a page print, where they say that it is done."""
        for mark, block in blocks:
            if mark == TWO_HOSTS:
                continue
            for region in WHERE.get(mark.partition(",")[0], ["gd"]):
                for line in block:
                    (self.until_done if "until" in mark else self.typed)(line, region)

    @cached_property
    def new_year(self):
        """The first year for which nobody has a log: that may be made across New Year."""
        told = json.dumps(self.run("policy", "show", self.path / "gd"))
        return max(int(year) for year in re.findall(r"/ev/(\d{4})", told)) + 1

    def reload_all(self):
        """What `systemctl reload` does in each region."""
        for region in REGIONS:
            self.reload(region)

    def typed(self, line, region="gd"):
        """Run a line, in a region of its own where it is another than the page's."""
        with chdir(self.path):
            return self._typed(line, region)

    def _typed(self, line, region):
        line, _, remark = line.partition("  # ends with ")
        if PRINTED_YEAR in line:
            line = line.replace(PRINTED_YEAR, str(self.new_year))
        if region != "gd":
            line = re.sub(r"\bgd\b", region, line).replace("440000", REGIONS[region])
        words = [word for each in shlex.split(line)[1:] for word in self.expanded(each)]
        if words[1] == "init":
            return self.made(words)
        if words[1] == "serve" and "--check" in words:
            return self.run(*words)
        if words[1] == "serve":
            return self.serve(words[2])
        if "--fingerprint" in words:
            told = self.run("policy", "show", words[3])["fingerprint"]
            words[words.index("--fingerprint") + 1] = told
        return self.run(*words, code=int(remark or 0))

    def signer(self, region, origin):
        """The key of a log, as whoever has stolen the keyring and its passphrase has it."""
        configuration = read_configuration(self.path / region / FILE, dict(os.environ))
        keyring = open_keyring(configuration.path("keys.keyring"), PASSPHRASE, os.urandom)
        setup = prepare(configuration, keyring, dict(os.environ), SYSTEM)
        with closing(setup.transport):
            return setup.logs[origin]

    def show_another_history(self, signer, witness):
        """Hand a witness a tree that a log's key has signed, and that is not the one it has."""
        note = sign_checkpoint(Checkpoint(signer.name, 1, b"f" * 32), signer)
        asked = UnverifiedAddCheckpoint(0, (), parse_note(note)).encode()
        routes = parse_routes((self.path / "routes.json").read_bytes())
        with Transport(routes) as transport:
            url = f"https://{witness}/witness/add-checkpoint"
            return transport.request("POST", url, body=asked, max_bytes=4_096)

    def hand_in(self, name):
        """Hand in a DID, as a citizen of region gd does."""
        folder = self.path / name
        members = strict_json.load_object((self.path / "gd" / "policy.json").read_bytes())
        routes = parse_routes((self.path / "routes.json").read_bytes())
        keys = KeyFiles(folder / "keys", PASSPHRASE, os.urandom, cheap)
        with Transport(routes) as transport:
            policy = parse_policy(members)
            Dids(DidFolder(folder), keys, policy, transport, SYSTEM, waits=1).create(name)

    def lose(self, *names):
        """Let machines be lost with their folders."""
        for name in names:
            self.stop(name)
            shutil.rmtree(self.path / name)

    def expanded(self, word):
        return sorted(each.name for each in self.path.glob(word)) if "*" in word else [word]

    def made(self, words):
        """What `init` does, with a passphrase that costs less and a log that waits less."""
        told = {each: words[at + 1] for at, each in enumerate(words) if each.startswith("--")}
        if words[0] != "agency":
            kind = ServiceKind(words[0])
            chosen = {"service.region": told["--region"]}
            if kind is not ServiceKind.WITNESS:
                chosen |= QUICK
            return self.init(kind, words[2], told["--host"], chosen)
        chosen = {
            "agency.url": told["--url"],
            "agency.jurisdiction": told["--jurisdiction"],
            "agency.log_host": told["--log-host"],
            "agency.tick": 1.0,
        }
        return self.init(ServiceKind.AGENCY, words[2], told["--host"], chosen)

    def until_done(self, line, region="gd"):
        """Run a line until it ends with 0, as the page says."""
        return self.until_right(partial(self.typed, line, region))

    def until_right(self, act):
        """Do something until it succeeds: the logs publish in between."""
        for _ in range(240):
            with suppress(AssertionError, DidServiceError):
                return act()
            time.sleep(0.1)
        return act()
