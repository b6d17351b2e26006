"""The site that `make docs` makes: no link leads nowhere, nothing comes from elsewhere, and it
is searched, as files, by a real browser in both languages.
"""

import os
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urlsplit

import pytest

from tests.support import optional

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("site")]

ELSEWHERE = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"']?(?:https?:)?//")
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, loads and can be linked at."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.anchors, self.language = [], [], set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.anchors.add(named.get("id"))
        if tag == "html":
            self.language = named.get("lang")
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        if tag in LOADED and LOADED[tag] in named:
            self.loads.append(named[LOADED[tag]])


def environment():
    """Return the variables of a child that is not measured."""
    return {name: os.environ[name] for name in os.environ if "COVERAGE" not in name}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, made as `make docs` makes it."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "-W", "--keep-going", "-n", "-c", "docs/site"]
    command = [optional.site_python(), "-m", "sphinx", *options, "-d", folder / "cache"]
    done = subprocess.run(
        [*command, ".", folder / "html"],
        cwd=optional.CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "html"


@pytest.fixture(scope="module")
def read(site):
    """Every page of the site by its path."""
    return {path: Page(path.read_text()) for path in site.rglob("*.html")}


def test_every_link_and_anchor_leads_somewhere(read):
    assert len(read) > 60
    for path, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), (path.name, link)
            if parts.fragment and target in read:
                assert unquote(parts.fragment) in read[target].anchors, (path.name, link)


def test_nothing_comes_from_elsewhere(site, read):
    for path, page in read.items():
        for source in page.loads:
            assert not urlsplit(source).netloc, (path.name, source)
    for path in site.rglob("*.css"):
        assert not ELSEWHERE.search(path.read_text()), path.name


def test_pages_know_their_language_and_fit_a_phone(site, read):
    for path, page in read.items():
        assert page.language == ("zh-CN" if ".zh-CN" in path.name else "en")
        assert 'name="viewport"' in path.read_text()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("作废", "docs/clerk.zh-CN.html"),
        ("作废记录", "docs/glossary.html"),
        ("folder_in_use", "docs/codes.html"),
        ("pinned policy", "docs/clerk.html"),
    ],
)
def test_a_browser_finds_it_without_a_server(site, tmp_path, asked, found):
    address = f"{(site / 'search.html').as_uri()}?q={quote(asked)}"
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    local = [f"--user-data-dir={tmp_path}", "--disable-background-networking", "--disable-quic"]
    shown = subprocess.run(
        [
            optional.program("chromium"),
            *quiet,
            *local,
            "--virtual-time-budget=20000",
            "--dump-dom",
            address,
        ],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (results,) = re.findall(r'<ul [^>]*class="search"[^>]*>(.*?)</ul>', shown, re.DOTALL)
    assert f'href="{found}' in results
