"""The control calls under /sandbox/."""

from typing import Any

import httpx
import pytest

from tests.sandbox.partner import AWLI, CSA, NOWHERE, SECRET, Theatre, by_key, on_stage

NAMED = {"client_id": "acme", "integrationContext": CSA[0], "integrationType": CSA[1], "tenantType": CSA[2]}


async def test_state_shows_every_application() -> None:
    partner = await on_stage()
    await partner.verify()
    await partner.enable()
    state = (await partner.http.get("/sandbox/state")).json()
    assert state == partner.sandbox.state()
    acme, zeta = state["applications"]
    assert (acme["client_id"], acme["customer"], acme["requests_today"]) == ("acme", "Acme", 2)
    assert acme["integrations"][0] == {
        "integrationContext": AWLI[0],
        "integrationType": AWLI[1],
        "tenantType": AWLI[2],
        "onboardingStatus": "ENABLED",
        "integrationName": "Ours",
        "enables": {"received": 1, "effective": 1},
    }
    assert (zeta["client_id"], zeta["customer"], zeta["requests_today"]) == ("zeta", None, 0)


async def test_the_log_has_a_line_for_each_request() -> None:
    partner = await on_stage()
    await partner.verify(AWLI, CSA)
    await partner.enable(CSA, headers={"x-restli-method": ""})
    lines = (await partner.http.get("/sandbox/log")).json()
    assert [(line["method"], line["operation"], line["status"], len(line["keys"])) for line in lines] == [
        ("POST", "token", 200, 0),
        ("GET", "verify", 200, 2),
        ("POST", "enable", 400, 0),
    ]
    assert {line["client_id"] for line in lines} == {"acme"}
    assert lines[0]["time"] == "2027-01-15T12:00:00Z"
    assert (await partner.http.get("/sandbox/violations")).json()[0]["rule"] == "header"


async def test_a_request_and_a_switch_by_the_customer() -> None:
    partner = await on_stage()
    fresh = NAMED | {"integrationContext": NOWHERE[0], "integrationType": NOWHERE[1], "tenantType": NOWHERE[2]}
    assert (await partner.http.post("/sandbox/request", json=fresh)).status_code == 200
    assert partner.status(NOWHERE) == "REQUESTED"
    early = await partner.http.post("/sandbox/customer-switches-on", json=NAMED)
    assert (early.status_code, "only PARTNER_READY" in early.json()["error"]) == (409, True)
    await partner.enable(CSA)
    assert (await partner.http.post("/sandbox/customer-switches-on", json=NAMED)).status_code == 200
    assert partner.status(CSA) == "ENABLED"


async def test_faults_are_replaced() -> None:
    partner = await on_stage()
    for status in (500, 503):
        faults = [{"on": "verify", "fault": "status", "status": status, "times": None}]
        answer = await partner.http.post("/sandbox/faults", json={"client_id": "acme", "faults": faults})
        assert answer.json() == {"client_id": "acme", "faults": 1}
        assert (await partner.verify()).status_code == status
    await partner.http.post("/sandbox/faults", json={"client_id": "acme", "faults": []})
    assert (await partner.verify()).status_code == 200


async def test_the_clock_moves_tokens_and_days() -> None:
    partner = await on_stage(requests_per_day=1)
    assert [(await partner.verify()).status_code for _ in range(2)] == [200, 429]
    answer = await partner.http.post("/sandbox/clock", json={"seconds": 1800})
    assert answer.json() == {"now": "2027-01-15T12:30:00Z"}
    assert (await partner.verify()).json()["serviceErrorCode"] == 65602
    await partner.http.post("/sandbox/clock", json={"seconds": 86400})
    await partner.log_in()
    assert (await partner.verify()).status_code == 200


async def test_a_new_world_is_a_new_start() -> None:
    partner = await on_stage()
    await partner.enable()
    world = {
        "applications": [
            {
                "client_id": "acme",
                "client_secret": SECRET,
                "integrations": [
                    {
                        "integrationContext": AWLI[0],
                        "integrationType": AWLI[1],
                        "tenantType": AWLI[2],
                        "onboardingStatus": "Requested",
                    }
                ],
            }
        ]
    }
    assert partner.rules
    assert (await partner.http.post("/sandbox/world", json=world)).status_code == 200
    assert (partner.sandbox.log, partner.rules) == ([], [])
    assert (await partner.verify()).status_code == 401
    await partner.log_in()
    shown = by_key((await partner.verify(AWLI, CSA)).json()["results"])
    assert shown == {AWLI: {"onboardingStatus": "Requested"}}


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("world", {"applications": [], "colour": "red"}, 400, "the world: there is no field 'colour'"),
        ("request", NAMED | {"client_id": "nobody"}, 409, "there is no application 'nobody'"),
        ("request", NAMED | {"onboardingStatus": "ENABLED"}, 400, "there is no field 'onboardingStatus'"),
        ("request", NAMED | {"integrationContext": "acme"}, 400, "integrationContext: must look like urn:li:org"),
        ("customer-switches-on", {}, 400, "Field required"),
        ("faults", {"client_id": "nobody", "faults": []}, 409, "there is no application 'nobody'"),
        ("faults", {"client_id": "acme", "faults": [{"on": "verify", "fault": "x"}]}, 400, "faults[0]: 'x' is not"),
        ("clock", {"seconds": -1}, 400, "seconds: Input should be greater"),
        ("nothing", {}, 404, "Not Found"),
    ],
)
async def test_a_bad_control_call_gets_one_sentence(path: str, body: Any, status: int, words: str) -> None:
    answer = await Theatre().http.post(f"/sandbox/{path}", json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


async def test_control_calls_answer_loopback_only() -> None:
    theatre = Theatre()
    far = httpx.ASGITransport(theatre.app, client=("192.0.2.7", 1234))
    async with httpx.AsyncClient(transport=far, base_url="http://linkedin.test") as http:
        for path in ("state", "log", "violations"):
            assert (await http.get(f"/sandbox/{path}")).status_code == 403
        assert (await http.post("/sandbox/clock", json={"seconds": 1})).status_code == 403
        assert (await http.post("/oauth/v2/accessToken")).status_code == 400
