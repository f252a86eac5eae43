"""Every fault by name: what the caller sees, and whether the request was carried out."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.answers import ConnectionCut
from sandbox.faults import FAULTS, Fault
from tests.sandbox.partner import AWLI, CSA, EXPORT, Partner, Theatre, by_key, on_stage, small_world

Seen = Callable[[httpx.Response], object]


def message(answer: httpx.Response) -> tuple[int, Any, str]:
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body.get("serviceErrorCode"), body["message"][:40]


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def page(answer: httpx.Response) -> tuple[int, str, bytes]:
    return answer.status_code, answer.headers["content-type"].partition(";")[0], answer.content[:9]


def place(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["location"]


def coded(answer: httpx.Response) -> tuple[str | None, bytes]:
    return answer.headers.get("content-encoding"), answer.content[:3]


def length(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, len(answer.content)


def maps(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    return {name: by_key(value) for name, value in answer.json().items()}


def results(answer: httpx.Response) -> dict[Any, Any]:
    shown = maps(answer)
    assert not shown["errors"]
    return shown["results"]


def both(answer: httpx.Response) -> list[str]:
    results = answer.json()["results"]
    assert len(results) == 2
    assert by_key(results).keys() == {AWLI}
    return sorted(str(entry.get("onboardingStatus", entry.get("status"))) for entry in results.values())


def verified(status: str) -> dict[str, Any]:
    return {"errors": {}, "results": {AWLI: {"onboardingStatus": status}}, "statuses": {}}


def failed(status: int, text: str) -> dict[str, Any]:
    return {"errors": {AWLI: {"status": status, "message": text}}, "results": {}}


NO_CONTENT = {"status": 204}
REQUESTED = {"onboardingStatus": "REQUESTED"}
DONE = {"errors": {}, "results": {AWLI: NO_CONTENT}}
NO_RECORD = "No record found to partial update"
FOREIGN = ("urn:li:organization:f0re1gn", *AWLI[1:])
SHOWN = {"onboardingStatus": "ENABLED", "integrationName": "Somebody else"}
ALREADY = "One or more of your update keys are viol"
LOCATION = "http://127.0.0.1:9/login"

# Per fault and operation: parameters, how to look at the answer, what is seen, and whether it was carried out.
CASES: list[tuple[str, str, dict[str, Any], Seen | None, Any, bool]] = [
    ("verify", "status", {"status": 503}, message, (503, None, "Service Unavailable"), False),
    ("verify", "status", {"status": 403}, message, (403, 100, "Not enough permissions to access: GET /a"), False),
    ("enable", "status", {"status": 500, "applied": True}, message, (500, None, "Internal Server Error"), True),
    ("enable", "status", {"status": 502, "message": "m", "service_error_code": 9}, message, (502, 9, "m"), False),
    ("enable", "status", {"status": 426}, message, (426, None, "Upgrade Required"), False),
    ("enable", "status", {"status": 204}, length, (204, 0), False),
    ("token", "status", {"status": 503}, error, (503, "server_error"), False),
    ("verify", "html", {}, page, (200, "text/html", b"<!DOCTYPE"), False),
    ("enable", "html", {"status": 502}, page, (502, "text/html", b"<!DOCTYPE"), False),
    ("token", "html", {}, page, (200, "text/html", b"<!DOCTYPE"), False),
    ("verify", "garbage", {}, page, (200, "application/json", b'\x00\xff{"error'), False),
    ("enable", "garbage", {"applied": True}, page, (200, "application/json", b'\x00\xff{"error'), True),
    ("token", "garbage", {}, page, (200, "application/json", b'\x00\xff{"error'), False),
    ("verify", "empty", {}, length, (200, 0), False),
    ("enable", "empty", {}, length, (200, 0), True),
    ("enable", "empty", {"applied": False}, length, (200, 0), False),
    ("token", "empty", {}, length, (200, 0), False),
    ("verify", "redirect", {"location": LOCATION}, place, (302, LOCATION), False),
    ("enable", "redirect", {"location": LOCATION, "status": 307}, place, (307, LOCATION), False),
    ("token", "redirect", {"location": LOCATION}, place, (302, LOCATION), False),
    ("verify", "huge", {"bytes": 200_000}, length, (200, 200_025), False),
    ("enable", "huge", {"bytes": 200_000}, length, (200, 200_025), True),
    ("token", "huge", {"bytes": 200_000}, length, (200, 200_025), False),
    ("verify", "throttle", {}, message, (429, 101, "Resource level throttle limit for calls "), False),
    ("enable", "throttle", {}, message, (429, 101, "Resource level throttle limit for calls "), False),
    ("token", "throttle", {}, error, (429, "temporarily_unavailable"), False),
    ("verify", "hang", {"seconds": 0}, maps, verified("REQUESTED"), False),
    ("enable", "hang", {"seconds": 0}, maps, DONE, True),
    ("enable", "stall", {"seconds": 0}, maps, DONE, True),
    ("verify", "stall", {"seconds": 0}, maps, verified("REQUESTED"), False),
    ("token", "hang", {"seconds": 0}, lambda answer: answer.json()["expires_in"], 1800, False),
    ("token", "stall", {"seconds": 0}, lambda answer: answer.json()["expires_in"], 1800, False),
    ("verify", "lost", {}, None, ConnectionCut, False),
    ("enable", "lost", {}, None, ConnectionCut, True),
    ("token", "lost", {}, None, ConnectionCut, False),
    ("verify", "dropped", {}, None, ConnectionCut, False),
    ("enable", "dropped", {"reset": True}, None, ConnectionCut, False),
    ("token", "dropped", {}, None, ConnectionCut, False),
    ("verify", "truncated", {}, None, ConnectionCut, False),
    ("enable", "truncated", {}, None, ConnectionCut, True),
    ("enable", "truncated", {"applied": False}, None, ConnectionCut, False),
    ("token", "truncated", {}, None, ConnectionCut, False),
    ("verify", "foreign", {}, maps, {"errors": {}, "results": {FOREIGN: SHOWN}, "statuses": {}}, False),
    ("enable", "foreign", {}, maps, {"errors": {}, "results": {FOREIGN: NO_CONTENT}}, False),
    ("enable", "foreign", {"applied": True}, maps, {"errors": {}, "results": {FOREIGN: NO_CONTENT}}, True),
    ("verify", "foreign_extra", {}, results, {AWLI: REQUESTED, FOREIGN: SHOWN}, False),
    ("enable", "foreign_extra", {}, results, {AWLI: NO_CONTENT, FOREIGN: NO_CONTENT}, True),
    ("verify", "missing_key", {}, maps, {"errors": {}, "results": {}, "statuses": {}}, False),
    ("enable", "missing_key", {}, maps, {"errors": {}, "results": {}}, True),
    ("verify", "conflicting", {}, both, ["ENABLED", "REQUESTED"], False),
    ("enable", "conflicting", {}, both, ["204", "404"], True),
    ("verify", "status_in_errors", {"status": 500}, lambda answer: maps(answer)["statuses"], {AWLI: 500}, False),
    ("enable", "status_in_errors", {"status": 422, "message": "no"}, maps, failed(422, "no"), False),
    ("verify", "lowercase_status", {}, maps, verified("requested"), False),
    ("verify", "prose_status", {}, maps, verified("Requested"), False),
    ("verify", "unknown_status", {}, maps, verified("SUSPENDED"), False),
    ("verify", "lag", {"seconds": 25}, maps, verified("REQUESTED"), False),
    ("verify", "varied", {"how": ["bom", "gzip"]}, coded, ("gzip", b"\xef\xbb\xbf"), False),
    ("enable", "varied", {"how": ["bom", "deflate"]}, coded, ("deflate", b"\xef\xbb\xbf"), True),
    ("token", "varied", {"how": ["bom"]}, coded, (None, b"\xef\xbb\xbf"), False),
    ("verify", "expired", {}, message, (401, 65602, "The token used in the request has expire"), False),
    ("enable", "expired", {}, message, (401, 65602, "The token used in the request has expire"), False),
    ("verify", "bad_token", {}, message, (401, 65600, "Invalid access token"), False),
    ("enable", "bad_token", {}, message, (401, 65600, "Invalid access token"), False),
    ("verify", "revoked", {}, message, (401, 65601, "The token used in the request has been r"), False),
    ("enable", "revoked", {}, message, (401, 65601, "The token used in the request has been r"), False),
    ("verify", "forbidden", {}, message, (403, 100, "Not enough permissions to access: GET /a"), False),
    ("enable", "forbidden", {}, message, (403, 100, "Not enough permissions to access: POST /"), False),
    ("verify", "incomplete", {}, message, (400, None, "Integration key parts are incomplete"), False),
    ("enable", "incomplete", {}, message, (400, None, "Integration key parts are incomplete"), False),
    ("verify", "invalid_context", {}, message, (400, None, "Invalid integration context urn"), False),
    ("enable", "invalid_context", {}, message, (400, None, "Invalid integration context urn"), False),
    ("enable", "already_enabled", {}, message, (400, None, ALREADY), False),
    ("enable", "mismatch", {}, lambda answer: message(answer)[2][:34], "Batch request mismatch. Entity key", False),
    ("enable", "no_record", {"place": "results"}, maps, {"errors": {}, "results": {AWLI: {"status": 404}}}, False),
    ("enable", "no_record", {"place": "errors"}, maps, failed(404, NO_RECORD), False),
    ("enable", "ignored", {}, maps, DONE, False),
    ("token", "invalid_client", {}, error, (401, "invalid_client"), False),
    ("token", "no_token", {}, lambda answer: answer.json(), {"expires_in": 1800}, False),
    ("token", "no_expiry", {}, lambda answer: list(answer.json()), ["access_token"], False),
    ("token", "bad_expiry", {"expires_in": 0}, lambda answer: answer.json()["expires_in"], 0, False),
    ("token", "bad_expiry", {"expires_in": -5}, lambda answer: answer.json()["expires_in"], -5, False),
    ("token", "bad_expiry", {"expires_in": "1800"}, lambda answer: answer.json()["expires_in"], "1800", False),
]  # fmt: skip


async def send(partner: Partner, operation: str) -> httpx.Response:
    return await {"token": partner.ask_token, "verify": partner.verify, "enable": partner.enable}[operation]()


@pytest.mark.parametrize(("operation", "name", "parameters", "look", "expected", "applied"), CASES)
async def test_fault(
    operation: str, name: str, parameters: dict[str, Any], look: Seen | None, expected: Any, applied: bool
) -> None:
    """Seen once, written in the log, and gone with the next request of the same kind."""
    partner = await on_stage()
    partner.sandbox.set_faults("acme", [Fault.model_validate({"on": operation, "fault": name, **parameters})])
    if look is None:
        with pytest.raises(expected):
            await send(partner, operation)
    else:
        answer = await send(partner, operation)
        assert look(answer) == expected
        assert partner.sandbox.log[-1].status == answer.status_code
    assert partner.sandbox.log[-1].fault == name
    assert partner.status() == ("ENABLED" if applied else "REQUESTED")
    assert partner.enables()[1] == int(applied)
    await partner.log_in()
    assert by_key((await partner.verify()).json()["results"])[AWLI]["onboardingStatus"] == partner.status()
    assert partner.sandbox.log[-1].fault is None


def test_every_fault_is_tried_on_every_operation_it_can_meet() -> None:
    possible = {(operation, name) for name, (operations, _) in FAULTS.items() for operation in operations}
    assert {case[:2] for case in CASES} == possible


async def test_a_prose_status_is_the_seeds_own_prose() -> None:
    """LinkedIn's page writes "Partner Ready" where its samples write PARTNER_READY."""
    partner = await on_stage(Fault(on="verify", fault="prose_status"))
    await partner.enable(EXPORT)
    assert by_key((await partner.verify(EXPORT)).json()["results"])[EXPORT]["onboardingStatus"] == "Partner Ready"


