"""The Provisioning API: a parent application makes and looks after child applications (docs/linkedin.md#provisioning).

A child's secret is answered when it is created and when it is rotated, and at no other time.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from greenlight.domain.applications import is_client_id
from greenlight.domain.conditions import WORTH_REPEATING
from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, read_object
from greenlight.linkedin.calls import Call, Calls
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from greenlight.linkedin.oauth import Credentials

_APPLICATIONS = "/v2/provisionedApplications"
_ROTATION = "/v2/developerApplicationsSecurity?action=rollDeveloperApplicationSecret"
_JSON = {"Content-Type": "application/json"}
_ANY_2XX = range(200, 300)
#: How a refusal to make a third secret is told from one of another kind; its text is not documented. A conflict with
#: what the application is, or a request that cannot be carried out on it, can be nothing else.
_TOO_MANY = re.compile(r"HTTP (?:(?:409|422)\b|400\b.*(?:secret|too_?many))", re.IGNORECASE)
_GONE = re.compile(r"HTTP (?:404|410)\b")
_TAKEN = re.compile(r"HTTP 409\b")
_URN = re.compile(r"urn:li:developerApplication:[A-Za-z0-9_-]{1,64}")

#: What may pass by itself, or says more than "refused"; every other refusal is the parent application's.
_KEPT = WORTH_REPEATING | {Reason.CREDENTIALS_REFUSED}


@dataclass(frozen=True, slots=True)
class NewApplication:
    """What a child application is created with. `js_sdk_domains` are full origins without a trailing slash."""

    unique_foreign_id: str
    name: str
    description: str
    js_sdk_domains: Sequence[str]


@dataclass(frozen=True, slots=True)
class Created:
    """A new child application; this is the only time that its secret is answered."""

    urn: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Found:
    """A child application as the finder shows it. The secret is usually not in it (docs/linkedin.md#retrieve)."""

    urn: str
    client_id: str
    name: str | None
    js_sdk_domains: tuple[str, ...]
    client_secret: SecretStr | None


class Provisioner:
    """Calls of the Provisioning API under the parent application's own token.

    Every method raises Refused if the request had no effect and Unclear if that cannot be told.
    """

    def __init__(self, calls: Calls, api_url: str, parent: Credentials) -> None:
        self._calls = calls
        self._url = api_url
        self._parent = parent

    async def create(self, wanted: NewApplication) -> Created:
        """Create a child application. A repeated `uniqueForeignId` is refused, so a repeat never makes a second one."""
        body = await self._send(
            "POST",
            _APPLICATIONS,
            expects=("credentials", "key"),
            content={
                "uniqueForeignId": wanted.unique_foreign_id,
                "name": wanted.name,
                "description": wanted.description,
                "validJsSdkDomains": list(wanted.js_sdk_domains),
            },
        )
        credentials = body.get("credentials")
        held = credentials if isinstance(credentials, dict) else {}
        client_id, secret = _client_id(held), _secret(held)
        if secret is None:
            raise Unclear(Reason.UNREADABLE_ANSWER, "the new application's answer has no client_secret")
        return Created(_urn(body.get("key")), Credentials(client_id, secret))

    async def find(self, unique_foreign_id: str) -> Found | None:
        """The child application with this `uniqueForeignId`, or None if there is none."""
        query = f"q=credentialsByUniqueForeignId&uniqueForeignId={quote(unique_foreign_id, safe='')}"
        body = await self._send("GET", f"{_APPLICATIONS}?{query}", expects=("elements",))
        elements = body.get("elements")
        if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
            raise Unclear(Reason.UNREADABLE_ANSWER, "the finder's answer has no elements")
        ours = [element for element in elements if element.get("uniqueForeignId") == unique_foreign_id]
        if len(ours) != len(elements) or len(ours) > 1:
            raise Unclear(Reason.UNREADABLE_ANSWER, "the finder answered about another application")
        return _found(ours[0]) if ours else None

    async def set_js_sdk_domains(self, urn: str, domains: Sequence[str]) -> None:
        """Replace `validJsSdkDomains`: `$set` takes the whole list (docs/linkedin.md#update)."""
        patch = {"patch": {"$set": {"validJsSdkDomains": list(domains)}}}
        try:
            await self._send("POST", f"{_APPLICATIONS}/{urn}", content=patch)
        except Refused as refused:
            raise _gone(refused) from None

    async def rotate(self, urn: str) -> SecretStr:
        """A new secret for a child application. Its old one stays good, and there are never more than two."""
        try:
            body = await self._send(
                "POST",
                _ROTATION,
                headers={"X-RestLi-Method": "action", "X-RestLi-Protocol-Version": "2.0.0"},
                content={"childDeveloperApplication": urn},
                expects=("value",),
            )
        except Refused as refused:
            if refused.reason is Reason.PROVISIONING_REFUSED and _TOO_MANY.match(refused.detail or ""):
                raise Refused(Reason.TOO_MANY_SECRETS, refused.detail) from None
            raise _gone(refused) from None
        value = body.get("value")
        secret = _secret(value if isinstance(value, dict) else {})
        if secret is None:
            raise Unclear(Reason.UNREADABLE_ANSWER, "the rotation's answer has no client_secret")
        return secret

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        content: dict[str, Any] | None = None,
        expects: Sequence[str] = (),
    ) -> dict[str, Any]:
        call = Call(
            "provision",
            method,
            self._url + path,
            headers={**(_JSON if content is not None else {}), **(headers or {})},
            content=json.dumps(content).encode() if content is not None else None,
            ok=_ANY_2XX,
            expects=expects,
        )
        try:
            answer, _ = await self._calls.send(self._parent, call)
        except Refused as refused:
            reason = refused.reason if refused.reason in _KEPT else Reason.PROVISIONING_REFUSED
            raise Refused(reason, refused.detail, retry_after=refused.retry_after) from None
        try:
            return read_object(answer.body) if expects else {}
        except NotJson as error:
            raise Unclear(Reason.UNREADABLE_ANSWER, str(error)) from None


