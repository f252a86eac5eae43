"""Every row of LinkedIn's two error tables, and the 400s of the Rest.li framework around them."""

import json
from typing import Any

import httpx
import pytest

from tests.sandbox.partner import (
    AWLI,
    CSA,
    EXPORT,
    NOWHERE,
    OTHERS,
    Partner,
    Theatre,
    body_key,
    by_key,
    entities,
    on_stage,
    query,
)

ALREADY = "already enabled integration is not allowed"


def refused(answer: httpx.Response, status: int, text: str, code: int | None = None) -> None:
    body = answer.json()
    assert (answer.status_code, body["status"], body.get("serviceErrorCode")) == (status, status, code)
    assert text in body["message"]
    assert answer.headers["X-LinkedIn-Error-Response"] == "true"


async def test_verify_says_what_is() -> None:
    answer = await (await on_stage()).verify(AWLI, CSA)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert by_key(body.pop("results")) == {
        AWLI: {"onboardingStatus": "REQUESTED"},
        CSA: {"onboardingStatus": "REQUESTED"},
    }
    assert body == {"errors": {}, "statuses": {}}


async def test_enable_answers_204_for_the_key_and_keeps_the_name() -> None:
    partner = await on_stage()
    answer = await partner.enable(AWLI, json=entities([AWLI], "Acme's jobs"))
    assert answer.status_code == 200
    assert answer.json().keys() == {"errors", "results"}
    assert by_key(answer.json()["results"]) == {AWLI: {"status": 204}}
    verified = await partner.verify(AWLI)
    assert by_key(verified.json()["results"]) == {
        AWLI: {"onboardingStatus": "ENABLED", "integrationName": "Acme's jobs"}
    }


async def test_verify_row_nothing_requested() -> None:
    answer = await (await on_stage()).verify(NOWHERE)
    assert (answer.status_code, answer.json()) == (200, {"errors": {}, "results": {}, "statuses": {}})


async def test_verify_of_another_applications_integration_is_absent() -> None:
    answer = await (await on_stage()).verify(OTHERS, AWLI)
    assert by_key(answer.json()["results"]).keys() == {AWLI}


async def test_enable_row_already_enabled_refuses_the_whole_request() -> None:
    partner = await on_stage()
    await partner.enable(AWLI)
    refused(await partner.enable(EXPORT, AWLI), 400, ALREADY)
    assert partner.status(EXPORT) == "REQUESTED"


async def test_enable_row_wrong_application_is_403_and_changes_nothing() -> None:
    partner = await on_stage()
    refused(await partner.enable(OTHERS, AWLI), 403, "Not enough permissions to access: POST /atsIntegrations", 100)
    assert partner.status(AWLI) == "REQUESTED"
    assert partner.sandbox.state()["applications"][1]["integrations"][0]["onboardingStatus"] == "REQUESTED"


async def test_enable_row_no_record_stands_in_either_map() -> None:
    places = set()
    for seed in range(12):
        body = (await (await on_stage(seed=seed)).enable(NOWHERE)).json()
        place = "errors" if body["errors"] else "results"
        places.add(place)
        entry = by_key(body[place])[NOWHERE]
        assert entry["status"] == 404
        assert entry.get("message") == ("No record found to partial update" if place == "errors" else None)
        assert not body["results" if place == "errors" else "errors"]
    assert places == {"errors", "results"}


async def test_enable_of_several_keys_has_an_entry_for_each() -> None:
    partner = await on_stage()
    body = (await partner.enable(AWLI, NOWHERE, EXPORT)).json()
    entries = by_key(body["results"]) | by_key(body["errors"])
    assert {key: entry["status"] for key, entry in entries.items()} == {AWLI: 204, NOWHERE: 404, EXPORT: 204}
    assert partner.sandbox.log[-1].notes == ["3 keys in one enable request"]
    assert (partner.status(AWLI), partner.status(EXPORT)) == ("ENABLED", "PARTNER_READY")


