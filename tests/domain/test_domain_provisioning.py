"""The report of a provisioning run as other programs read it, and the names that integrations get by themselves."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlight.domain.formatting import MAX_NAME, default_name, readable_type
from greenlight.domain.provisioning import Provision, ProvisionItem, ProvisionReport, ProvisionRequests
from greenlight.domain.reasons import EXPLANATIONS, Mover, Reason
from greenlight.domain.report import Verdict
from tests.domain.things import QUIET

OUTCOMES = ("created", "adopted", "updated", "unchanged", "waiting", "failed")
ITEM_FIELDS = {
    "customer_id",
    "customer_name",
    "client_id",
    "application_urn",
    "application_name",
    "js_sdk_domains",
    "outcome",
    "reason",
    "message",
    "remedy",
    "whose_move",
}
UNSETTLED = {Provision.WAITING, Provision.FAILED}

texts = st.none() | st.text(max_size=8)
items = st.builds(
    ProvisionItem,
    st.text(max_size=8),
    st.text(max_size=8),
    texts,
    texts,
    texts,
    st.none() | st.lists(st.text(max_size=8), max_size=3).map(tuple),
    st.sampled_from(Provision),
    st.sampled_from(Reason),
    texts,
)
reports = st.builds(
    ProvisionReport,
    st.text(max_size=8),
    st.lists(items, max_size=6),
    st.builds(ProvisionRequests, st.integers(0, 9), st.integers(0, 9)),
)


def item(customer_id: str, outcome: Provision, reason: Reason = Reason.APPLICATION_WORKS) -> ProvisionItem:
    return ProvisionItem(customer_id, "Acme", None, None, None, None, outcome, reason)


def report(*outcomes: Provision) -> ProvisionReport:
    entries = [item(f"c{number}", outcome) for number, outcome in enumerate(outcomes)]
    return ProvisionReport("run-1", entries, ProvisionRequests())


def test_the_outcomes_are_those_of_the_interface() -> None:
    assert tuple(Provision) == OUTCOMES


def test_the_document_stands_as_the_interface_prints_it() -> None:
    told = ProvisionItem(
        customer_id="acme",
        customer_name="Acme Ltd",
        client_id="77abc",
        application_urn="urn:li:developerApplication:234",
        application_name="ATS - Acme Ltd",
        js_sdk_domains=("https://jobs.example.com", "https://b.example"),
        outcome=Provision.WAITING,
        reason=Reason.APPLICATION_NOT_READY,
        detail="HTTP 401",
    )
    assert ProvisionReport("run-1", [told], ProvisionRequests(token=2, provision=3)).as_json() == {
        "schema": "greenlight.provision/1",
        "command": "provision",
        "run_id": "run-1",
        "verdict": "failed",
        "counts": {"created": 0, "adopted": 0, "updated": 0, "unchanged": 0, "waiting": 1, "failed": 0},
        "requests": {"token": 2, "provision": 3},
        "items": [
            {
                "customer_id": "acme",
                "customer_name": "Acme Ltd",
                "client_id": "77abc",
                "application_urn": "urn:li:developerApplication:234",
                "application_name": "ATS - Acme Ltd",
                "js_sdk_domains": ["https://jobs.example.com", "https://b.example"],
                "outcome": "waiting",
                "reason": "APPLICATION_NOT_READY",
                "message": f"{EXPLANATIONS[Reason.APPLICATION_NOT_READY].message} (HTTP 401)",
                "remedy": EXPLANATIONS[Reason.APPLICATION_NOT_READY].remedy,
                "whose_move": "linkedin",
            }
        ],
    }


def test_what_is_not_known_is_null_and_no_domains_are_an_empty_list() -> None:
    """Null says that provisioning never saw it, an empty list that LinkedIn has none: another thing to mend."""
    told = item("acme", Provision.UNCHANGED).as_json()
    assert [told[name] for name in ("client_id", "application_urn", "application_name", "js_sdk_domains")] == [None] * 4
    empty = ProvisionItem("a", "A", None, None, None, (), Provision.UNCHANGED, Reason.APPLICATION_WORKS)
    assert empty.as_json()["js_sdk_domains"] == []


@QUIET
@given(reports)
def test_the_document_has_exactly_these_fields_and_survives_json(told: ProvisionReport) -> None:
    document = told.as_json()
    assert set(document) == {"schema", "command", "run_id", "verdict", "counts", "requests", "items"}
    assert tuple(document["counts"]) == OUTCOMES
    assert set(document["requests"]) == {"token", "provision"}
    assert [set(entry) for entry in document["items"]] == [ITEM_FIELDS] * len(told.items)
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again == document


def test_every_value_is_plain_text() -> None:
    """As in the report of integrations: not every way out of Python takes an enum for its text."""
    told = item("acme", Provision.CREATED).as_json()
    assert {type(value) for value in told.values()} <= {str, type(None)}


def test_there_is_no_place_for_a_secret() -> None:
    """A report goes to standard output, into logs and to other programs."""
    names = [f.name for kind in (ProvisionItem, ProvisionReport, ProvisionRequests) for f in fields(kind)]
    assert not [name for name in [*names, *ITEM_FIELDS] if "secret" in name or "credential" in name or "block" in name]


@QUIET
@given(reports)
def test_every_customer_counts_once_and_the_verdict_follows(told: ProvisionReport) -> None:
    counts = told.counts()
    assert sum(counts.values()) == len(told.items)
    assert counts == {outcome: sum(i.outcome is outcome for i in told.items) for outcome in Provision}
    unsettled = [i for i in told.items if i.outcome in UNSETTLED]
    assert told.unsettled() == unsettled
    assert told.exit_code == (3 if unsettled else 0)
    if not unsettled:
        assert told.verdict is Verdict.OK
    else:
        assert told.verdict is (Verdict.FAILED if len(unsettled) == len(told.items) else Verdict.PARTIAL)
    assert told.as_json()["verdict"] == told.verdict


@pytest.mark.parametrize(
    ("outcomes", "verdict", "exit_code"),
    [
        pytest.param([], Verdict.OK, 0, id="nobody is due"),
        pytest.param([Provision.CREATED, Provision.ADOPTED], Verdict.OK, 0, id="all work"),
        pytest.param([Provision.UPDATED, Provision.UNCHANGED], Verdict.OK, 0, id="all worked before"),
        pytest.param([Provision.CREATED, Provision.WAITING], Verdict.PARTIAL, 3, id="one does not work yet"),
        pytest.param([Provision.CREATED, Provision.FAILED], Verdict.PARTIAL, 3, id="one failed"),
        pytest.param([Provision.WAITING, Provision.FAILED], Verdict.FAILED, 3, id="none works"),
    ],
)
def test_verdict_and_exit_code(outcomes: list[Provision], verdict: Verdict, exit_code: int) -> None:
    told = report(*outcomes)
    assert (told.verdict, told.exit_code) == (verdict, exit_code)


@pytest.mark.parametrize("reason", Reason)
def test_an_item_carries_the_explanation_of_its_reason(reason: Reason) -> None:
    told = item("acme", Provision.FAILED, reason)
    assert told.message == EXPLANATIONS[reason].message
    assert told.as_json()["remedy"] == EXPLANATIONS[reason].remedy
    assert told.as_json()["whose_move"] in set(Mover)


def test_the_headline_counts() -> None:
    told = report(Provision.CREATED, Provision.CREATED, Provision.ADOPTED)
    assert told.headline() == "2 created, 1 adopted."
    assert report().headline() == "every customer has its child application."


def test_the_headline_names_who_does_not_work_yet() -> None:
    entries = [
        item("acme", Provision.UNCHANGED),
        item("bolt", Provision.WAITING, Reason.APPLICATION_NOT_READY),
        item("crow", Provision.FAILED, Reason.TOO_MANY_SECRETS),
    ]
    assert ProvisionReport("r", entries, ProvisionRequests()).headline() == (
        "1 unchanged, 1 waiting, 1 failed. Not working yet: bolt (APPLICATION_NOT_READY), crow (TOO_MANY_SECRETS)."
    )


@pytest.mark.parametrize(("number", "ending"), [(10, "c9 (THROTTLED)."), (11, "c9 (THROTTLED) and 1 more.")])
def test_the_headline_names_ten_and_counts_the_rest(number: int, ending: str) -> None:
    """One sentence stays one sentence, however many customers there are."""
    entries = [item(f"c{place}", Provision.FAILED, Reason.THROTTLED) for place in range(number)]
    headline = ProvisionReport("r", entries, ProvisionRequests()).headline()
    assert headline.endswith(ending)
    assert headline.count("THROTTLED") == 10


@pytest.mark.parametrize(
    ("integration_type", "readable"),
    [
        ("APPLY_WITH_LINKEDIN", "Apply with LinkedIn"),
        ("APPLY_CONNECT", "Apply Connect"),
        ("RECRUITER_SYSTEM_CONNECT_CONTRACT", "Recruiter System Connect Contract"),
        ("CSA_API", "CSA API"),
        ("ATS_CRM", "ATS CRM"),
        ("NEW__THING_", "New Thing"),
        ("_", ""),
    ],
)
def test_a_type_in_words(integration_type: str, readable: str) -> None:
    """Types that nobody knows today are readable too."""
    assert readable_type(integration_type) == readable


def test_the_name_that_an_integration_gets_by_itself() -> None:
    assert default_name("Acme", "APPLY_WITH_LINKEDIN") == "Acme's Apply with LinkedIn Integration"


@QUIET
@given(st.text(max_size=300), st.text("ABC_", max_size=64))
def test_it_fits_and_ends_with_the_type(customer_name: str, integration_type: str) -> None:
    """The type is what tells a customer's integrations apart, so the customer's own name gives way."""
    name = default_name(customer_name, integration_type)
    ending = f"'s {readable_type(integration_type)} Integration"
    assert len(name) <= MAX_NAME
    assert name.endswith(ending)
    assert customer_name.startswith(name.removesuffix(ending))


def test_a_look_at_all_says_in_one_sentence_whose_domains_no_api_shows() -> None:
    fine = item("acme", Provision.UNCHANGED)
    assert ProvisionReport("r", [fine], ProvisionRequests(), imported=3).headline() == (
        "1 unchanged. Of 3 imported applications no API shows the domains, since LinkedIn finds only those that were "
        "made here: compare them in its developer portal."
    )
