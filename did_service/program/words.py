"""Words for people, kept as data: what a code means and what to do next (docs/adr/0034).

    words/zh/TOPIC.json    "CODE": {"meaning": "…", "next": "…", "next@wallet": "…"},
    words/en/TOPIC.json    the same codes, members and {placeholders}, one code a line

A code stands in one topic alone, so it means the same wherever it is read; where the next step
depends on who speaks, `next@FACE` has it (`wallet`, `did-verify`, `did-service`, `http`). The
topic `verdict` speaks to a clerk in whole sentences: the five codes that are both an error and
a finding stand there as well. A topic is read when one of its codes is first asked for.

A placeholder is filled with a number of ours; what others wrote stands on a line of its own,
never inside a sentence.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from did_service.core.text import Bilingual, printable

FOLDER = Path(__file__).with_name("words")
# Where the words of errors and warnings are looked for: the topics of every program first.
TOPICS = (
    "program",
    "trust",
    "file_kinds",
    "wallet",
    "receiving",
    "service",
    "operator",
    "ready",
    "ceremony",
    "publishing",
    "finding",
)
CLASSES = "class"  # by the name of an error's class, for codes without words of their own
NOTHING_TO_DO = Bilingual("无需处理", "nothing needs to be done")
_MAX_TOPIC_BYTES = 65_536


class Words(NamedTuple):
    """What a code says.

    Attributes:
        meaning: One sentence, lower case in English, without a full stop.
        following: The next step; None where nothing is left to do.
    """

    meaning: Bilingual
    following: Bilingual | None


def words_of(code: str, face: str = "", topics: Sequence[str] = TOPICS) -> Words | None:
    """Return the words of a code, None for a code that no topic has.

    Args:
        code: An error, a warning or a finding.
        face: Who speaks; its own next step goes before the one for all.
        topics: Where to look, in this order.
    """
    return next((words_at(topic, code, face) for topic in topics if has(topic, code)), None)


def words_of_error(
    error: DidServiceError, face: str = "", topics: Sequence[str] = TOPICS
) -> tuple[Bilingual, Bilingual]:
    """Return what an error means, and the next step: by its code, else by its class."""
    words = words_of(error.code, face, topics) or words_of_kind(type(error), face)
    return words.meaning, words.following or NOTHING_TO_DO


def words_of_kind(kind: type[DidServiceError], face: str = "") -> Words:
    """Return the words of a class of errors, or of the nearest class above that has some."""
    names = (each.__name__ for each in kind.__mro__)
    return words_at(CLASSES, next(name for name in names if has(CLASSES, name)), face)


def told_code(code: str, face: str = "") -> Bilingual:
    """Return what people read of a code: its sentence, and the code beside it.

    Args:
        code: As for `words_of`; of one that no topic has, the code is all there is.
        face: Who speaks.
    """
    words = words_of(code, face)
    beside = f"[{printable(code)}]"
    if words is None:
        return Bilingual(beside, beside)
    return Bilingual(f"{words.meaning.zh} {beside}", f"{words.meaning.en} {beside}")


def has(topic: str, code: str) -> bool:
    """Say whether a topic has a code."""
    return code in read_topic("en", topic)


def words_at(topic: str, code: str, face: str = "") -> Words:
    """Return the words that a topic has for a code.

    Raises:
        KeyError: the topic has no such code.
    """
    zh, en = (read_topic(tongue, topic)[code] for tongue in ("zh", "en"))
    following = next((name for name in (f"next@{face}", "next") if name in en), None)
    return Words(
        Bilingual(zh["meaning"], en["meaning"]),
        None if following is None else Bilingual(zh[following], en[following]),
    )


@cache
def read_topic(tongue: str, topic: str) -> Mapping[str, Mapping[str, str]]:
    """Read a topic in one language: the members of each code, by code.

    Raises:
        MalformedError: the installation is damaged: the file is no such table.
        OSError: likewise, the file cannot be read.
    """
    data = (FOLDER / tongue / f"{topic}.json").read_bytes()
    table = strict_json.load_object(data, max_bytes=_MAX_TOPIC_BYTES)
    return {code: _members(members, code) for code, members in table.items()}


@cache
def read_help(tongue: str, topic: str) -> Mapping[str, str]:
    """Read texts of help in one language, by their place (`cred.show.--json`); as a topic."""
    data = (FOLDER / tongue / f"{topic}.json").read_bytes()
    table = strict_json.load_object(data, max_bytes=_MAX_TOPIC_BYTES)
    return {place: strict_json.as_text(text, place) for place, text in table.items()}


def refused_zh(kind: str, **parts: str) -> str:
    """Return in Chinese what is off in a command line, whichever program has read it.

    Args:
        kind: As `help.json` has it, behind `refusal.`.
        parts: What fills its sentence; what was typed is quoted.
    """
    return read_help("zh", "help")[f"refusal.{kind}"].format_map(parts)


def _members(value: strict_json.JsonValue, code: str) -> Mapping[str, str]:
    members = strict_json.as_object(value, code)
    return {name: strict_json.as_text(text, f"{code}.{name}") for name, text in members.items()}
