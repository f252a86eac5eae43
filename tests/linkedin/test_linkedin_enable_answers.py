"""HTTP 200 is not success: when an enable counts as confirmed, refused or unclear."""

from typing import Any

import pytest

from greenlight.domain.reasons import Reason
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear
from tests.linkedin.stage import FOREIGN, OWN, OWN_CANONICAL, OWN_ENCODED, body_of, enabled_by

DONE = {"status": 204}
GONE = {"status": 404, "message": "No record found to partial update"}
DOWN = {"status": 500, "message": "Internal Server Error"}
ALREADY = {"status": 400, "message": "modifying onboarding status for already enabled integration is not allowed"}
LOST = (Unclear, Reason.UNREADABLE_ANSWER)
NEVER = (Refused, Reason.NOT_REQUESTED)

Verdict = tuple[type[LinkedInError], Reason] | None

CASES: list[tuple[dict[str, Any], Verdict, str]] = [
    # success
    ({"results": {OWN: DONE}}, None, "the documented success"),
    ({"results": {OWN_ENCODED: DONE}}, None, "spelled as in LinkedIn's sample"),
    ({"results": {OWN_CANONICAL: DONE}}, None, "spelled as Rest.li does"),
    ({"results": {OWN: {"status": 200}}}, None, "any 2xx of the key is a success"),
    ({"results": {OWN: {"status": 299}}}, None, "the last 2xx"),
    ({"results": {OWN: {"status": 202}}}, LOST, "accepted is not done"),
    ({"results": {OWN: DONE | {"more": "fields"}}}, None, "new fields come without notice"),
    ({"results": {OWN: DONE, OWN_ENCODED: {"status": 200}}}, None, "twice, and both succeed"),
    ({"results": {OWN: DONE, FOREIGN: GONE}}, None, "somebody else's failure is not ours"),
    ({"results": {OWN: DONE}, "errors": {FOREIGN: DOWN}}, None, "nor in the other map"),
    # refused
    ({"results": {OWN: {"status": 404}}}, NEVER, "a status that is not 2xx may stand in results"),
    ({"errors": {OWN: GONE}}, NEVER, "or in errors"),
    ({"errors": {OWN: {"status": 404}}}, NEVER, "without words"),
    ({"errors": {OWN: {"status": 404, "message": {"a": [1]}}}}, NEVER, "with words of another type"),
    ({"results": {OWN: {"status": 404}}, "errors": {OWN: GONE}}, NEVER, "both maps agree"),
    ({"results": {OWN: {"status": 404}, FOREIGN: DONE}}, NEVER, "somebody else's success is not ours"),
    ({"errors": {OWN: ALREADY}}, (Refused, Reason.ALREADY_ENABLED), "the rule, told of the one key"),
    ({"errors": {OWN: {"status": 403}}}, (Refused, Reason.WRONG_CREDENTIALS), "not this application's"),
    ({"errors": {OWN: {"status": 401}}}, (Refused, Reason.TOKEN_REJECTED), "no renewal for a key's own 401"),
    ({"errors": {OWN: {"status": 429}}}, (Refused, Reason.THROTTLED), "a limit of the one key"),
    ({"errors": {OWN: {"status": 422}}}, (Refused, Reason.REQUEST_REFUSED), "any other refusal"),
    # unclear
    ({"errors": {OWN: DOWN}}, (Unclear, Reason.LINKEDIN_UNAVAILABLE), "LinkedIn failed half-way"),
    ({"results": {OWN: {"status": 500}}}, (Unclear, Reason.LINKEDIN_UNAVAILABLE), "the same in results"),
    ({"results": {OWN: {"status": 199}}}, LOST, "just below success"),
    ({"results": {OWN: {"status": 300}}}, LOST, "just above success"),
    ({"results": {OWN: {"status": 0}}}, LOST, "zero"),
    ({"results": {OWN: {"status": -204}}}, LOST, "negative"),
    ({"results": {OWN: {"status": 10**30}}}, (Unclear, Reason.LINKEDIN_UNAVAILABLE), "huge"),
    ({"results": {OWN: {"status": "204"}}}, LOST, "a status in text"),
    ({"results": {OWN: {"status": 204.0}}}, LOST, "a status with a fraction"),
    ({"results": {OWN: {"status": True}}}, LOST, "a bool is not a number here"),
    ({"results": {OWN: {"status": None}}}, LOST, "null for a status"),
    ({"results": {OWN: {"status": [204]}}}, LOST, "an array for a status"),
    ({"results": {OWN: {}}}, LOST, "no status"),
    ({"results": {OWN: {"onboardingStatus": "ENABLED"}}}, LOST, "verify's answer is not enable's"),
    ({"results": {OWN: None}}, LOST, "null for the entry"),
    ({"results": {OWN: 204}}, LOST, "a number for the entry"),
    ({"results": {OWN: "204"}}, LOST, "a text for the entry"),
    ({"results": {OWN: [204]}}, LOST, "an array for the entry"),
    ({"errors": {OWN: DONE}}, LOST, "an error that is a success"),
    ({"errors": {OWN: None}}, LOST, "an error that is null"),
    # contradictions
    ({"results": {OWN: DONE}, "errors": {OWN: GONE}}, LOST, "done, and no record"),
    ({"results": {OWN: DONE}, "errors": {OWN: DOWN}}, LOST, "done, and failed"),
    ({"results": {OWN: DONE}, "errors": {OWN: DONE}}, LOST, "done, but among the errors"),
    ({"results": {OWN: DONE}, "errors": {OWN_ENCODED: GONE}}, LOST, "the same under two spellings"),
    ({"results": {OWN: DONE, OWN_ENCODED: {"status": 404}}}, LOST, "twice, and one fails"),
    ({"results": {OWN_ENCODED: {"status": 404}, OWN: DONE}}, LOST, "in the other order"),
    ({"results": {OWN: DONE, OWN_ENCODED: {}}}, LOST, "twice, and one says nothing"),
    ({"results": {OWN: {"status": 404}}, "errors": {OWN: DOWN}}, (Unclear, Reason.LINKEDIN_UNAVAILABLE),
     "no record, and failed half-way: the doubt counts"),
    # statuses beside results, as Rest.li has them for verify
    ({"results": {OWN: DONE}, "statuses": {OWN: 204}}, None, "a status that agrees"),
    ({"results": {OWN: DONE}, "statuses": {OWN_ENCODED: 200}}, None, "under another spelling"),
    ({"results": {OWN: DONE}, "statuses": {FOREIGN: 500}}, None, "somebody else's status"),
    ({"results": {OWN: DONE}, "statuses": {OWN: 500}}, LOST, "done, and failed"),
    ({"results": {OWN: DONE}, "statuses": {OWN: 404}}, LOST, "done, and no record"),
    ({"results": {OWN: DONE}, "statuses": {OWN: 202}}, LOST, "done, and only accepted"),
    ({"results": {OWN: DONE}, "statuses": {OWN: "204"}}, LOST, "a status in text"),
    ({"errors": {OWN: GONE}, "statuses": {OWN: 404}}, NEVER, "both say that there is no record"),
    ({"errors": {OWN: GONE}, "statuses": {OWN: 204}}, LOST, "no record, and done"),
    ({"errors": {OWN: GONE}, "statuses": {OWN: 500}}, (Unclear, Reason.LINKEDIN_UNAVAILABLE), "no record, and failed"),
    # nothing about the key
    ({}, LOST, "in neither map"),
    ({"results": {FOREIGN: DONE}}, LOST, "somebody else's success only"),
    ({"errors": {FOREIGN: GONE}}, LOST, "somebody else's failure only"),
    ({"statuses": {OWN: 204}}, LOST, "a status without an entry"),
    ({"results": {OWN.replace("ATS", "urn:li:developerApplication:1"): DONE}}, LOST, "another data provider"),
    ({"results": {OWN.replace("JOBS", "RECRUITER"): DONE}}, LOST, "another tenant type"),
    ({"results": {OWN.replace(":4gX", ":4gx"): DONE}}, LOST, "ids are case-sensitive"),
    ({"results": {OWN_ENCODED.replace("%3A", "%253A"): DONE}}, LOST, "a key that is encoded twice"),
    ({"results": {f"ids[0].{OWN}": DONE}}, LOST, "the query's form of a key"),
    ({"results": {"*": DONE}}, LOST, "everybody"),
    # maps that are none
    ({"results": None}, LOST, "null for results"),
    ({"results": [DONE]}, LOST, "an array for results"),
    ({"results": {OWN: DONE}, "errors": None}, None, "null for errors is none of them"),
    ({"results": {OWN: DONE}, "errors": None, "statuses": None}, None, "nor of statuses"),
    ({"results": {OWN: DONE}, "statuses": [204]}, LOST, "an array for statuses"),
    ({"results": {OWN: DONE}, "errors": [GONE]}, LOST, "an array for errors"),
    ({"results": {OWN: DONE}, "errors": "none"}, LOST, "a text for errors"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("maps", "expected"), [pytest.param(*case, id=f"{n}: {why}") for n, (*case, why) in enumerate(CASES)]
)
async def test_answer(maps: dict[str, Any], expected: Verdict) -> None:
    error = await enabled_by(body_of(**maps))
    assert (None if error is None else (type(error), error.reason)) == expected


@pytest.mark.parametrize(
    ("left_out", "confirmed"),
    [
        pytest.param(("errors", "statuses"), True, id="an empty map need not be written"),
        pytest.param(("results",), False, id="without results it is not a batch answer"),
    ],
)
async def test_a_map_that_is_not_there(left_out: tuple[str, ...], confirmed: bool) -> None:
    error = await enabled_by(body_of(results={OWN: DONE}, hide=left_out))
    assert (error is None) is confirmed


async def test_the_words_of_a_keys_refusal_are_kept() -> None:
    error = await enabled_by(body_of(errors={OWN: GONE}))
    assert error is not None
    assert error.detail == "HTTP 200, status 404 No record found to partial update"
    error = await enabled_by(body_of(errors={OWN: ALREADY | {"serviceErrorCode": 77}}))
    assert error is not None
    assert error.detail == f"HTTP 400 (77) {ALREADY['message']}"
