"""What a caller of the resolver may ask for, and how `Accept` chooses (RFC 9110 §12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from did_service.core.errors import UnsupportedError, quote
from did_service.core.limits import MAX_MEDIA_RANGES

# A media range, its parameters, and what stands between two: no comma but inside quotes.
_RANGE = re.compile(r'[^,"]*(?:"[^"]*"[^,"]*)*')
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Form(Enum):
    """What a caller may ask for; the value is the media type."""

    RESULT = "application/did-resolution"
    DID = "application/did"
    DID_JSON = "application/did+json"
    DID_LD_JSON = "application/did+ld+json"
    DEREFERENCED = "application/did-url-dereferencing"
    JSON = "application/json"
    # As clients of the Universal Resolver ask for the result.
    RESULT_LD_JSON = 'application/ld+json;profile="https://w3id.org/did-resolution"'

    @property
    def is_result(self) -> bool:
        """Whether it is the whole triple."""
        return self in (Form.RESULT, Form.RESULT_LD_JSON)


@dataclass(frozen=True, slots=True)
class _MediaRange:
    """One item of `Accept`: a type or range, `profile` where there is one, weight 0 to 1."""

    name: str
    profile: str | None
    weight: float

    def precision(self, form: Form) -> int:
        """Say how closely it names a form: 3 exactly, 1 any type at all, 0 not."""
        essence, _, profile = form.value.partition(";profile=")
        if self.name == essence:
            return 3 if (self.profile or "") == profile.strip('"') else 0
        return {"application/*": 2, "*/*": 1}.get(self.name, 0)


_ANYTHING = _MediaRange("*/*", None, 1)


def preferred(accept: str) -> Form:
    """Choose the form that a caller likes best; of equal ones the first that is named.

    No header at all means the whole result. Of a long one the first 64 items are read.

    Raises:
        UnsupportedError: `representation_unknown`: nothing here is accepted.
    """
    read = islice(_ranges(accept), MAX_MEDIA_RANGES)
    ranges = tuple(read) if accept.strip() else (_ANYTHING,)
    chosen = max(Form, key=lambda form: _rank(form, ranges))
    if not _rank(chosen, ranges)[0]:
        raise UnsupportedError("representation_unknown", f"nothing here is {quote(accept)}")
    return chosen


def _rank(form: Form, ranges: Sequence[_MediaRange]) -> tuple[float, int]:
    """Return the weight that the most precise range gives a form, then how early it stands."""
    precise = [(each.precision(form), -place) for place, each in enumerate(ranges)]
    precision, early = max(precise, default=(0, 0))
    return (ranges[-early].weight, early) if precision else (0, 0)


def _ranges(accept: str) -> Iterator[_MediaRange]:
    """Yield the items that can be read; what a header says otherwise is passed over."""
    for match in _RANGE.finditer(accept):
        name, *parameters = (part.strip() for part in match[0].split(";"))
        named = dict(part.partition("=")[::2] for part in parameters)
        values = {key.strip().lower(): value.strip() for key, value in named.items()}
        weight = values.get("q", "1")
        if name and _WEIGHT.fullmatch(weight):
            profile = values.get("profile")
            bare = None if profile is None else profile.strip('"')
            yield _MediaRange(name.lower(), bare, float(weight))
