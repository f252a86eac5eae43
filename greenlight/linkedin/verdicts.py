"""Whose words an answer is. Only the API's own are verdicts; anything else came from somebody in between.

A proxy, a firewall or a login page answers with LinkedIn's statuses and in its own words. Such an answer says nothing
of an integration, a token or a credential, and an enable that it answers may have been carried out.
"""

import html
import re
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.errors import LinkedInError, Unclear, clean, from_status
from greenlight.linkedin.transport import Answered

#: Rest.li marks its errors with one of these, by the version of its protocol (docs/linkedin.md#error-bodies).
_MARKS = ("x-linkedin-error-response", "x-restli-error-response")
#: Members of gateways' errors (problem+json, Spring) that LinkedIn's do not have.
_GATEWAYS = frozenset({"error", "title", "timestamp", "path", "type", "detail", "instance"})
#: The messages of LinkedIn's error tables, each by what does not vary in it.
_DOCUMENTED = re.compile(
    r"violating update rule|batch request mismatch|duplicate key in batch request|key parts are incomplete"
    r"|invalid integration context urn|not enough permissions to access: |no record found to partial update"
    r"|the token used in the request has expired|invalid access token"
)
#: Characters of somebody else's page that are shown.
_QUOTED = 80


def api_words(answer: Answered) -> Mapping[str, Any] | None:
    """LinkedIn's error object; empty where its header alone says that it is one. None for anybody else's answer."""
    body: Mapping[str, Any] | None
    try:
        body = read_object(answer.body)
    except NotJson:
        body = None
    if any(answer.headers.get(mark, "").strip().lower() == "true" for mark in _MARKS):
        # A page under LinkedIn's header is a page all the same.
        return body if body is not None else None if _start(answer.body).startswith(b"<") else {}
    return body if body is not None and _is_api_error(answer.status, body) else None


def _is_api_error(status: int, body: Mapping[str, Any]) -> bool:
    if _is_integer(body.get("serviceErrorCode")):
        return True
    named = _is_integer(body.get("status")) and body["status"] == status and not _GATEWAYS & body.keys()
    message = body.get("message")
    if not isinstance(message, str):
        return named and message is None
    folded = re.sub(r"\s+", " ", message).strip().casefold()
    # HTTP's own phrase for a status is what anybody says who knows nothing else.
    return _DOCUMENTED.search(folded) is not None or (named and folded.rstrip(".!") not in ("", _phrase(status)))


def whole_request_error(
    answer: Answered, url: str, *, hide: tuple[str, ...] = (), retry_after: float | None = None
) -> LinkedInError:
    """The error for an answer whose status is no success. `url` is what was asked, of which the host is shown."""
    said = api_words(answer)
    if said is not None or answer.status == HTTPStatus.REQUEST_TIMEOUT or 500 <= answer.status < 600:
        return from_status(answer.status, said, hide=hide, retry_after=retry_after)
    return stranger(answer, url, hide=hide, retry_after=retry_after)


def foreign_success(
    answer: Answered, url: str, expects: Collection[str], *, hide: tuple[str, ...] = ()
) -> LinkedInError | None:
    """The error for an answer with a success's status that is somebody else's; None leaves it to its reader.

    `expects` are the members of which the API's answer has at least one; without any its body may be empty.
    """
    start = _start(answer.body)
    if answer.body is None:
        return stranger(answer, url, hide=hide) if "html" in _media(answer) else None
    if not start and not expects:
        return None
    if not start.startswith(b"{"):
        return stranger(answer, url, hide=hide)
    try:
        body = read_object(answer.body)
    except NotJson:
        return None
    strange = not set(expects) & body.keys() if expects else bool({"message", *_GATEWAYS} & body.keys())
    return stranger(answer, url, hide=hide) if body and strange and api_words(answer) is None else None


def stranger(
    answer: Answered, url: str, *, hide: tuple[str, ...] = (), retry_after: float | None = None
) -> LinkedInError:
    """The error for an answer that is not the API's: what came and from where; damaged JSON may be the API's."""
    if _start(answer.body).startswith(b"{"):
        try:
            read_object(answer.body)
        except NotJson as error:
            return Unclear(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status}, {error}", retry_after=retry_after)
    parts = [f"HTTP {answer.status}", clean(_media(answer), hide)[:40] or "no content type"]
    if server := clean(answer.headers.get("server", ""), hide)[:40]:
        parts.append(f"server {server}")
    parts.append(f"from {_host(url)}")
    if 300 <= answer.status < 400 and (leads := clean(_host(answer.headers.get("location", "")), hide)[:80]):
        parts.append(f"leads to {leads}")
    if answer.body is None:
        quoted = "a body that is too long"
    else:
        quoted = clean(_first_line(answer.body), hide)[:_QUOTED] if answer.body else "an empty body"
    detail = f"{', '.join(parts)}: {quoted}" if quoted else ", ".join(parts)
    return Unclear(Reason.NOT_THE_API, clean(detail, hide), retry_after=retry_after)


def _first_line(body: bytes) -> str:
    """What a page or a gateway's JSON calls itself, or a page's first words. Other values of JSON may be secret."""
    text = body[:4096].decode("utf-8", "replace")
    for pattern in (r"<title[^<>]*>([^<]+)", r"\"(?:message|title|error|detail)\"\s*:\s*\"([^\"]+)"):
        if found := re.search(pattern, text, re.IGNORECASE):
            return html.unescape(found[1])
    if _start(body)[:1] in (b"{", b"[", b'"'):
        return ""
    lines = html.unescape(re.sub(r"<[^<>]*>", "\n", text)).splitlines()
    return next((line for line in lines if line.strip()), "")


def _start(body: bytes | None) -> bytes:
    return (body or b"")[:256].removeprefix(b"\xef\xbb\xbf").lstrip()


def _media(answer: Answered) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.casefold()
    except ValueError:
        return ""


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
