"""Each violation of how a request is made, once committed and once avoided."""

import json

import pytest

from sandbox.faults import Fault
from tests.sandbox.partner import (
    AWLI,
    SECRET,
    Partner,
    Theatre,
    body_key,
    entities,
    on_stage,
    query,
)


class TestCredentialsInUrl:
    @pytest.mark.parametrize("name", ["client_secret", "x"])
    async def test_a_secret(self, name: str) -> None:
        partner = await on_stage()
        answer = await partner.http.post("/oauth/v2/accessToken", params={name: SECRET})
        assert (answer.status_code, partner.rules) == (400, ["credentials_in_url"])

    @pytest.mark.parametrize("name", ["oauth2_access_token", "x"])
    async def test_a_token(self, name: str) -> None:
        partner = await on_stage()
        await partner.verify(params=[*query([AWLI]), (name, partner.token)])
        assert partner.rules == ["credentials_in_url"]

    async def test_nothing_secret_in_it(self) -> None:
        partner = await on_stage()
        await partner.verify(params=[*query([AWLI]), ("fields", "onboardingStatus")])
        assert partner.rules == []


class TestTokenAfter401:
    @pytest.mark.parametrize(
        "fault", [Fault(on="verify", fault="expired"), Fault(on="verify", fault="status", status=401)]
    )
    async def test_a_refused_token_is_used_again(self, fault: Fault) -> None:
        partner = await on_stage(fault)
        await partner.verify()
        assert partner.rules == []
        await partner.verify()
        assert partner.rules == ["token_after_401"]

    async def test_a_new_one_is_used(self) -> None:
        partner = await on_stage(Fault(on="verify", fault="expired"))
        await partner.verify()
        await partner.log_in()
        await partner.verify()
        assert partner.rules == []

    async def test_a_made_up_token(self) -> None:
        partner = await on_stage()
        partner.token = "made-up"
        await partner.verify()
        assert partner.rules == []
        await partner.verify()
        assert partner.rules == ["token_after_401"]


class TestExtraToken:
    async def test_a_live_token_is_held(self) -> None:
        partner = await on_stage()
        await partner.log_in()
        assert partner.rules == ["extra_token"]

    @pytest.mark.parametrize(("age", "rules"), [(1739, ["extra_token"]), (1740, [])])
    async def test_within_the_last_minute_it_may_be_replaced(self, age: int, rules: list[str]) -> None:
        theatre = Theatre()
        partner = await theatre.partner()
        theatre.clock.now += age
        await partner.log_in()
        assert partner.rules == rules

    async def test_not_after_a_401(self) -> None:
        partner = await on_stage(Fault(on="verify", fault="status", status=401))
        await partner.verify()
        await partner.log_in()
        assert partner.rules == []

    @pytest.mark.parametrize("fault", ["lost", "truncated", "empty", "html", "no_token", "invalid_client"])
    async def test_not_when_the_first_one_never_arrived(self, fault: str) -> None:
        theatre = Theatre()
        partner = Partner(theatre.http, theatre.sandbox)
        theatre.sandbox.set_faults("acme", [Fault(on="token", fault=fault)])
        try:
            await partner.ask_token()
        except ConnectionResetError:
            assert fault in ("lost", "truncated")
        await partner.log_in()
        assert partner.rules == []

    async def test_each_application_has_its_own(self) -> None:
        theatre = Theatre()
        await theatre.partner("acme")
        assert (await theatre.partner("zeta")).rules == []


class TestHeader:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Authorization": ""},
            {"x-restli-method": ""},
            {"content-type": "text/plain"},
            {"X-Restli-Protocol-Version": "2.0.0"},
        ],
    )
    async def test_missing_or_wrong(self, headers: dict[str, str]) -> None:
        partner = await on_stage()
        await partner.verify()
        await partner.enable(headers=headers)
        assert partner.rules == ["header"]

    async def test_as_documented(self) -> None:
        partner = await on_stage()
        await partner.verify(headers={"x-restli-method": "batch_get", "X-Restli-Protocol-Version": "1.0.0"})
        await partner.enable()
        assert partner.rules == []

    async def test_a_token_request_that_is_no_form(self) -> None:
        theatre = Theatre()
        answer = await theatre.http.post("/oauth/v2/accessToken", json={"grant_type": "client_credentials"})
        assert (answer.status_code, [one.rule for one in theatre.sandbox.violations]) == (400, ["header"])


class TestDoubleEncodedKey:
    async def test_in_the_url_and_in_the_body(self) -> None:
        partner = await on_stage()
        twice = (AWLI[0].replace(":", "%3A"), *AWLI[1:])
        await partner.verify(twice)
        assert partner.rules == ["double_encoded_key"]
        text = body_key(AWLI).replace(":", "%253A")
        answer = await partner.enable(json={"entities": {text: {"patch": {"$set": {"integrationName": "x"}}}}})
        assert (answer.status_code, partner.rules) == (400, ["double_encoded_key"] * 2)

    async def test_encoded_once_is_fine_in_both(self) -> None:
        partner = await on_stage()
        await partner.verify()
        text = body_key(AWLI).replace(":", "%3A")
        await partner.enable(json={"entities": {text: {"patch": {"$set": {"integrationName": "100%25 ours"}}}}})
        assert (partner.status(), partner.rules) == ("ENABLED", [])


async def test_nothing_that_is_written_down_holds_a_secret_or_a_token() -> None:
    partner = await on_stage()
    await partner.ask_token(client_secret="wrong-" + SECRET)
    await partner.http.post("/oauth/v2/accessToken", params={"client_secret": SECRET, "client_id": SECRET})
    await partner.verify(params=[*query([AWLI]), ("access_token", partner.token)])
    await partner.enable(json=entities([AWLI]))
    written = json.dumps(
        [
            (await partner.http.get("/sandbox/log")).json(),
            (await partner.http.get("/sandbox/violations")).json(),
            (await partner.http.get("/sandbox/state")).json(),
        ]
    )
    assert len(partner.sandbox.log) == 5
    assert SECRET not in written
    assert partner.token not in written
    assert SECRET not in repr(partner.sandbox.world)
