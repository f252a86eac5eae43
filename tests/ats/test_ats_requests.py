"""What the plugin's callback brings: on record once with its evidence, acted on once, and never lost."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlmodel import select

from greenlight.ats.callbacks import MOST_INTEGRATIONS, SETTLED_FOR, TooManyIntegrations
from greenlight.ats.database import Database
from greenlight.ats.ledger import Attempt
from greenlight.ats.registry import Registration, register
from greenlight.ats.requests import OpenRequest, Requests
from greenlight.ats.store import Store
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Action
from greenlight.domain.reasons import Outcome, Reason
from greenlight.domain.status import Status
from tests.ats.asking import act_on, at_once, evidence, session_of
from tests.ats.world import NOON, TYPES, at, bring_in, customer, fails, ids_of, integration, key_of, shows

KEY = key_of("4gX03uw")
CONNECT = key_of("4gX03uw", TYPES[1])


@pytest.fixture
def acme(database: Database) -> str:
    """A customer without any integration; its session's digest."""
    register(database, [Registration("acme", "Acme Ltd", None, [])], NOON)
    return session_of(database)


def test_a_request_puts_the_integration_on_record(database: Database, acme: str) -> None:
    """It becomes wanted and due for a look, and nothing is known of it before that look."""
    Requests(database).record("acme", acme, [KEY, CONNECT], at(1))
    first, second = ids_of(database)
    row = integration(database, first)
    assert (row.customer_id, row.integration_context, row.integration_type, row.tenant_type) == (
        "acme",
        *(KEY.integration_context, KEY.integration_type, KEY.tenant_type),
    )
    assert row.integration_name == "Acme Ltd's Apply with LinkedIn Integration"
    assert (row.created_at, row.requested_at, row.acted_on_at) == (at(1), at(1), None)
    assert integration(database, second).integration_name == "Acme Ltd's Apply Connect Integration"
    assert evidence(database) == [(first, acme, at(1), at(1), 1), (second, acme, at(1), at(1), 1)]


def test_a_forged_context_is_wanted_and_never_observed(database: Database, acme: str) -> None:
    """A browser can say anything. Only what LinkedIn shows under the customer's own credentials is believed."""
    forged = IntegrationKey("urn:li:organization:n0t-theirs", TYPES[0], "JOBS")
    for minute in range(3):
        Requests(database).record("acme", acme, [forged], at(minute))
    (id,) = ids_of(database)
    row = integration(database, id)
    assert (row.observed, row.observed_at, row.checked_at) == (Status.UNKNOWN, None, None)
    assert (row.action, row.outcome, row.reason) == (Action.NONE, Outcome.NOT_LOOKED_AT, Reason.NOT_LOOKED_AT)
    assert Store(database).wanted([id])[0].client_id is None
    with database.reading() as session:
        assert session.exec(select(Attempt)).all() == []
    (shown,) = Requests(database).page("acme").items
    assert (shown.observed, shown.action, shown.condition.outcome) == (
        *(Status.UNKNOWN, Action.NONE, Outcome.NOT_LOOKED_AT),
    )


def test_a_repeated_request_is_one_integration_and_counted(database: Database, acme: str) -> None:
    for minute in (1, 2, 5):
        Requests(database).record("acme", acme, [KEY], at(minute))
    (id,) = ids_of(database)
    assert evidence(database) == [(id, acme, at(1), at(5), 3)]
    assert (integration(database, id).created_at, integration(database, id).requested_at) == (at(1), at(5))


def test_one_callback_may_name_one_integration_twice(database: Database, acme: str) -> None:
    """It is one request all the same."""
    Requests(database).record("acme", acme, [KEY, CONNECT, KEY], at(1))
    first, second = ids_of(database)
    assert evidence(database) == [(first, acme, at(1), at(1), 1), (second, acme, at(1), at(1), 1)]


def test_a_callback_that_names_nothing_changes_nothing(database: Database, acme: str) -> None:
    Requests(database).record("acme", acme, [], at(1))
    assert (ids_of(database), evidence(database)) == ([], [])


def test_each_session_has_evidence_of_its_own(database: Database, acme: str) -> None:
    """Who asked, and when, is told from it."""
    other = session_of(database, name="two")
    Requests(database).record("acme", acme, [KEY], at(1))
    Requests(database).record("acme", other, [KEY], at(2))
    Requests(database).record("acme", acme, [KEY], at(3))
    (id,) = ids_of(database)
    assert evidence(database) == [(id, acme, at(1), at(3), 2), (id, other, at(2), at(2), 1)]


def test_a_request_that_arrives_late_does_not_turn_the_clock_back(database: Database, acme: str) -> None:
    Requests(database).record("acme", acme, [KEY], at(5))
    Requests(database).record("acme", acme, [KEY], at(1))
    (id,) = ids_of(database)
    assert evidence(database) == [(id, acme, at(5), at(5), 2)]
    assert (integration(database, id).requested_at or NOON) >= at(5)


