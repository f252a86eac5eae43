"""Tokens of the vendor's own page: for one customer, on one origin, for half an hour, and kept nowhere."""

from datetime import timedelta
from hashlib import sha256

import pytest
from sqlmodel import select

from greenlight.ats.database import Database
from greenlight.ats.embed_tokens import TOKEN_LIFETIME, EmbedTokens, OriginNotNamed
from greenlight.ats.portal_sessions import PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.retention import Retention
from greenlight.ats.store import UnknownCustomer
from greenlight.ats.tables import PortalSession
from greenlight.ats.withdrawals import BrowserSessions, Withdrawals
from tests.ats.world import NOON, at

HERE, THERE = "https://app.example.com", "https://eu.example.com"
MINUTES = TOKEN_LIFETIME.total_seconds() / 60


@pytest.fixture
def tokens(database: Database) -> EmbedTokens:
    for id in ("acme", "bolt"):
        register(database, [Registration(id, f"{id} Ltd", None, [])], NOON)
    return EmbedTokens(database, (HERE, THERE))


def test_a_token_is_its_customers_on_its_origin_until_it_ends(tokens: EmbedTokens) -> None:
    token, expires_at = tokens.issue("acme", HERE, NOON)
    assert expires_at == NOON + TOKEN_LIFETIME
    found = tokens.find(token, HERE, at(1))
    assert found is not None
    assert (found[0].customer_id, found[0].customer_name, found[1]) == ("acme", "acme Ltd", expires_at)
    assert tokens.find(token, HERE, at(MINUTES - 0.01)) == found
    assert tokens.find(token, HERE, at(MINUTES)) is None
    assert tokens.find(token, HERE, at(-0.9)) == found, "issued by a machine whose clock is ahead"
    assert tokens.find(token, HERE, at(-1.1)) is None, "also where a clock has been set back"
    assert tokens.find(token, THERE, at(1)) is None, "another origin of the same vendor's"


@pytest.mark.parametrize("token", ["", "guessed", "x" * 1000, "\0", "\ud800"])
def test_what_is_no_token_finds_nothing(tokens: EmbedTokens, token: str) -> None:
    tokens.issue("acme", HERE, NOON)
    assert tokens.find(token, HERE, NOON) is None


def test_no_two_are_alike_and_none_is_kept(database: Database, tokens: EmbedTokens) -> None:
    given = [tokens.issue("acme", HERE, NOON)[0] for _ in range(20)]
    assert len(set(given)) == 20
    assert min(map(len, given)) >= 43, "256 bits"
    with database.reading() as session:
        kept = repr([row.model_dump() for row in session.exec(select(PortalSession))])
    assert not [token for token in given if token in kept]


def test_an_origin_that_is_not_named_gets_none(database: Database, tokens: EmbedTokens) -> None:
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "null", "", f"{HERE}/"):
        with pytest.raises(OriginNotNamed):
            tokens.issue("acme", origin, NOON)
    token, _ = tokens.issue("acme", HERE, NOON)
    assert EmbedTokens(database, (THERE,)).find(token, HERE, at(1)) is None, "it is named no more"
    with pytest.raises(OriginNotNamed):
        EmbedTokens(database, ()).issue("acme", HERE, NOON)


def test_nobody_who_is_not_there_gets_one(database: Database, tokens: EmbedTokens) -> None:
    with pytest.raises(UnknownCustomer):
        tokens.issue("nobody", HERE, NOON)
    token, _ = tokens.issue("acme", HERE, NOON)
    Withdrawals(database).forget("acme", "ann", at(1))
    assert tokens.find(token, HERE, at(2)) is None
    with pytest.raises(UnknownCustomer):
        tokens.issue("acme", HERE, at(2))


def test_it_is_listed_and_ended_as_a_session(database: Database, tokens: EmbedTokens) -> None:
    token, expires_at = tokens.issue("acme", HERE, NOON)
    others, _ = tokens.issue("bolt", HERE, NOON)
    sessions = BrowserSessions(database)
    listed = {(each.customer_id, each.expires_at) for each in sessions.open_at(at(1))}
    assert listed == {("acme", expires_at), ("bolt", expires_at)}
    assert sessions.end("acme", at(1)) == 1
    assert tokens.find(token, HERE, at(1)) is None
    assert tokens.find(others, HERE, at(1)) is not None


def test_it_goes_when_its_time_has_gone(database: Database, tokens: EmbedTokens) -> None:
    tokens.issue("acme", HERE, NOON)
    assert Retention(database).prune(NOON + TOKEN_LIFETIME)["visit"] == 0
    assert Retention(database).prune(NOON + TOKEN_LIFETIME + timedelta(seconds=1))["visit"] == 1


def test_a_token_is_no_cookie_and_a_cookie_no_token(database: Database, tokens: EmbedTokens) -> None:
    token, _ = tokens.issue("acme", HERE, NOON)
    with database.reading() as session:
        # A release that knows no tokens looks for what a cookie's value makes.
        assert session.get(PortalSession, sha256(token.encode()).hexdigest()) is None
        digest = session.exec(select(PortalSession)).one().session_digest
    portal_sessions = PortalSessions(database)
    assert portal_sessions.find(digest, at(1)) is None
    cookie = "what a cookie's session is found by"
    portal_sessions.open("link", "acme", sha256(cookie.encode()).hexdigest(), NOON, at(60))
    assert portal_sessions.find(sha256(cookie.encode()).hexdigest(), at(1)) is not None
    assert tokens.find(cookie, HERE, at(1)) is None
