"""Sessions of browsers: one for each link, for one customer and some hours; and the page that each may see."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import NoResultFound
from sqlmodel import col, select

from greenlight.ats.applications import Applications
from greenlight.ats.database import Database
from greenlight.ats.portal_sessions import LinkUsed, OpenSession, PortalSessions
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import Requests
from greenlight.ats.tables import PortalSession
from greenlight.domain.plan import Action
from greenlight.domain.status import Status
from tests.ats.asking import act_on, at_once, session_of
from tests.ats.world import NOON, TYPES, at, bring_in, customer, ids_of, key_of, shows


def digests(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(PortalSession.session_digest).order_by(col(PortalSession.session_digest))))


@pytest.fixture
def portal_sessions(database: Database) -> PortalSessions:
    for id in ("acme", "bolt"):
        register(database, [Registration(id, f"{id} Ltd", None, [])], NOON)
    return PortalSessions(database)


def test_a_link_opens_a_session_for_its_customer(portal_sessions: PortalSessions) -> None:
    portal_sessions.open("link", "acme", "digest", NOON, at(60))
    assert portal_sessions.find("digest", at(1)) == OpenSession("digest", "link", "acme", "acme Ltd")
    assert portal_sessions.find("another", at(1)) is None


def test_it_says_whose_it_is_by_the_name_on_record_now(database: Database, portal_sessions: PortalSessions) -> None:
    portal_sessions.open("link", "acme", "digest", NOON, at(60))
    register(database, [Registration("acme", "New & Co", None, [])], at(1))
    found = portal_sessions.find("digest", at(2))
    assert found is not None
    assert found.customer_name == "New & Co"


@pytest.mark.parametrize(
    ("minutes", "open"),
    [
        pytest.param(0, True, id="from the moment on"),
        pytest.param(59.999, True, id="to the last moment"),
        pytest.param(60, False, id="over at its end"),
        pytest.param(600, False, id="and long after"),
        pytest.param(-0.001, False, id="not before it began: a clock is wrong, or somebody is playing"),
    ],
)
def test_a_session_has_an_end_and_a_beginning(portal_sessions: PortalSessions, minutes: float, open: bool) -> None:
    portal_sessions.open("link", "acme", "digest", NOON, at(60))
    assert (portal_sessions.find("digest", at(minutes)) is not None) is open


def test_a_session_that_ends_before_it_begins_is_never_open(portal_sessions: PortalSessions) -> None:
    portal_sessions.open("link", "acme", "digest", NOON, NOON - timedelta(seconds=1))
    assert [portal_sessions.find("digest", at(minutes)) for minutes in (-1, -0.01, 0, 1)] == [None] * 4


@pytest.mark.parametrize(
    ("link", "customer_id", "digest"),
    [
        pytest.param("link", "acme", "two", id="the link is used"),
        pytest.param("link", "bolt", "two", id="whoever it is for"),
        pytest.param("other", "bolt", "one", id="the session is somebody's"),
        pytest.param("other", "nobody", "two", id="a customer that there is not"),
    ],
)
def test_what_a_link_cannot_open(
    database: Database, portal_sessions: PortalSessions, link: str, customer_id: str, digest: str
) -> None:
    """The answer is the same for all, and the session that there is stays as it was."""
    portal_sessions.open("link", "acme", "one", NOON, at(60))
    with pytest.raises(LinkUsed) as refusal:
        portal_sessions.open(link, customer_id, digest, at(1), at(600))
    assert refusal.value.args == ()
    assert refusal.value.__suppress_context__, "the database's words hold the digest"
    assert digests(database) == ["one"]
    assert portal_sessions.find("one", at(1)) == OpenSession("one", "link", "acme", "acme Ltd")
    assert portal_sessions.find("one", at(60)) is None


def test_a_used_link_stays_used_when_its_session_is_over(portal_sessions: PortalSessions) -> None:
    """It stands in a mailbox for years."""
    portal_sessions.open("link", "acme", "one", NOON, at(60))
    with pytest.raises(LinkUsed):
        portal_sessions.open("link", "acme", "two", at(10_000), at(10_060))


def test_of_twenty_at_once_one_gets_it(database: Database, portal_sessions: PortalSessions) -> None:
    """A link that was forwarded, or a mail scanner that follows it together with the customer."""
    errors = at_once(20, lambda place: portal_sessions.open("link", "acme", f"digest-{place}", NOON, at(60)))
    assert [type(error) for error in errors].count(LinkUsed) == 19
    assert digests(database) == [f"digest-{errors.index(None)}"]


def test_the_page_shows_a_customers_own_and_nobody_elses(database: Database) -> None:
    """Both customers have the same keys, so that only the customer can tell them apart."""
    shared = [(key_of("4gX03uw", type), f"{type} by import") for type in TYPES[:2]]
    register(
        database,
        [
            Registration("acme", "Acme", ("client-acme", "block-acme"), shared),
            Registration("bolt", "Bolt", ("client-bolt", "block-bolt"), shared[:1]),
        ],
        NOON,
    )
    requests = Requests(database)
    first = ids_of(database)[0]
    shows(database, first, Status.REQUESTED, at(1))
    requests.record("bolt", session_of(database, "bolt"), [shared[0][0]], at(2))
    acme, bolt = requests.page("acme"), requests.page("bolt")
    assert (acme.customer_name, acme.client_id, acme.provisioned_at) == ("Acme", "client-acme", None)
    assert [i.item for i in acme.items] == [("acme", key) for key, _ in shared]
    assert [(i.observed, i.action) for i in acme.items] == [
        (Status.REQUESTED, Action.ENABLE),
        (Status.UNKNOWN, Action.NONE),
    ]
    assert acme.open_requests == frozenset()
    assert [i.item for i in bolt.items] == [("bolt", shared[0][0])]
    assert (bolt.items[0].observed, bolt.client_id) == (Status.UNKNOWN, "client-bolt")
    assert bolt.open_requests == {shared[0][0]}
    assert "bolt" not in repr(acme).lower()
    assert "acme" not in repr(bolt).lower()


def test_the_page_tells_what_is_still_to_be_acted_on(database: Database) -> None:
    bring_in(database, customer("acme", TYPES[:2]))
    requests = Requests(database)
    requests.record("acme", session_of(database), [key_of("acme", TYPES[1])], at(1))
    assert requests.page("acme").open_requests == {key_of("acme", TYPES[1])}
    act_on(database, requests.open_of(["acme"]), at(600))
    assert requests.page("acme").open_requests == frozenset()
    assert len(requests.page("acme").items) == 2


def test_the_page_of_a_customer_without_anything(database: Database, portal_sessions: PortalSessions) -> None:
    """The plugin needs a client id, so the page must be able to say that there is none yet."""
    page = Requests(database).page("acme")
    assert (page.client_id, page.provisioned_at, list(page.items), page.open_requests) == (None, None, [], frozenset())


def test_the_page_tells_when_the_application_was_made(database: Database, portal_sessions: PortalSessions) -> None:
    """A new one may need minutes before the plugin loads."""
    Applications(database).put(
        "acme", "77", "block", at(3), urn="urn:li:developerApplication:1", name="A", js_sdk_domains=[]
    )
    page = Requests(database).page("acme")
    assert (page.client_id, page.provisioned_at) == ("77", at(3))
    assert "block" not in repr(page)


def test_there_is_no_page_for_nobody(database: Database) -> None:
    with pytest.raises(NoResultFound):
        Requests(database).page("nobody")
