"""How `make docs` makes the site: which pages, in which order, and what it searches.

Sphinx reads the Markdown of the checkout as it stands, from the folder above docs/. What only
the site needs, its tree of pages, is added here while it reads, so that the pages themselves
stay plain Markdown. Every warning is an error (`-W`): a link or an anchor that leads nowhere, a
page in no list, a block whose language is unknown.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

from search_words import BothLanguages

ROOT = Path(__file__).resolve().parents[2]
_VERSION = re.search(
    r'"(.+)"', (ROOT / "did_service" / "program" / "version.py").read_text().split("=", 1)[1]
)

project = "did-service"
author = copyright = "the did-service authors"  # noqa: A001 - Sphinx names it so
version = release = _VERSION[1] if _VERSION else ""
extensions = ["myst_parser"]

# --- which pages ------------------------------------------------------------------------
root_doc = "docs/README"
include_patterns = [
    "*.md",
    "docs/*.md",
    "docs/*/*.md",
    "bench/*.md",
]
exclude_patterns = [".*", "dist", "build", "tests", "did_service", "wallet_cli"]
LISTS = {
    "Start": ["README", "docs/glossary"],
    "At the counter, at home": ["docs/clerk", "docs/citizen"],
    "Run it": [
        "docs/howto/README",
        "docs/operating",
        "docs/deploying",
        "docs/what-to-do",
        "docs/sizing",
        "docs/scale",
        "docs/cli",
        "docs/codes",
    ],
    "Build on it": ["docs/python", "docs/formats", "docs/offline-verification", "bench/*"],
    "Judge it": ["docs/architecture", "docs/threat-model", "docs/adr/README", "SECURITY"],
    "Take part": ["CONTRIBUTING", "CHANGELOG"],
    "中文": [
        "README.zh-CN",
        "docs/clerk.zh-CN",
        "docs/citizen.zh-CN",
        "docs/howto/README.zh-CN",
    ],
}
INDEXES = ("docs/howto/README", "docs/howto/README.zh-CN", "docs/adr/README")

# --- Markdown as GitHub reads it --------------------------------------------------------
myst_heading_anchors = 4
myst_enable_extensions = ["strikethrough"]
suppress_warnings = ["myst.header"]  # a guide may start its steps at the third rank

# --- the site ---------------------------------------------------------------------------
language = "en"
html_theme = "furo"
html_title = f"did-service {release}"
html_static_path = ["static"]
html_extra_path = ["front"]  # index.html, which leads to the first page
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_show_sphinx = html_use_index = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses to files
html_search_language = BothLanguages.lang
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"


def add_lists(_: Sphinx, name: str, text: list[str]) -> None:
    """Give the first page its tree of all pages, and each index the pages of its folder."""
    if name == root_doc:
        for title, names in LISTS.items():
            text[0] += _tree(title, [f"/{each}" for each in names], "hidden")
    elif name in INDEXES:
        text[0] += _tree("", _beside(name), "hidden" if "howto" in name else "")


def _beside(name: str) -> list[str]:
    """Return the other pages of an index's folder that are in its language."""
    pages = [path.name.removesuffix(".md") for path in (ROOT / name).parent.glob("*.md")]
    chinese = name.endswith(".zh-CN")
    return sorted(
        each
        for each in pages
        if each.endswith(".zh-CN") == chinese and not each.startswith("README")
    )


def _tree(title: str, names: list[str], option: str) -> str:
    options = [f":caption: {title}"] if title else []
    if any("*" in each for each in names):
        options.append(":glob:")
    if option == "hidden":
        options.append(":hidden:")
    return "\n".join(["", "```{toctree}", *options, ":maxdepth: 1", "", *names, "```", ""])


def say_language(_: Sphinx, name: str, __: str, context: dict[str, Any], ___: object) -> None:
    """Mark Chinese pages as Chinese, for fonts and for those who listen to them."""
    if name.endswith(".zh-CN"):
        context["language"] = "zh-CN"


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the parts above."""
    app.add_search_language(BothLanguages)
    app.add_lexer("tlog-policy", TextLexer)
    app.connect("source-read", add_lists)
    app.connect("html-page-context", say_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
