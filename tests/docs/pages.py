"""Reading our own pages: fenced blocks, console sessions, tables, names in backticks."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path("docs")
README, CHINESE = Path("README.md"), Path("README.zh-CN.md")
_BLOCK = re.compile(
    r"(?:<!-- ([^>]*) -->\n)?```([a-z-]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
_REMARK = re.compile(r"\s+# .*$")
_TICKED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: the comment above it, its language, its text."""

    mark: str
    language: str
    text: str


def read(name):
    """Return a page below docs/."""
    return (DOCS / name).read_text()


def blocks(page):
    """Return the fenced blocks of a page in their order."""
    return [Block(mark or "", language, text) for mark, language, text in _BLOCK.findall(page)]


def commands(page):
    """Return the commands of a page's first console session, without their remarks."""
    text = next(block.text for block in blocks(page) if block.language == "console")
    return [_REMARK.sub("", line.removeprefix("$ ")) for line in text.splitlines()]


def section(page, title):
    """Return what stands below a heading, up to the next one of any rank."""
    found = re.search(
        rf"^##+ {re.escape(title)}\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE
    )
    assert found, f"no section {title}"
    return found[1]


def rows(text):
    """Return the cells of each table row, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {at - 1 for at, row in enumerate(cells) if set("".join(row)) <= set("-| ")}
    return [row for at, row in enumerate(cells) if at not in heads and at - 1 not in heads]


def ticked(text):
    """Return what stands in backticks."""
    return _TICKED.findall(text)
