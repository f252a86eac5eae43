"""Signed texts: links that open a customer's page, and tokens that tie a page's posts to its session."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

#: A link is followed at once; one that lies around in a mailbox or a log is soon worth nothing.
LINK_SECONDS = 900
#: Two machines' clocks differ by less.
SKEW_SECONDS = 60
#: Twice what the longest customer id makes.
MAX_TOKEN = 2048
#: As long as the database takes.
MAX_CUSTOMER_ID = 128

_LINK_SALT = "greenlight portal link"
_CSRF_SALT = "greenlight portal csrf"


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a link says: for which customer it is, and which link it is."""

    customer_id: str
    link_id: str


class BadLink(Exception):
    """Not a link of ours, or not one of now. It says no more than that."""


class ExpiredLink(BadLink):
    """A link of ours that is too old: it opens nothing, but a session that it has opened can be found by it."""

    def __init__(self, claim: LinkClaim) -> None:
        super().__init__()
        self.claim = claim


class _Signer(TimestampSigner):
    """Takes the time from the given clock."""

    def __init__(self, *args: Any, clock: Callable[[], float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


class Links:
    """Makes and reads signed texts. The newest key, which is the last one, signs; all of them are accepted."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970. Raises ValueError without keys, or for an empty one."""
        if not keys or not all(keys):
            raise ValueError("the portal needs at least one signing key, and none that is empty")
        self._keys = list(keys)
        self._clock = clock

    def issue(self, customer_id: str, link_id: str | None = None) -> str:
        """A link's token, fit for a URL: a new link's, or one that was issued already.

        Raises ValueError for what cannot be a customer id.
        """
        if not _is_customer_id(customer_id):
            raise ValueError("not a customer id")
        return self._serializer(_LINK_SALT).dumps([customer_id, link_id or new_link_id()])

    def as_of(self, seconds: float) -> "Links":
        """The same at that moment: what is issued again is the same token, as long as its key signs."""
        return Links(self._keys, lambda: seconds)

    def read(self, token: str) -> LinkClaim:
        """What a token of `issue` says. Raises BadLink, or its ExpiredLink."""
        payload, signed_at = self._loads(_LINK_SALT, token)
        match payload:
            case [str(customer_id), str(link_id)] if _is_customer_id(customer_id) and 0 < len(link_id) <= 64:
                claim = LinkClaim(customer_id, link_id)
            case _:
                raise BadLink
        if self._clock() - signed_at.timestamp() > LINK_SECONDS:
            raise ExpiredLink(claim)
        return claim

    def csrf_for(self, session_digest: str) -> str:
        """A token for this session alone; it is good for as long as the session is."""
        return self._serializer(_CSRF_SALT, session_digest).dumps("")

    def check_csrf(self, session_digest: str, token: str) -> bool:
        """Whether `csrf_for` made this token for this session; signatures are compared in constant time."""
        try:
            self._loads(_CSRF_SALT, token, session_digest)
        except BadLink:
            return False
        return True

    def _loads(self, salt: str, token: str, bound_to: str = "") -> tuple[Any, datetime]:
        if len(token) > MAX_TOKEN:
            raise BadLink
        try:
            payload, signed_at = self._serializer(salt, bound_to).loads(token, return_timestamp=True)
        except (BadData, ValueError, OverflowError, OSError):
            raise BadLink from None
        if signed_at.timestamp() - self._clock() > SKEW_SECONDS:
            raise BadLink
        return payload, signed_at

    def _serializer(self, salt: str, bound_to: str = "") -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            list(self._keys),
            # What a token is bound to goes into the key, so it is not in the token.
            salt=f"{salt} {bound_to}",
            signer=_Signer,
            signer_kwargs={"clock": self._clock, "digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )


def new_link_id() -> str:
    """What tells a link from all others. Without the signature it opens nothing."""
    return secrets.token_urlsafe(16)


def _is_customer_id(text: str) -> bool:
    # PostgreSQL refuses NUL, and no database takes half a character.
    return 0 < len(text) <= MAX_CUSTOMER_ID and "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
