"""When a request is looked at once more: LinkedIn may show it late, and somebody else may have moved it."""

import pytest

from greenlight.ats.database import Database
from greenlight.ats.nights import Nights
from greenlight.ats.requests import Requests
from greenlight.domain.reasons import Reason
from greenlight.domain.selection import Selection
from greenlight.domain.status import Status
from tests.ats.asking import session_of
from tests.ats.world import NOON, at, begin, bring_in, customer, fails, ids_of, integration, key_of, shows


def test_what_linkedin_does_not_show_yet_stays_open_for_a_minute(database: Database) -> None:
    """Its plugin may call back before its API shows the request; a forged one is let go after that minute."""
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    opened = requests.open_of(["elk"])
    shows(database, id, Status.NOT_REQUESTED, at(0.1))
    requests.acted_on(opened, NOON, at(0.2))
    assert requests.open_customers() == ["elk"]
    requests.acted_on(opened, NOON, at(1.1))
    assert requests.open_customers() == []


def test_what_linkedin_shows_is_done_with_at_once(database: Database) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    shows(database, id, Status.ENABLED, at(0.1))
    requests.acted_on(requests.open_of(["elk"]), NOON, at(0.2))
    assert requests.open_customers() == []


def test_a_page_that_is_looked_at_has_what_may_have_changed_looked_at_again(database: Database) -> None:
    """A Recruiter admin's switch reaches us by a look alone, and the night is too long to wait for it."""
    requests = Requests(database)
    for id in bring_in(database, customer("elk"), customer("fox")):
        shows(database, id, Status.PARTNER_READY, NOON)
    assert not requests.look_again("elk", at(0.5)), "it is fresh"
    assert requests.look_again("elk", at(2))
    assert requests.open_customers() == [], "a page that is opened requests nothing"
    assert requests.due_customers(at(2)) == ["elk"], "and nobody else's"
    assert integration(database, ids_of(database)[0]).requested_at is None, "it is no evidence"
    assert not requests.look_again("elk", at(2.5)), "a look is on its way"
    assert requests.due_of(["elk"], at(3)) == [], "nothing is to be enabled"
    assert requests.take_looks(["elk"], at(3)) == ids_of(database)[:1]
    assert (requests.take_looks(["elk"], at(3)), requests.due_customers(at(3))) == ([], [])
    shows(database, ids_of(database)[0], Status.ENABLED, at(3))
    assert not requests.look_again("elk", at(60)), "what is enabled is the nightly run's to check"


@pytest.mark.parametrize(
    "reason", [Reason.LINKEDIN_UNAVAILABLE, Reason.UNREADABLE_ANSWER, Reason.THROTTLED, Reason.CUSTOMER_BUSY]
)
def test_what_failed_for_something_that_passes_stays_open_and_waits(database: Database, reason: Reason) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    fails(database, id, at(0.1), reason)
    requests.acted_on(requests.due_of(["elk"], at(0.1)), NOON, at(0.1))
    requests.put_off(requests.open_of(["elk"]), at(0.1))
    assert (requests.open_customers(), requests.due_customers(at(0.15))) == (["elk"], [])
    assert requests.due_customers(at(0.2)) == ["elk"]
    assert Nights(database).choose(Selection(), at(0.2), 7).ids == [id], "the night is the safety net"
    requests.put_off(requests.open_of(["elk"]), at(60))
    assert (requests.due_customers(at(89)), requests.due_customers(at(90))) == ([], ["elk"]), "the wait grows"


def test_what_is_ready_and_not_enabled_stays_open(database: Database) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    shows(database, id, Status.REQUESTED, at(1))
    requests.acted_on(requests.open_of(["elk"]), NOON, at(2))
    assert requests.open_customers() == ["elk"]


def test_an_end_from_before_the_run_closes_nothing(database: Database) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    shows(database, id, Status.ENABLED, NOON)
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], at(2))
    requests.acted_on(requests.open_of(["elk"]), at(2), at(3))
    assert requests.open_customers() == ["elk"]


def test_a_refusal_that_does_not_pass_is_an_end(database: Database) -> None:
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    requests.record("elk", session_of(database, "elk"), [key_of("elk")], NOON)
    fails(database, id, at(1), Reason.INVALID_CONTEXT)
    requests.acted_on(requests.open_of(["elk"]), NOON, at(2))
    assert requests.open_customers() == []


def test_an_enable_that_has_settled_is_looked_at_once_whoever_sent_it(database: Database) -> None:
    """Its run may be dead, and the next night is hours away."""
    requests = Requests(database)
    (id,) = bring_in(database, customer("elk"))
    shows(database, id, Status.REQUESTED)
    begin(database, id, "a run that was killed", at(1))
    assert requests.due_customers(at(1.9)) == []
    assert requests.due_customers(at(2)) == ["elk"]
    assert requests.take_looks(["elk"], at(2)) == [id]
    fails(database, id, at(2), purpose="observe:run-2")
    assert requests.due_customers(at(3)) == [], "once; what failed is the night's"
    shows(database, id, Status.REQUESTED, at(4), purpose="observe:run-3")
    assert integration(database, id).reason == Reason.READY_TO_ENABLE
    assert requests.due_customers(at(9)) == []


def test_a_page_that_stays_open_asks_the_seldomer_the_longer_nothing_changes(database: Database) -> None:
    """Sixty looks an hour, for days, at what an admin has not come to yet."""
    (id,) = bring_in(database, customer("elk"))
    requests, looks = Requests(database), list[int]()
    shows(database, id, Status.PARTNER_READY, at(0))
    for minute in range(6 * 60):
        now = at(minute + 0.5)
        if requests.look_again("elk", now):
            looks.append(minute)
            assert requests.take_looks(["elk"], now) == [id]
            shows(database, id, Status.PARTNER_READY, now)
    assert looks[0] <= 2, "at first it may change at any moment"
    assert 5 <= sum(look < 60 for look in looks) <= 15
    assert all(3 <= sum(look // 60 == hour for look in looks) <= 4 for hour in range(2, 6))


def test_what_was_imported_is_looked_at_when_its_page_opens(database: Database) -> None:
    """Until the first night the page would say that nobody has asked, and nothing would move."""
    (id,) = bring_in(database, customer("elk"))
    requests = Requests(database)
    assert requests.look_again("elk", at(1))
    assert requests.take_looks(["elk"], at(1)) == [id]
    assert requests.open_customers() == [], "an import is no request"
    shows(database, id, Status.NOT_REQUESTED, at(2))
    assert not requests.look_again("elk", at(3)), "LinkedIn shows nothing that a customer has not asked for"
