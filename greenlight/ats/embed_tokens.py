"""Tokens with which the vendor's own page shows the plugin: each for one customer, on one origin, for half an hour.

A token is a portal session that no cookie carries, so what lists, ends, forgets and prunes sessions holds for it.
"""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session

from greenlight.ats.database import Database
from greenlight.ats.portal_sessions import OpenSession
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import Customer, PortalSession
from greenlight.ats.waiting import unit
from greenlight.errors import BadInput

#: As long as an admin is at the page, which asks for the next one before that; one that leaks is soon worth nothing.
TOKEN_LIFETIME = timedelta(minutes=30)
#: A token of a clock that is ahead of ours is good at once.
CLOCKS_DIFFER = timedelta(minutes=1)
#: 256 bits: nobody guesses one.
_TOKEN_BYTES = 32
#: Longer ones are not looked up.
_LONGEST_TOKEN = 128


class OriginNotNamed(BadInput, remedy="name it in GREENLIGHT_EMBED_ORIGINS, as browsers write it"):
    """A token was asked for an origin on which the plugin is not to be shown."""


class EmbedTokens:
    """Tokens in the ATS database. `origins` are those of the settings. Not for the event loop: call it in a thread."""

    def __init__(self, database: Database, origins: Collection[str]) -> None:
        self._database = database
        self._origins = origins

    def issue(self, customer_id: str, origin: str, now: datetime) -> tuple[str, datetime]:
        """A new token, which is kept nowhere, and when it ends. Raises OriginNotNamed, UnknownCustomer."""
        if origin not in self._origins:
            raise OriginNotNamed(f"{origin[:300]!r} is no origin on which the plugin is to be shown")
        token, expires_at = secrets.token_urlsafe(_TOKEN_BYTES), now + TOKEN_LIFETIME

        def keep(session: Session) -> None:
            customer = session.get(Customer, customer_id)
            if customer is None or customer.forgotten_at is not None:
                raise UnknownCustomer(f"no customer {customer_id!r} in the ATS database")
            # An earlier try may have been committed, and the answer to that lost.
            if session.get(PortalSession, _digest(token)) is None:
                session.add(
                    PortalSession(
                        session_digest=_digest(token),
                        # Of no link: a second digest, by which it is as unlike all others as the first.
                        link_id=_digest(f"link {token}"),
                        customer_id=customer_id,
                        opened_at=now,
                        expires_at=expires_at,
                        origin=origin,
                    )
                )

        self._database.write(keep)
        return token, expires_at

    @unit
    def find(self, token: str, origin: str, now: datetime) -> tuple[OpenSession, datetime] | None:
        """The session of this token, on this origin alone, and when it ends; None if that is over."""
        if origin not in self._origins or len(token) > _LONGEST_TOKEN:
            return None
        with self._database.reading() as session:
            row = session.get(PortalSession, _digest(token))
            if row is None or row.origin != origin:
                return None
            # Who issues and who asks are two machines: no lower bound beyond what their clocks may differ.
            if not row.opened_at - CLOCKS_DIFFER <= now < row.expires_at:
                return None
            customer = session.get_one(Customer, row.customer_id)
            if customer.forgotten_at is not None:
                return None
            found = OpenSession(row.session_digest, row.link_id, customer.customer_id, customer.customer_name)
            return found, row.expires_at


def _digest(token: str) -> str:
    # Not as a cookie's is: a release that knows no tokens must not find a browser's session by one.
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32, person=b"embed token").hexdigest()
