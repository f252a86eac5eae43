"""What verify and enable send: exactly the documented requests, and no more of them than needed."""

import json
from collections.abc import Callable

import httpx
import pytest

from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, Status
from greenlight.linkedin.errors import LinkedInError
from tests.linkedin.stage import ACME, AWLI, CONNECT, CSA, EXPORT, INTEGRATIONS, NAME, OWN, TOKEN, Stage, body_of, says

REQUESTED = Observation(Status.REQUESTED)
ENABLE_QUERY = [
    ("ids[0].integrationContext", "urn:li:organization:4gX03uw"),
    ("ids[0].integrationType", "APPLY_WITH_LINKEDIN"),
    ("ids[0].tenantType", "JOBS"),
    ("ids[0].dataProvider", "ATS"),
]


def many(count: int) -> list[IntegrationKey]:
    return [IntegrationKey(f"urn:li:organization:c{n:04}", "APPLY_WITH_LINKEDIN", "JOBS") for n in range(count)]


def asked_in(request: httpx.Request) -> list[str]:
    """The contexts and types that a request names, in its order."""
    values = dict(request.url.params.multi_items())
    count = len(values) // 4
    return [f"{values[f'ids[{n}].integrationContext']} {values[f'ids[{n}].integrationType']}" for n in range(count)]


def name_of(key: IntegrationKey) -> str:
    return f"{key.integration_context} {key.integration_type}"


