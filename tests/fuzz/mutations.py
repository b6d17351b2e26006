"""What an attacker does to JSON that others signed, and to the bytes of it.

altered(value, random, donors)      one to four changes at places anywhere in a copy of a value
wrapped(value, random)              one value in a list or object, as JSON-LD lets it be written
spoilt(data, random)                some bytes changed, cut, doubled or put in

`donors` are other true documents: what stands under a name in one is put under it in another.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random

from did_service.core.encoding.strict_json import JsonValue

# Names that mean something to a reader of credentials, JSON-LD, proofs or evidence.
NAMES = (
    *("@context", "@id", "@type", "@value", "@language", "@direction", "@graph", "@list"),
    *("@set", "@reverse", "@included", "@nest", "id", "type", "proof", "issuer", "holder"),
    *("validFrom", "validUntil", "expires", "expiration", "created", "challenge", "nonce"),
    *("domain", "previousProof", "credentialSubject", "credentialStatus", "credentialSchema"),
    *("statusPurpose", "statusListIndex", "verifiableCredential", "jurisdiction", "name"),
    *(
        "entry",
        "log",
        "size",
        "index",
        "path",
        "head",
        "record",
        "kind",
        "op",
        "state",
        "until",
    ),
    *("since", "n", "t", "s", "at", "b", "d", "p", "future", "关键", "__proto__", ""),
)
TEXTS = (
    *(
        "",
        "x",
        "王",
        "\u202e",
        "\ufeff",
        "﻿ ",
        "did:key:z6Mk",
        "did:webvh:Q:gd.example",
        "#key-1",
    ),
    *("revocation", "suspension", "message", "refresh", "https://www.w3.org/ns/credentials/v2"),
    *("https://w3id.org/security/v2", "urn:didsvc:context:1", "eddsa-rdfc-2022"),
    *("eddsa-jcs-2022", "assertionMethod", "authentication", "future-2030", "heads", "did"),
    *("status", "active", "ended", "suspended", "2026-11-21T08:00:00", "9999-12-31T24:00:00Z"),
    *("1969-12-31T23:59:60Z", "440100", "000000", "99999999999999999999", "x" * 5_000),
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    1.0,
    0.5,
    1e21,
    5e-324,
    2**31,
    2**53 - 1,
    2**53,
    2**63,
    -(2**64),
    10**30,
)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n"

Place = tuple[dict | list, str | int]


def altered(value: JsonValue, random: Random, donors: Sequence[JsonValue] = ()) -> JsonValue:
    """A copy with some changes, mostly one."""
    box = [deepcopy(value)]
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        places = list(_places(box))
        if places:
            random.choice(_CHANGES)(box, *_chosen(places, random), random, donors)
    return box[0]


def wrapped(value: JsonValue, random: Random) -> JsonValue:
    """A copy with one value written as it may be in JSON-LD, at any place within."""
    box = [deepcopy(value)]
    places = [place for place in _places(box) if place[0] is not box]
    _wrap(box, *random.choice(places), random, ())
    return box[0]


def _chosen(places: Sequence[Place], random: Random) -> Place:
    """Any place, those near the top somewhat more often."""
    return places[min(random.randrange(len(places)), random.randrange(len(places)))]


def _places(value: JsonValue) -> Iterator[Place]:
    """Every place in a value, level by level."""
    level = [value]
    while level:
        found = [
            (each, at)
            for each in level
            if isinstance(each, dict | list)
            for at in (list(each) if isinstance(each, dict) else range(len(each)))
        ]
        yield from found
        level = [holder[at] for holder, at in found]


# --- changes: (the whole, holder, at, random, donors) -----------------------------------------


def _drop(box, holder, at, random, donors) -> None:
    if holder is not box:
        del holder[at]


def _repeat(box, holder, at, random, donors) -> None:
    if isinstance(holder, list) and holder is not box:
        holder.insert(random.randrange(len(holder) + 1), deepcopy(holder[at]))
    else:
        holder[at] = [holder[at], deepcopy(holder[at])]


def _swap(box, holder, at, random, donors) -> None:
    other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[at], holder[other] = holder[other], holder[at]


def _turn(box, holder, at, random, donors) -> None:
    value = holder[at]
    if isinstance(value, list):
        value.reverse()
    elif isinstance(value, dict):
        holder[at] = dict(reversed(value.items()))


def _splice(box, holder, at, random, donors) -> None:
    """What stands under the same name elsewhere, in this document or in another true one."""
    found = [deepcopy(there[name]) for there, name in _places([box, *donors]) if name == at]
    if found:
        holder[at] = random.choice(found)


def _move(box, holder, at, random, donors) -> None:
    """A part to another place; the whole within itself would have no end."""
    other, there = random.choice(list(_places(box)))
    other[there] = deepcopy(holder[at])


def _wrap(box, holder, at, random, donors) -> None:
    value = holder[at]
    names = ("@value", "@value", "@id", "id", "@list", "@set", "@graph", "@included", "entry")
    holder[at] = random.choice(([value], {random.choice(names): value}))


def _unwrap(box, holder, at, random, donors) -> None:
    value = holder[at]
    if isinstance(value, list | dict) and len(value) == 1:
        (holder[at],) = value.values() if isinstance(value, dict) else value


def _rename(box, holder, at, random, donors) -> None:
    if isinstance(holder, dict):
        holder[random.choice(NAMES)] = holder.pop(at)


def _add(box, holder, at, random, donors) -> None:
    value = holder[at]
    if isinstance(value, dict):
        value[random.choice(NAMES)] = _anything(random)
    elif isinstance(value, list):
        value.insert(random.randrange(len(value) + 1), _anything(random))


def _replace(box, holder, at, random, donors) -> None:
    holder[at] = _anything(random)


def _tweak(box, holder, at, random, donors) -> None:
    """A little: a text by a letter, a number by one, a truth to its opposite."""
    value = holder[at]
    if isinstance(value, bool):
        holder[at] = not value
    elif isinstance(value, str):
        holder[at] = _tweaked(value, random)
    elif isinstance(value, int | float):
        tweaked = (value + 1, value - 1, float(value), str(value), -value, value * 1_000)
        holder[at] = random.choice(tweaked)


def _tweaked(text: str, random: Random) -> str:
    at, letter = random.randrange(len(text) + 1), random.choice(_ALPHABET)
    return random.choice(
        (
            text[:at] + letter + text[at + 1 :],
            text[:at] + letter + text[at:],
            text[:at] + text[at + 1 :],
            text[:at],
            text + random.choice("=#/ \n"),
            text.swapcase(),
            "\n".join(reversed(text.split("\n"))),
            text.replace(":", "%3A", 1),
        )
    )


def _anything(random: Random) -> JsonValue:
    value = random.choice((*TEXTS, *NUMBERS, None, True, False, {}, [], {"id": "urn:x:y"}))
    return deepcopy(value)


Change = Callable[[list, dict | list, str | int, Random, Sequence[JsonValue]], None]
_CHANGES: tuple[Change, ...] = (
    *(_drop, _repeat, _swap, _turn, _splice, _splice, _move, _wrap),
    *(_unwrap, _rename, _add, _add, _replace, _tweak, _tweak, _tweak),
)


# --- bytes ------------------------------------------------------------------------------------


def spoilt(data: bytes, random: Random) -> bytes:
    """Bytes with one to three changes."""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.randrange(64))
        data = random.choice(
            (
                data[:at] + random.randbytes(1) + data[at + 1 :],
                data[:at] + random.choice(_SPLICES) + data[at:],
                data[:at] + data[to:],
                data[:at],
                data[:to] + data[at:],
                random.choice(_SPLICES) + data,
                data + random.choice(_SPLICES),
            )
        )
    return data


_SPLICES = (
    *(b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\r\n", b" " * 40, b"{", b"}", b"[" * 300, b"]"),
    *(b'"', b"\\u0000", b"\\ud800", b"1e400", b"-0", b"NaN", b"//", b",", b'"id":"x",'),
    *(b'"type":[],', b'"proof":null,', "王".encode(), b"\x1f\x8b\x08", b"PK\x03\x04", b"null"),
)