@pytest.mark.parametrize("call", ["verify", "enable"])
@pytest.mark.parametrize("part", range(4))
async def test_row_key_parts_incomplete(call: str, part: int) -> None:
    """A missing part, an empty one and (step 4) a wrong value of anything but the URN are one row."""
    partner = await on_stage()
    params = query([AWLI])
    send = getattr(partner, call)
    refused(await send(params=[*params[:part], *params[part + 1 :]]), 400, "Integration key parts are incomplete")
    name = params[part][0]
    refused(await send(params=[*params[:part], (name, ""), *params[part + 1 :]]), 400, "parts are incomplete")
    wrong = await send(params=[*params[:part], (name, "NONSENSE"), *params[part + 1 :]])
    refused(wrong, 400, "Invalid integration context urn" if part == 0 else "parts are incomplete")
    assert partner.status() == "REQUESTED"


async def test_enable_row_key_parts_incomplete_in_the_body() -> None:
    partner = await on_stage()
    text = body_key(AWLI).replace("&dataProvider=ATS", "")
    body = {"entities": {text: {"patch": {"$set": {"integrationName": "x"}}}}}
    refused(await partner.enable(json=body), 400, "Integration key parts are incomplete")


@pytest.mark.parametrize(
    "urn", ["urn:li:company:4gX03uw", "4gX03uw", "urn:li:organization:", "urn%3Ali%3Aorganization%3A4gX03uw"]
)
async def test_verify_row_invalid_context(urn: str) -> None:
    key = (urn, *AWLI[1:])
    refused(await (await on_stage()).verify(key), 400, "Invalid integration context urn")


async def test_rows_401() -> None:
    theatre = Theatre()
    partner = await theatre.partner()
    good = partner.token
    for call in (partner.verify, partner.enable):
        partner.token = good[:-1] + "x"
        refused(await call(), 401, "Invalid access token", 65600)
        refused(await call(headers={"Authorization": ""}), 401, "Empty oauth2_access_token", 401)
        refused(await call(headers={"Authorization": f"Basic {good}"}), 401, "Empty oauth2_access_token", 401)
        partner.token = good
    theatre.clock.now += 1799
    assert (await partner.verify()).status_code == 200
    theatre.clock.now += 1
    for call in (partner.verify, partner.enable):
        refused(await call(), 401, "The token used in the request has expired", 65602)
    assert partner.status() == "REQUESTED"


async def test_enable_row_mismatch_has_the_texts_of_the_seed_and_of_rest_li() -> None:
    """Body key not in the URL: the documented unquoted text with internal forms, or Rest.li's quoted one."""
    partner = await on_stage()
    texts = []
    for number in range(12):
        key = (f"urn:li:organization:{number}", *AWLI[1:])
        answer = await partner.enable(json=entities([key]))
        refused(answer, 400, "Batch request mismatch. Entity key ")
        texts.append(answer.json()["message"])
    seeds = [text for text in texts if "Entity key dataProvider=urn:li:developerApplication:" in text]
    assert seeds
    assert len(seeds) < len(texts)
    assert all("integrationContext=urn:li:company:" in text and text.endswith("query parameter") for text in seeds)
    assert all(text in seeds or text.endswith("' not found in the query parameter.") for text in texts)
    extra = await partner.enable(AWLI, EXPORT, json=entities([AWLI]))
    refused(extra, 400, "Batch request mismatch. URI keys: '[")
    assert "Entity keys: '[" in extra.json()["message"]
    other_provider = await partner.enable(json=entities([(*AWLI[:3], "JOBS")]))
    refused(other_provider, 400, "Batch request mismatch")
    assert partner.enables() == (0, 0)


async def test_a_key_twice_in_the_body() -> None:
    partner = await on_stage()
    patch = {"patch": {"$set": {"integrationName": "x"}}}
    encoded = body_key(AWLI).replace(":", "%3A")
    refused(await partner.enable(json={"entities": {body_key(AWLI): patch, encoded: patch}}), 400, "Duplicate key")
    literal = json.dumps(body_key(AWLI)) + ":" + json.dumps(patch)
    twice = f'{{"entities":{{{literal},{literal}}}}}'
    answer = await partner.enable(content=twice, headers={"content-type": "application/json"})
    refused(answer, 400, "Duplicate key in batch request body: '")