def test_an_imported_integration_keeps_its_name(database: Database) -> None:
    """A request does not make a second one of what the customer's file has brought."""
    (id,) = bring_in(database, customer("acme"))
    Requests(database).record("acme", session_of(database), [key_of("acme")], at(1))
    assert ids_of(database) == [id]
    assert integration(database, id).integration_name == f"{TYPES[0]} of acme"
    assert integration(database, id).requested_at == at(1)


def test_the_key_of_another_customer_is_a_row_of_its_own(database: Database) -> None:
    """Nothing that one customer's browser sends touches what is known of another."""
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, Status.REQUESTED)
    register(database, [Registration("bolt", "Bolt", None, [])], NOON)
    before = integration(database, id).model_dump()
    Requests(database).record("bolt", session_of(database, "bolt"), [key_of("acme")], at(1))
    assert integration(database, id).model_dump() == before
    new = integration(database, ids_of(database)[1])
    assert (new.customer_id, new.observed) == ("bolt", Status.UNKNOWN)
    assert Requests(database).open_customers() == ["bolt"]
    assert Requests(database).open_of(["acme"]) == []


@pytest.mark.parametrize(
    ("customer_id", "digest", "error"),
    [
        pytest.param("nobody", "acme-one", NoResultFound, id="a customer that there is not"),
        pytest.param("acme", "forged", IntegrityError, id="a session that there is not"),
    ],
)
def test_without_customer_or_session_nothing_is_recorded(
    database: Database, acme: str, customer_id: str, digest: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Requests(database).record(customer_id, digest, [KEY], at(1))
    assert (ids_of(database), evidence(database)) == ([], [])


def test_fifty_at_once_are_one_integration(database: Database, acme: str) -> None:
    """A customer who clicks and clicks, or a page that is open in many windows."""
    errors = at_once(50, lambda place: Requests(database).record("acme", acme, [KEY], at(place)))
    assert errors == [None] * 50
    (id,) = ids_of(database)
    ((_, digest, _, last, times),) = evidence(database)
    assert (digest, last, times) == (acme, at(49), 50)
    assert Requests(database).open_of(["acme"]) == [OpenRequest(id, integration(database, id).requested_at or NOON)]


def many(number: int, name: str = "k") -> list[IntegrationKey]:
    return [key_of(f"{name}{place}") for place in range(number)]


def test_more_than_any_customer_has_is_refused_as_a_whole(database: Database, acme: str) -> None:
    """A browser must not make us ask LinkedIn about as much as it likes."""
    requests = Requests(database)
    requests.record("acme", acme, many(MOST_INTEGRATIONS - 1), at(1))
    before = evidence(database)
    with pytest.raises(TooManyIntegrations):
        requests.record("acme", acme, [*many(3), *many(2, "new")], at(2))
    assert evidence(database) == before, "not even what is known already"
    assert len(ids_of(database)) == MOST_INTEGRATIONS - 1
    requests.record("acme", acme, many(1, "new"), at(3))
    assert len(ids_of(database)) == MOST_INTEGRATIONS
    requests.record("acme", acme, many(MOST_INTEGRATIONS - 1), at(4))
    with pytest.raises(TooManyIntegrations):
        requests.record("acme", acme, many(1, "newer"), at(5))
    assert len(ids_of(database)) == MOST_INTEGRATIONS
    assert {row[4] for row in evidence(database)[:-1]} == {2}


def test_one_callback_with_too_many_is_refused(database: Database, acme: str) -> None:
    with pytest.raises(TooManyIntegrations):
        Requests(database).record("acme", acme, many(MOST_INTEGRATIONS + 1), at(1))
    assert (ids_of(database), evidence(database)) == ([], [])


def test_the_bound_holds_for_requests_at_the_same_moment(database: Database, acme: str) -> None:
    """A bound that a few windows at once can pass is none."""
    errors = at_once(12, lambda place: Requests(database).record("acme", acme, many(10, f"t{place}-"), at(place)))
    assert {type(error) for error in errors} == {type(None), TooManyIntegrations}
    assert len(ids_of(database)) == MOST_INTEGRATIONS


def test_an_import_that_is_larger_stays_usable(database: Database) -> None:
    """The bound is on what browsers add: what is on record already can be requested."""
    keys = many(MOST_INTEGRATIONS + 5)
    register(database, [Registration("acme", "Acme", None, [(key, "x") for key in keys])], NOON)
    Requests(database).record("acme", session_of(database), keys, at(1))
    assert len(Requests(database).open_of(["acme"])) == MOST_INTEGRATIONS + 5


def test_customers_who_wait_longest_come_first(database: Database) -> None:
    requests = Requests(database)
    for id in ("acme", "bolt", "crow", "dove", "elk"):
        register(database, [Registration(id, id, None, [])], NOON)
    for minute, id in [(3, "acme"), (2, "bolt"), (4, "crow"), (4, "dove"), (1, "elk")]:
        requests.record(id, session_of(database, id), [KEY], at(minute))
    requests.record("crow", session_of(database, "crow", "two"), [CONNECT], at(1))
    assert requests.open_customers() == ["crow", "elk", "bolt", "acme", "dove"]
    act_on(database, requests.open_of(["elk"]), at(600))
    assert requests.open_customers() == ["crow", "bolt", "acme", "dove"]


def test_what_was_acted_on_is_closed_until_it_is_requested_again(database: Database, acme: str) -> None:
    requests = Requests(database)
    requests.record("acme", acme, [KEY, CONNECT], at(1))
    first, second = ids_of(database)
    opened = requests.open_of(["acme"])
    assert set(opened) == {OpenRequest(first, at(1)), OpenRequest(second, at(1))}
    act_on(database, [one for one in opened if one.integration_id == first], at(600))
    assert requests.open_of(["acme"]) == [OpenRequest(second, at(1))]
    act_on(database, opened, at(600))
    assert (requests.open_of(["acme"]), requests.open_customers()) == ([], [])
    requests.record("acme", acme, [KEY], at(2))
    assert requests.open_of(["acme"]) == [OpenRequest(first, at(2))]


def test_a_repeat_while_somebody_acts_stays_open(database: Database, acme: str) -> None:
    """Whoever acts has read LinkedIn before the repeat, so somebody must read it again."""
    requests = Requests(database)
    requests.record("acme", acme, [KEY], at(1))
    opened = requests.open_of(["acme"])
    requests.record("acme", acme, [KEY], at(2))
    act_on(database, opened, at(600))
    assert requests.open_of(["acme"]) == [OpenRequest(opened[0].integration_id, at(2))]
    assert requests.open_customers() == ["acme"]


def test_a_repeat_is_not_lost_when_the_clock_is_set_back(database: Database, acme: str) -> None:
    """Portals run on more than one machine, and their clocks are mended while they run."""
    requests = Requests(database)
    requests.record("acme", acme, [KEY], at(5))
    opened = requests.open_of(["acme"])
    requests.record("acme", acme, [KEY], at(4))
    act_on(database, opened, at(600))
    assert [request.integration_id for request in requests.open_of(["acme"])] == ids_of(database)


@pytest.mark.parametrize(
    ("status", "after", "stays_open"),
    [
        pytest.param(Status.ENABLED, SETTLED_FOR - timedelta(microseconds=1), False, id="just seen to be enabled"),
        pytest.param(Status.ENABLED, SETTLED_FOR, True, id="a minute ago is too long"),
        pytest.param(Status.REQUESTED, timedelta(0), True, id="there is something left to do"),
        pytest.param(Status.PARTNER_READY, timedelta(0), True, id="the customer may have done their part since"),
        pytest.param(Status.UNKNOWN, timedelta(0), True, id="nothing is known"),
    ],
)
def test_what_was_just_seen_to_be_enabled_is_not_looked_at_again(
    database: Database, status: Status, after: timedelta, stays_open: bool
) -> None:
    """The plugin calls back for every integration whenever it is shown; the evidence is counted all the same."""
    (id,) = bring_in(database, customer("acme"))
    shows(database, id, status, NOON)
    Requests(database).record("acme", session_of(database), [key_of("acme")], NOON + after)
    assert bool(Requests(database).open_of(["acme"])) is stays_open
    assert [row[4] for row in evidence(database)] == [1]


def test_a_request_that_is_open_is_not_closed_by_what_is_seen(database: Database, acme: str) -> None:
    """Whoever acts on it closes it, once everything that follows is done."""
    Requests(database).record("acme", acme, [KEY], NOON)
    (id,) = ids_of(database)
    shows(database, id, Status.ENABLED, NOON)
    Requests(database).record("acme", acme, [KEY], NOON + SETTLED_FOR / 2)
    assert Requests(database).open_of(["acme"]) == [OpenRequest(id, NOON)]
    assert ids_of(database) == [id]


def test_a_click_again_makes_nobody_quick_of_whom_the_last_try_failed(database: Database) -> None:
    ids, requests = bring_in(database, customer("acme"), customer("bolt")), Requests(database)
    for customer_id in ("acme", "bolt"):
        requests.record(customer_id, session_of(database, customer_id), [key_of(customer_id)], at(1))
    assert requests.slow_customers(10) == set()
    fails(database, ids[0], at(2))
    requests.put_off(requests.open_of(["acme"]), at(2))
    assert requests.slow_customers(10) == {"acme"}
    requests.record("acme", session_of(database, "acme"), [key_of("acme")], at(3))
    assert requests.slow_customers(10) == {"acme"}
    assert requests.slow_customers(0) == {"acme", "bolt"}, "whoever has many is not quick"
    assert requests.to_act_on(["bolt", "acme", "nobody"], at(3)) == ["bolt", "acme"]
