"""Web addresses that others have written: taken apart here, and nowhere else.

`urlsplit` raises `ValueError` for some texts, such as one with an open bracket, and finds a
host in others that lead to none, such as one with a user's name: who needs it asks here.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from did_service.core.errors import UsageError, quote
from did_service.core.limits import MAX_URL_CHARACTERS


def split_address(url: str) -> SplitResult:
    """Take an https URL of a host apart (RFC 3986 §3): no user, no fragment, plain characters.

    Raises:
        UsageError: `url_invalid`.
    """
    try:
        place = urlsplit(url)
        port, host = place.port, place.hostname
    except ValueError as error:
        raise UsageError("url_invalid", f"this is not a web address: {quote(url)}") from error
    dotted = {".", ".."} & set(place.path.split("/"))  # these would be resolved on the way
    plain = url.isascii() and url.isprintable() and " " not in url and not dotted
    expected = host if port is None else f"{host}:{port}"
    if place.scheme != "https" or not host or place.netloc != expected or place.fragment:
        raise UsageError("url_invalid", f"not an https URL of a host: {quote(url)}")
    if not plain or len(url) > MAX_URL_CHARACTERS:
        raise UsageError(
            "url_invalid", f"this is not a web address in plain characters: {quote(url)}"
        )
    return place


def host_of(url: str) -> str:
    """Return the host of a URL, in lower case; raises as `split_address`."""
    return split_address(url).hostname or ""