SET = {"integrationName": "x"}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"entities": []},
        {"entities": {}},
        {"entities": {body_key(AWLI): {"patch": {"$set": SET}}}, "more": 1},
        {"entities": {body_key(AWLI): {"$set": SET}}},
        {"entities": {body_key(AWLI): {"patch": SET}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": {}}}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": {"integrationName": ""}}}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": {"integrationName": "  "}}}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": {"integrationName": 5}}}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": SET | {"onboardingStatus": "ENABLED"}}}}},
        {"entities": {body_key(AWLI): {"patch": {"$set": SET, "$delete": ["x"]}}}},
        {"entities": {body_key(AWLI).replace("JOBS", "JO BS"): {"patch": {"$set": SET}}}},
    ],
)
async def test_bodies_that_are_no_batch_partial_update(body: Any) -> None:
    partner = await on_stage()
    refused(await partner.enable(json=body), 400, "")
    assert partner.status() == "REQUESTED"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b'{"entities": NaN}', b"[" * 20000])
async def test_bodies_that_are_no_json(text: bytes) -> None:
    answer = await (await on_stage()).enable(content=text, headers={"content-type": "application/json"})
    refused(answer, 400, "Cannot parse request entity")


async def refused_for_a_header(partner: Partner, answer: httpx.Response, status: int) -> None:
    refused(answer, status, "")
    assert partner.rules == ["header"]
    assert partner.status() == "REQUESTED"


@pytest.mark.parametrize("method", ["", "batch_update", "partial_update"])
async def test_enable_without_its_method_header(method: str) -> None:
    partner = await on_stage()
    await refused_for_a_header(partner, await partner.enable(headers={"x-restli-method": method}), 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_enable_with_another_content_type(kind: str) -> None:
    partner = await on_stage()
    await refused_for_a_header(partner, await partner.enable(headers={"content-type": kind}), 415)


async def test_content_type_may_carry_a_charset() -> None:
    partner = await on_stage()
    answer = await partner.enable(headers={"content-type": "application/json; charset=utf-8"})
    assert (answer.status_code, partner.status()) == (200, "ENABLED")


@pytest.mark.parametrize("call", ["verify", "enable"])
async def test_protocol_2_does_not_go_with_this_syntax(call: str) -> None:
    partner = await on_stage()
    await refused_for_a_header(
        partner, await getattr(partner, call)(headers={"X-Restli-Protocol-Version": "2.0.0"}), 400
    )


async def test_verify_with_the_method_header_of_enable() -> None:
    partner = await on_stage()
    answer = await partner.verify(headers={"x-restli-method": "batch_partial_update"})
    await refused_for_a_header(partner, answer, 400)


@pytest.mark.parametrize("call", ["verify", "enable"])
async def test_no_ids_and_repeated_ids(call: str) -> None:
    partner = await on_stage()
    refused(await getattr(partner, call)(params=[]), 400, "")
    refused(await getattr(partner, call)(params=[*query([AWLI]), query([AWLI])[0]]), 400, "Duplicate parameter")


async def test_a_body_over_one_megabyte() -> None:
    partner = await on_stage()
    refused(await partner.enable(json=entities([AWLI], "x" * 1_000_000)), 413, "")
    assert (await partner.enable(json=entities([AWLI], "x" * 900_000))).status_code == 200


async def test_the_days_budget_is_per_application_and_ends_at_midnight_utc() -> None:
    theatre = Theatre()
    theatre.sandbox.world.requests_per_day = 2
    acme, zeta = await theatre.partner(), await theatre.partner("zeta")
    assert [(await acme.verify()).status_code for _ in range(2)] == [200, 200]
    answer = await acme.enable()
    refused(answer, 429, "Resource level throttle limit", 101)
    assert "retry-after" not in answer.headers
    assert (await zeta.verify(OTHERS)).status_code == 200
    theatre.sandbox.world.retry_after = 7
    assert (await acme.verify()).headers["retry-after"] == "7"
    theatre.clock.now += 12 * 3600
    await acme.log_in()
    assert (await acme.enable()).status_code == 200


async def test_other_addresses_and_methods() -> None:
    partner = await on_stage()
    refused(await partner.http.get("/v2/elsewhere"), 404, "Resource elsewhere does not exist", 0)
    refused(await partner.http.delete("/v2/atsIntegrations"), 405, "")
    assert [entry.operation for entry in partner.sandbox.log[-2:]] == ["other", "other"]


async def test_the_same_seed_gives_the_same_answers() -> None:
    async def play(seed: int) -> list[str]:
        partner = await on_stage(seed=seed)
        return [(await partner.verify(AWLI, CSA)).text for _ in range(3)]

    assert await play(1) == await play(1)
    assert await play(1) != await play(2)
