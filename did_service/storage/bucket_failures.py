"""What failures of a bucket mean, by the words of the library, which are not repeated."""

from __future__ import annotations

import re

from did_service.core.errors import UnavailableError, quote

_STATUS = re.compile(r"status code: ([0-9]{3})")
_BY_STATUS = {"401": "bucket_refused", "403": "bucket_refused", "404": "bucket_unknown"}


def told_of_store(said: str, code: str, path: str) -> UnavailableError:
    """Tell what has become of a request.

    Args:
        said: By the library; it may name keys and hosts.
        code: Of what could not be done.
        path: Of the object.
    """
    found = _STATUS.search(said)
    status = "" if found is None else found[1]
    how = f"answers {status}" if status else _unreached(said)
    return UnavailableError(_BY_STATUS.get(status, code), f"{quote(path)}: the bucket {how}")


def _unreached(said: str) -> str:
    """Tell why nobody has answered, as far as who named the endpoint can mend it."""
    if "kind: Connect" not in said:
        return "does not answer in time"
    is_strange = "certificate" in said.lower()
    return "shows a certificate that nobody here trusts" if is_strange else "is not reached"