def everything_is_requested(request: httpx.Request) -> httpx.Response:
    values = dict(request.url.params.multi_items())
    parts = ("integrationContext", "integrationType", "tenantType", "dataProvider")
    keys = ["&".join(f"{part}={values[f'ids[{n}].{part}']}" for part in parts) for n in range(len(values) // 4)]
    return httpx.Response(200, content=body_of(results={key: {"onboardingStatus": "REQUESTED"} for key in keys}))


async def test_verify_is_one_get_for_all_keys_as_the_seed_writes_it() -> None:
    stage = Stage()
    stage.look.mock(side_effect=everything_is_requested)
    keys = [AWLI, CONNECT, EXPORT, CSA]
    assert await stage.verify(*keys) == dict.fromkeys(keys, REQUESTED)
    assert stage.sent() == (1, 1, 0)
    request = stage.look.calls.last.request
    assert str(request.url.copy_with(query=None)) == INTEGRATIONS
    pairs = request.url.params.multi_items()
    assert pairs[:4] == ENABLE_QUERY
    assert pairs[12:] == [
        ("ids[3].integrationContext", "urn:li:contract:77"),
        ("ids[3].integrationType", "CSA_API"),
        ("ids[3].tenantType", "RECRUITER"),
        ("ids[3].dataProvider", "ATS"),
    ]
    assert len(pairs) == 16
    assert request.headers["authorization"] == f"Bearer {TOKEN}1"
    assert request.content == b""
    # With it, Rest.li would take the request for another method or another key syntax.
    assert [name for name in request.headers if name.startswith("x-restli")] == []
    assert "content-type" not in request.headers
    # No address may be encoded twice.
    assert b"%25" not in request.url.raw_path


async def test_enable_is_the_seeds_header_query_and_body() -> None:
    stage = Stage()
    stage.change.respond(200, content=body_of(results={OWN: {"status": 204}}))
    assert await stage.enable() is None
    assert stage.sent() == (1, 0, 1)
    request = stage.change.calls.last.request
    assert str(request.url.copy_with(query=None)) == INTEGRATIONS
    assert request.url.params.multi_items() == ENABLE_QUERY
    assert request.headers["x-restli-method"] == "batch_partial_update"
    assert "x-restli-protocol-version" not in request.headers
    assert request.headers["authorization"] == f"Bearer {TOKEN}1"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"entities": {OWN: {"patch": {"$set": {"integrationName": NAME}}}}}


async def test_a_customers_name_arrives_as_it_is() -> None:
    stage, name = Stage(), 'Café "Ö" & Söhne\\</script>\u2028\U0001f600'
    stage.change.respond(200, content=body_of(results={OWN: {"status": 204}}))
    await stage.enabler.enable(ACME, AWLI, name)
    entity = json.loads(stage.change.calls.last.request.content)["entities"][OWN]
    assert entity == {"patch": {"$set": {"integrationName": name}}}


async def test_no_keys_cost_nothing() -> None:
    stage = Stage()
    assert await stage.enabler.verify(ACME, []) == {}
    assert stage.sent() == (0, 0, 0)


async def test_a_key_asked_for_twice_is_sent_once() -> None:
    stage = Stage()
    stage.look.mock(side_effect=everything_is_requested)
    assert await stage.verify(AWLI, CSA, AWLI) == {AWLI: REQUESTED, CSA: REQUESTED}
    assert asked_in(stage.look.calls.last.request) == [name_of(AWLI), name_of(CSA)]


async def test_split_where_the_query_would_pass_4000_characters() -> None:
    """LinkedIn's own clients send no longer query than that; no key gets lost or is asked for twice."""
    stage, keys = Stage(), many(60)
    stage.look.mock(side_effect=everything_is_requested)
    assert await stage.verify(*keys) == dict.fromkeys(keys, REQUESTED)
    requests = [call.request for call in stage.look.calls]
    lengths = [len(request.url.query) for request in requests]
    assert max(lengths) <= 4000
    # As few as can be: each but the last is full.
    one = max(len(r.url.query) // len(asked_in(r)) for r in requests)
    assert all(length + one + 2 > 4000 for length in lengths[:-1])
    assert [name for request in requests for name in asked_in(request)] == [name_of(key) for key in keys]
    assert stage.sent() == (1, len(requests), 0)


async def test_a_part_that_fails_hides_no_other_part() -> None:
    stage, keys = Stage(), many(60)

    def fail_the_second(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503) if stage.look.call_count == 1 else everything_is_requested(request)

    stage.look.mock(side_effect=fail_the_second)
    seen = await stage.verify(*keys)
    assert seen.keys() == set(keys)
    failed = set(asked_in(stage.look.calls[1].request))
    for key, what in seen.items():
        if name_of(key) in failed:
            assert isinstance(what, LinkedInError)
            assert what.reason is Reason.LINKEDIN_UNAVAILABLE
        else:
            assert what == REQUESTED
    assert 0 < len(failed) < len(keys)


def refuse_with(bad: IntegrationKey, status: int, message: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if name_of(bad) in asked_in(request):
            return httpx.Response(status, json={"message": message, "status": status})
        return everything_is_requested(request)

    return answer


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        pytest.param(400, "Invalid integration context urn", Reason.INVALID_CONTEXT, id="a bad context"),
        pytest.param(400, "Integration key parts are incomplete", Reason.KEY_INCOMPLETE, id="a wrong part"),
        pytest.param(400, "Batch key parameter value is invalid", Reason.REQUEST_REFUSED, id="Rest.li's own words"),
    ],
)
async def test_one_bad_key_does_not_hide_its_neighbours(status: int, message: str, reason: Reason) -> None:
    stage, keys = Stage(), [AWLI, CONNECT, EXPORT, CSA]
    stage.look.mock(side_effect=refuse_with(EXPORT, status, message))
    seen = await stage.verify(*keys)
    assert seen.keys() == set(keys)
    bad = seen.pop(EXPORT)
    assert isinstance(bad, LinkedInError)
    assert bad.reason is reason
    assert seen == dict.fromkeys([AWLI, CONNECT, CSA], REQUESTED)
    assert stage.sent() == (1, 5, 0)


async def test_a_bad_key_that_is_alone_is_not_asked_for_again() -> None:
    stage = Stage()
    stage.look.mock(side_effect=refuse_with(AWLI, 400, "Invalid integration context urn"))
    await stage.verify(AWLI)
    assert stage.sent() == (1, 1, 0)


@pytest.mark.parametrize(
    ("status", "requests"),
    [
        pytest.param(403, (1, 1, 0), id="the application's fault: asking for each alone would be a storm of 403s"),
        pytest.param(401, (2, 2, 0), id="the token's fault: one renewal and no more"),
        pytest.param(429, (1, 1, 0), id="more requests are the last thing a limit needs"),
        pytest.param(500, (1, 1, 0), id="LinkedIn is down for all keys alike"),
        pytest.param(302, (1, 1, 0), id="somebody in between answers for all keys alike"),
    ],
)
async def test_what_is_no_keys_fault_is_not_asked_again_for_each(status: int, requests: tuple[int, int, int]) -> None:
    stage, keys = Stage(), [AWLI, CONNECT, EXPORT, CSA]
    stage.look.mock(return_value=says(status))
    seen = await stage.verify(*keys)
    assert seen.keys() == set(keys)
    assert len({id(what) for what in seen.values()}) == 1
    assert stage.sent() == requests


async def test_a_key_that_never_was_requested_is_in_none_of_the_maps() -> None:
    """LinkedIn's row for verify with HTTP 200: absent means never requested, for that key alone."""
    stage = Stage()
    stage.look.respond(200, content=body_of(results={OWN: {"onboardingStatus": "REQUESTED"}}))
    assert await stage.verify(AWLI, CSA) == {AWLI: REQUESTED, CSA: NOT_REQUESTED}
    stage.look.respond(200, content=body_of())
    assert await stage.verify(AWLI, CSA) == {AWLI: NOT_REQUESTED, CSA: NOT_REQUESTED}