async def test_a_conflict_also_contradicts_an_enabled_status() -> None:
    partner = await on_stage()
    await partner.enable()
    partner.sandbox.set_faults("acme", [Fault(on="verify", fault="conflicting")])
    assert both(await partner.verify()) == ["ENABLED", "REQUESTED"]


@pytest.mark.parametrize("name", ["expired", "bad_token", "revoked"])
async def test_a_token_that_was_called_dead_stays_dead(name: str) -> None:
    partner = await on_stage(Fault(on="verify", fault=name))
    first = (await partner.verify()).json()
    assert (await partner.verify()).json() == first
    await partner.log_in()
    assert (await partner.verify()).status_code == 200


@pytest.mark.parametrize("name", ["expired", "bad_token", "revoked", "forbidden", "throttle"])
async def test_an_enable_stopped_at_the_door_does_not_count_as_received(name: str) -> None:
    partner = await on_stage(Fault(on="enable", fault=name), Fault(on="enable", fault="already_enabled", after=1))
    await partner.enable()
    assert (partner.enables(), partner.rules) == ((0, 0), [])
    await partner.log_in()
    await partner.enable()
    assert partner.enables() == (1, 0)


async def test_retry_after_is_sent_where_it_is_asked_for() -> None:
    faults = [
        Fault(on="verify", fault="throttle", retry_after=3),
        Fault(on="verify", fault="throttle"),
        Fault(on="verify", fault="status", status=503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"),
        Fault(on="verify", fault="status", status=503),
    ]
    partner = await on_stage(*faults, retry_after=9)
    seen = [(await partner.verify()).headers.get("retry-after") for _ in faults]
    assert seen == ["3", "9", "Wed, 21 Oct 2026 07:28:00 GMT", None]


async def statuses(partner: Partner, calls: int) -> list[int]:
    return [(await partner.verify()).status_code for _ in range(calls)]


async def test_times_and_after() -> None:
    once_later = await on_stage(Fault(on="verify", fault="status", status=500, after=1, times=2))
    assert await statuses(once_later, 5) == [200, 500, 500, 200, 200]
    for_ever = await on_stage(Fault(on="verify", fault="status", status=500, times=None, after=1))
    assert await statuses(for_ever, 6) == [200, 500, 500, 500, 500, 500]


async def test_faults_follow_one_another_in_the_order_they_are_written() -> None:
    two = Fault(on="verify", fault="status", status=500), Fault(on="verify", fault="status", status=502)
    assert await statuses(await on_stage(*two), 3) == [500, 502, 200]


async def test_a_call_that_another_fault_answered_counts_for_after() -> None:
    first = Fault(on="verify", fault="status", status=500)
    second = Fault(on="verify", fault="status", status=502, after=2)
    assert await statuses(await on_stage(first, second), 4) == [500, 200, 502, 200]


async def test_a_fault_can_be_limited_to_a_type_an_operation_and_an_application() -> None:
    fault = Fault(on="verify", fault="status", status=500, type="CSA_API", times=None)
    theatre = Theatre(small_world(fault))
    acme, zeta = await theatre.partner(), await theatre.partner("zeta")
    seen = [await acme.verify(AWLI), await acme.verify(AWLI, CSA), await acme.enable(CSA), await zeta.verify(CSA)]
    assert [answer.status_code for answer in seen] == [200, 500, 200, 200]


async def test_a_malformed_request_spends_no_fault() -> None:
    """LinkedIn's own 400 comes first, and the scripted fault waits for the next good request."""
    partner = await on_stage(Fault(on="enable", fault="status", status=500))
    assert (await partner.enable(headers={"x-restli-method": ""})).status_code == 400
    assert (await partner.enable()).status_code == 500


async def test_a_fault_leaves_the_refusals_of_the_state_alone() -> None:
    """Faults that only alter a batch answer have nothing to alter where LinkedIn refuses the whole request."""
    partner = await on_stage()
    await partner.enable()
    partner.sandbox.set_faults("acme", [Fault(on="enable", fault="missing_key")])
    assert (await partner.enable()).status_code == 400