def _gone(refused: Refused) -> Refused:
    """The refusal, by its own reason where it says that LinkedIn has no such application."""
    if refused.reason is Reason.PROVISIONING_REFUSED and _GONE.match(refused.detail or ""):
        return Refused(Reason.APPLICATION_GONE, refused.detail)
    return refused


def _found(element: dict[str, Any]) -> Found:
    credentials = element.get("credentials")
    held = credentials if isinstance(credentials, dict) else {}
    name, domains = element.get("name"), element.get("validJsSdkDomains") or []
    if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
        raise Unclear(Reason.UNREADABLE_ANSWER, "validJsSdkDomains is not a list of text")
    return Found(
        urn=_urn(element.get("key")),
        client_id=_client_id(held),
        name=name if isinstance(name, str) else None,
        js_sdk_domains=tuple(domains),
        client_secret=_secret(held),
    )


def _urn(value: object) -> str:
    # It becomes part of an address, so it is read as strictly as one.
    if not isinstance(value, str) or _URN.fullmatch(value) is None:
        raise Unclear(Reason.UNREADABLE_ANSWER, "the application's key is not a urn:li:developerApplication")
    return value


def _client_id(credentials: dict[str, Any]) -> str:
    value = credentials.get("client_id")
    if not isinstance(value, str) or not is_client_id(value):
        raise Unclear(Reason.UNREADABLE_ANSWER, "the answer has no client_id")
    return value


def _secret(credentials: dict[str, Any]) -> SecretStr | None:
    value = credentials.get("client_secret")
    if not isinstance(value, str) or not 0 < len(value) <= 512 or any("\ud800" <= c <= "\udfff" for c in value):
        return None
    return SecretStr(value)


def is_unsettled(error: LinkedInError) -> bool:
    """Whether a create that ended so may have had an effect, or was refused for a reason that finding explains."""
    return isinstance(error, Unclear) or error.reason is Reason.PROVISIONING_REFUSED


def says_taken(error: LinkedInError) -> bool:
    """Whether a create was refused because its `uniqueForeignId` is taken."""
    return error.reason is Reason.PROVISIONING_REFUSED and _TAKEN.match(error.detail or "") is not None
