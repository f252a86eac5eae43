"""When a request is looked at once more: LinkedIn may show it late, and somebody else may have moved it."""

from greenlight.ats.database import Database
from greenlight.ats.requests import Requests
from greenlight.domain.status import Status
from tests.ats.asking import session_of
from tests.ats.world import NOON, at, bring_in, customer, ids_of, key_of, shows


def test_what_linkedin_does_not_show_yet_stays_open_for_a_minute(database: Database) -> None:
    """Its plugin may call back before its API shows the request; a forged one is let go after that minute."""
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    opened = requests.open_of("elk")
    shows(database, id, Status.NOT_REQUESTED, at(0.1))
    requests.acted_on(opened, at(0.2))
    assert requests.open_customers() == ["elk"]
    requests.acted_on(opened, at(1.1))
    assert requests.open_customers() == []


def test_what_linkedin_shows_is_done_with_at_once(database: Database) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    shows(database, id, Status.ENABLED, at(0.1))
    requests.acted_on(requests.open_of("elk"), at(0.2))
    assert requests.open_customers() == []


def test_a_page_that_is_looked_at_has_what_may_have_changed_looked_at_again(database: Database) -> None:
    """A Recruiter admin's switch reaches us by a look alone, and the night is too long to wait for it."""
    requests = Requests(database)
    for id in bring_in(database, customer("elk"), customer("fox")):
        shows(database, id, Status.PARTNER_READY, NOON)
    assert not requests.look_again("elk", at(0.5)), "it is fresh"
    assert requests.look_again("elk", at(2))
    assert requests.open_customers() == ["elk"], "and nobody else's"
    assert not requests.look_again("elk", at(2.5)), "a look is on its way"
    shows(database, ids_of(database)[0], Status.ENABLED, at(3))
    requests.acted_on(requests.open_of("elk"), at(3))
    assert requests.open_customers() == []
    assert not requests.look_again("elk", at(60)), "what is enabled is the nightly run's to check"
