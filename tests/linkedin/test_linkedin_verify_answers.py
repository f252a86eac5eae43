"""Every combination of `results`, `errors` and `statuses` that a verify answer may hold."""

from typing import Any

import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.errors import LinkedInError, Refused
from tests.linkedin.stage import (
    ACME,
    AWLI,
    CONNECT,
    CSA,
    FOREIGN,
    OWN,
    OWN_CANONICAL,
    OWN_ENCODED,
    Stage,
    body_of,
    seen_in,
)

ENABLED = Observation(Status.ENABLED)
REQUESTED = Observation(Status.REQUESTED)
SAYS_ENABLED = {"onboardingStatus": "ENABLED", "integrationName": "Acme"}
SAYS_REQUESTED = {"onboardingStatus": "REQUESTED"}
GONE = {"status": 404, "message": "gone"}
FORBIDDEN = {"status": 403, "message": "no"}


def agrees(seen: Seen, expected: Observation | Reason) -> bool:
    if isinstance(expected, Reason):
        return isinstance(seen, LinkedInError) and seen.reason is expected
    return seen == expected


STATUSES = [
    pytest.param("ENABLED", ENABLED, id="as a constant"),
    pytest.param("REQUESTED", REQUESTED, id="requested"),
    pytest.param("PARTNER_READY", Observation(Status.PARTNER_READY), id="the customer's move"),
    pytest.param("Partner Ready", Observation(Status.PARTNER_READY), id="in prose, as LinkedIn also writes it"),
    pytest.param(" enabled\n", ENABLED, id="case and blanks do not count"),
    pytest.param("SUSPENDED", Observation(Status.UNKNOWN, "SUSPENDED"), id="new values come without notice"),
    pytest.param(
        "NOT_REQUESTED", Observation(Status.UNKNOWN, "NOT_REQUESTED"), id="our word, which LinkedIn never says"
    ),
    pytest.param("", Observation(Status.UNKNOWN, ""), id="empty is no status"),
    pytest.param("NOT ENABLED", Observation(Status.UNKNOWN, "NOT ENABLED"), id="contains one, but is none"),
    pytest.param("x\x1b[31m\r\ny" + "z" * 300, None, id="an unknown status is shown as one short line"),
    pytest.param(None, Reason.UNREADABLE_ANSWER, id="null"),
    pytest.param(True, Reason.UNREADABLE_ANSWER, id="a bool"),
    pytest.param(2, Reason.UNREADABLE_ANSWER, id="a number"),
    pytest.param(["ENABLED"], Reason.UNREADABLE_ANSWER, id="an array"),
]


@pytest.mark.parametrize(("text", "expected"), STATUSES)
async def test_onboarding_status(text: object, expected: Observation | Reason | None) -> None:
    seen = await seen_in(body_of(results={OWN: {"onboardingStatus": text}}))
    if expected is not None:
        assert agrees(seen, expected)
        return
    assert isinstance(seen, Observation)
    assert seen.status is Status.UNKNOWN
    assert seen.raw == ("x [31m y" + "z" * 300)[:197] + "..."


@pytest.mark.parametrize("spelling", [OWN, OWN_ENCODED, OWN_CANONICAL])
async def test_every_spelling_of_a_key_is_that_key(spelling: str) -> None:
    assert await seen_in(body_of(results={spelling: SAYS_ENABLED})) == ENABLED
    assert agrees(await seen_in(body_of(errors={spelling: FORBIDDEN})), Reason.WRONG_CREDENTIALS)


