"""What a child application is created with (docs/linkedin.md#create): name, origins, client id."""

import re
import unicodedata
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from greenlight.domain.characters import cut

#: LinkedIn's limit on an application's name.
MAX_NAME = 50
#: The ATS's own part of it, which must leave room for the customer.
MAX_ATS_NAME = 30

_ORIGIN = re.compile(r"https?://[!-$&-~]+")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{VARIATION SELECTOR-16}"
# Joiners inside the word do not show.
_LINKEDIN = re.compile(f"[{_JOINERS}]*".join("linkedin"), re.IGNORECASE)


class InvalidOrigin(ValueError):
    """Not an origin that `validJsSdkDomains` takes. The text says why, in one sentence."""


def application_name(ats_name: str, customer_name: str) -> str:
    """`{ATS name} - {customer name}` as LinkedIn takes it: at most 50 characters, no "LinkedIn" in any case.

    The same names always give the same result, since it is what the customer's consent screen shows.
    """
    name = f"{_without_linkedin(ats_name)} - {_without_linkedin(customer_name) or 'customer'}"
    return _shortened(name, MAX_NAME)


def names_linkedin(text: str) -> bool:
    """Whether a name has "LinkedIn" in it, in whatever case or width it is written."""
    return _LINKEDIN.search(unicodedata.normalize("NFKC", text)) is not None


def _without_linkedin(text: str) -> str:
    text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in unicodedata.normalize("NFKC", text))
    while _LINKEDIN.search(text):
        text = _LINKEDIN.sub("", text)
    return re.sub(r"\s+", " ", text).strip()


def _shortened(text: str, limit: int) -> str:
    """Cut at the last blank that leaves most of it, else wherever the limit is; counted as LinkedIn's Java counts."""
    if _units(text) <= limit:
        return text
    while _units(text) > limit:
        text = cut(text, len(text) - 1)
    head, blank, _ = text.rpartition(" ")
    text = head if blank and _units(head) > limit * 3 // 4 else text
    return text.rstrip(" ")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def name_units(ats_name: str) -> int:
    """How much of a name's 50 characters the ATS's own name takes."""
    return _units(_without_linkedin(ats_name))


def parse_origin(text: str) -> str:
    """Return `text` if it is a full http(s) origin without a trailing slash, else raise InvalidOrigin.

    LinkedIn compares it with the page's `Origin`, so it must be written as browsers write it: lower case, and no
    default port (docs/linkedin.md#plugin-errors).
    """
    if "@" in text:
        # What stands before it may be a password.
        raise InvalidOrigin("it has a user or a password in it; leave them out")
    shown = repr(text if len(text) <= 80 else text[:77] + "...")
    if not text.lower().startswith(("http://", "https://")):
        raise InvalidOrigin(f"{shown} is not a full origin; write it with its scheme, like https://jobs.example.com")
    if text.endswith("/"):
        raise InvalidOrigin(f"{shown} ends with a slash; leave it out")
    try:
        parts = urlsplit(text)
        port, host = parts.port, _as_browsers_write(parts.hostname or "")
    except ValueError:
        raise InvalidOrigin(f"{shown} is not an origin like https://jobs.example.com") from None
    if parts.path or parts.query or parts.fragment or "?" in text or "#" in text:
        raise InvalidOrigin(f"{shown} has more than scheme, host and port; leave the rest out")
    if not _ORIGIN.fullmatch(text) or not _is_host(parts.hostname or ""):
        raise InvalidOrigin(f"{shown} is not an origin like https://jobs.example.com")
    if text != text.lower():
        raise InvalidOrigin(f"{shown} has capitals, which no browser sends; write {text.lower()!r}")
    if port is not None and (parts.scheme, port) in (("http", 80), ("https", 443)):
        raise InvalidOrigin(f"{shown} names the default port, which no browser sends; leave it out")
    if text != f"{parts.scheme}://{host}" + (f":{port}" if port is not None else ""):
        raise InvalidOrigin(f"{shown} is not an origin like https://jobs.example.com")
    return text


def _is_host(host: str) -> bool:
    if ":" in host:
        return True
    labels = host.split(".")
    return all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label, re.IGNORECASE) for label in labels)


def _as_browsers_write(host: str) -> str:
    return f"[{IPv6Address(host).compressed}]" if ":" in host else host


def is_client_id(text: str) -> bool:
    """Whether `text` can be a client id, also in the plugin's script tag, where a line break is a directive."""
    return _CLIENT_ID.fullmatch(text) is not None