COMBINATIONS = [
    # one map
    ({"statuses": {OWN: 404}}, NOT_REQUESTED, "404 among the statuses is Rest.li's absent"),
    ({"errors": {OWN: GONE}}, NOT_REQUESTED, "404 among the errors as well"),
    ({"errors": {OWN: FORBIDDEN}}, Reason.WRONG_CREDENTIALS, "an error of the one key"),
    ({"errors": {OWN: {"status": 500}}}, Reason.LINKEDIN_UNAVAILABLE, "one shard of LinkedIn is down"),
    ({"errors": {OWN: {"status": 429}}}, Reason.THROTTLED, "a limit of the one key"),
    ({"statuses": {OWN: 503}}, Reason.LINKEDIN_UNAVAILABLE, "a status without an error"),
    ({"errors": {OWN: {"status": 204}}}, Reason.UNREADABLE_ANSWER, "an error that is a success"),
    ({"errors": {OWN: {"status": "404"}}}, Reason.UNREADABLE_ANSWER, "a status in text"),
    ({"errors": {OWN: {"status": True}}}, Reason.UNREADABLE_ANSWER, "a bool is no status"),
    ({"errors": {OWN: {"message": "?"}}}, Reason.UNREADABLE_ANSWER, "an error without a status"),
    ({"errors": {OWN: None}}, Reason.UNREADABLE_ANSWER, "an error that is null"),
    ({"errors": {OWN: 404}}, Reason.UNREADABLE_ANSWER, "an error that is a number"),
    ({"statuses": {OWN: "404"}}, Reason.UNREADABLE_ANSWER, "a status in text among the statuses"),
    ({"statuses": {OWN: False}}, Reason.UNREADABLE_ANSWER, "a bool among the statuses"),
    ({"results": {OWN: None}}, Reason.UNREADABLE_ANSWER, "a result that is null"),
    ({"results": {OWN: "ENABLED"}}, Reason.UNREADABLE_ANSWER, "a result that is a text"),
    ({"results": {OWN: {"status": "ENABLED"}}}, Reason.UNREADABLE_ANSWER, "another field's name is not the status"),
    # several maps
    ({"results": {OWN: SAYS_ENABLED}, "statuses": {OWN: 200}}, ENABLED, "agreeing statuses, as Rest.li may send"),
    ({"results": {OWN: SAYS_ENABLED}, "statuses": {OWN: 404}}, Reason.UNREADABLE_ANSWER, "there and not there"),
    ({"results": {OWN: SAYS_ENABLED}, "statuses": {OWN: 500}}, Reason.UNREADABLE_ANSWER, "there and failed"),
    ({"results": {OWN: SAYS_ENABLED}, "statuses": {OWN: "200"}}, Reason.UNREADABLE_ANSWER, "a status that is none"),
    ({"results": {OWN: SAYS_ENABLED}, "errors": {OWN: GONE}}, Reason.UNREADABLE_ANSWER, "enabled, and not found"),
    ({"results": {OWN: SAYS_ENABLED}, "errors": {OWN: FORBIDDEN}}, Reason.UNREADABLE_ANSWER, "enabled, and forbidden"),
    ({"errors": {OWN: GONE}, "statuses": {OWN: 404}}, NOT_REQUESTED, "both maps say so"),
    ({"errors": {OWN: FORBIDDEN}, "statuses": {OWN: 403}}, Reason.WRONG_CREDENTIALS, "both maps say so"),
    ({"errors": {OWN: FORBIDDEN}, "statuses": {OWN: 404}}, Reason.UNREADABLE_ANSWER, "not found, and forbidden"),
    # twice
    ({"results": {OWN: SAYS_ENABLED, OWN_ENCODED: SAYS_ENABLED}}, ENABLED, "twice the same under two spellings"),
    ({"results": {OWN: SAYS_ENABLED, OWN_ENCODED: SAYS_REQUESTED}}, Reason.UNREADABLE_ANSWER, "two statuses"),
    ({"results": {OWN_CANONICAL: SAYS_REQUESTED, OWN: SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "in the other order"),
    ({"results": {OWN: SAYS_ENABLED, OWN_ENCODED: {}}}, Reason.UNREADABLE_ANSWER, "the second says nothing"),
    ({"results": {OWN: {"onboardingStatus": "Q"}, OWN_ENCODED: {"onboardingStatus": "R"}}}, Reason.UNREADABLE_ANSWER,
     "two unknown ones that differ"),
    ({"errors": {OWN: GONE, OWN_ENCODED: GONE}}, NOT_REQUESTED, "twice not found"),
    # somebody else
    ({"results": {FOREIGN: SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "somebody else's status is not ours"),
    ({"errors": {FOREIGN: GONE}}, Reason.UNREADABLE_ANSWER, "somebody else's error"),
    ({"statuses": {FOREIGN: 404}}, Reason.UNREADABLE_ANSWER, "somebody else's absence"),
    ({"results": {OWN: SAYS_REQUESTED, FOREIGN: SAYS_ENABLED}}, REQUESTED, "ours counts, whoever else is there"),
    ({"results": {OWN.replace("ATS", "X"): SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "another data provider"),
    ({"results": {OWN.replace("JOBS", "RECRUITER"): SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "another tenant type"),
    ({"results": {OWN.replace(":4gX", ":4gx"): SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "ids are case-sensitive"),
    ({"results": {OWN.replace("organization", "company"): SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "an internal form"),
    ({"results": {OWN_ENCODED.replace("%3A", "%253A"): SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "encoded twice"),
    ({"results": {f"{OWN}&tenantType=JOBS": SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "a part given twice"),
    ({"results": {OWN.partition("&")[2]: SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "a part missing"),
    ({"results": {"": SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "no key at all"),
    ({"results": {OWN + "\n": SAYS_ENABLED}}, Reason.UNREADABLE_ANSWER, "a line end after the key"),
    # maps that are none
    ({"results": None}, Reason.UNREADABLE_ANSWER, "null for results"),
    ({"results": [SAYS_ENABLED]}, Reason.UNREADABLE_ANSWER, "an array for results"),
    ({"results": {OWN: SAYS_ENABLED}, "errors": None}, ENABLED, "null for errors is none of them"),
    ({"results": {}, "errors": None, "statuses": None}, NOT_REQUESTED, "null for all that may be left out"),
    ({"results": {OWN: SAYS_ENABLED}, "errors": []}, Reason.UNREADABLE_ANSWER, "an array for errors"),
    ({"results": {OWN: SAYS_ENABLED}, "statuses": 200}, Reason.UNREADABLE_ANSWER, "a number for statuses"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("maps", "expected"), [pytest.param(*case, id=f"{n}: {why}") for n, (*case, why) in enumerate(COMBINATIONS)]
)
async def test_combination(maps: dict[str, Any], expected: Observation | Reason) -> None:
    assert agrees(await seen_in(body_of(**maps)), expected)


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        pytest.param("results", Reason.UNREADABLE_ANSWER, id="without results it is not a batch answer"),
        pytest.param("errors", NOT_REQUESTED, id="an empty map need not be written"),
        pytest.param("statuses", NOT_REQUESTED, id="Rest.li may leave statuses out"),
    ],
)
async def test_a_map_that_is_not_there(left_out: str, expected: Observation | Reason) -> None:
    assert agrees(await seen_in(body_of(hide=(left_out,))), expected)


@pytest.mark.parametrize(
    "maps",
    [
        pytest.param({"errors": {OWN: {"status": True}}}, id="Python takes true for 1"),
        pytest.param({"statuses": {OWN: True}}, id="and would tell of an HTTP True"),
        pytest.param({"errors": {OWN: {"status": 204}}}, id="a success is no error to tell of"),
    ],
)
async def test_what_is_no_error_status_is_not_shown_as_one(maps: dict[str, Any]) -> None:
    seen = await seen_in(body_of(**maps))
    assert isinstance(seen, LinkedInError)
    assert seen.detail == "an entry of errors has no error status"


async def test_each_key_is_read_for_itself() -> None:
    stage = Stage()
    connect, csa = CONNECT.as_body_key(), CSA.as_body_key()
    stage.look.respond(
        200,
        content=body_of(results={OWN_ENCODED: SAYS_ENABLED, csa: {}}, errors={connect: FORBIDDEN}),
    )
    seen = await stage.verify(AWLI, CONNECT, CSA)
    assert seen[AWLI] == ENABLED
    assert agrees(seen[CONNECT], Reason.REQUEST_REFUSED)
    assert agrees(seen[CSA], Reason.UNREADABLE_ANSWER)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("place", ["errors", "statuses"])
async def test_a_key_that_is_refused_beside_one_that_is_answered_is_no_dead_credential(place: str, status: int) -> None:
    """Under the same token: whatever is wrong with the one, the credential was good for the other."""
    said: object = {"status": status, "message": "no"} if place == "errors" else status
    stage, connect, csa = Stage(), CONNECT.as_body_key(), CSA.as_body_key()
    stage.look.respond(200, content=body_of(results={OWN: SAYS_REQUESTED}, **{place: {connect: said, csa: said}}))
    seen = await stage.verify(AWLI, CONNECT, CSA)
    assert seen[AWLI] == REQUESTED
    for key in (CONNECT, CSA):
        error = seen[key]
        assert isinstance(error, Refused)
        assert error.reason is Reason.REQUEST_REFUSED
        assert f"HTTP {status}" in (error.detail or "")


@pytest.mark.parametrize(
    "results",
    [
        pytest.param({}, id="absence is no answer"),
        pytest.param({FOREIGN: SAYS_ENABLED}, id="somebody else's is none of ours"),
        pytest.param({OWN: {}}, id="an entry that says nothing"),
    ],
)
async def test_all_that_is_answered_being_a_403_is_a_dead_credential(results: dict[str, Any]) -> None:
    stage, connect = Stage(), CONNECT.as_body_key()
    stage.look.respond(200, content=body_of(results=results, errors={connect: FORBIDDEN}))
    assert agrees((await stage.verify(AWLI, CONNECT))[CONNECT], Reason.WRONG_CREDENTIALS)


async def test_a_foreign_entry_takes_the_meaning_from_absence() -> None:
    """Was our key never requested, or is the foreign entry its misspelt answer? That cannot be told."""
    stage = Stage()
    stage.look.respond(200, content=body_of(results={OWN: SAYS_ENABLED, FOREIGN: SAYS_REQUESTED}))
    seen = await stage.verify(AWLI, CSA)
    assert seen[AWLI] == ENABLED
    assert agrees(seen[CSA], Reason.UNREADABLE_ANSWER)


async def test_a_401_inside_an_answer_renews_nothing() -> None:
    stage = Stage()
    stage.look.respond(200, content=body_of(errors={OWN: {"status": 401}}))
    assert agrees((await stage.verify())[AWLI], Reason.TOKEN_REJECTED)
    assert stage.sent() == (1, 1, 0)


@pytest.mark.parametrize(
    ("maps", "worked"),
    [
        ({"results": {OWN: SAYS_REQUESTED}}, True),
        ({"results": {}}, False),
        ({"errors": {OWN: FORBIDDEN}}, False),
        ({"results": {OWN: {"onboardingStatus": "Q"}}}, False),
    ],
    ids=["it shows something", "another application's look shows nothing", "forbidden", "a status that nobody knows"],
)
async def test_credentials_have_worked_once_something_was_shown_under_them(maps: dict[str, Any], worked: bool) -> None:
    """A token alone is given to any application that there is."""
    stage = Stage()
    stage.look.respond(content=body_of(**maps))
    await stage.verify()
    assert stage.tokens.worked(ACME, "another application's") is worked
    assert stage.tokens.worked(ACME, ACME.client_id), "another secret of its own"
