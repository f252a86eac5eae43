"""The token endpoint (docs/linkedin.md#tokens)."""

import pytest

from tests.sandbox.partner import SECRET, Partner, Theatre, on_stage, small_world

TOKEN = "/oauth/v2/accessToken"
FORM = {"grant_type": "client_credentials", "client_id": "acme", "client_secret": SECRET}


async def test_a_token_is_long_opaque_and_not_only_letters() -> None:
    answer = await Theatre().http.post(TOKEN, data=FORM)
    body = answer.json()
    assert (answer.status_code, body.keys(), body["expires_in"]) == (200, {"access_token", "expires_in"}, 1800)
    assert len(body["access_token"]) > 300
    assert {"-", "_"} < set(body["access_token"])


async def test_several_tokens_of_one_application_live_side_by_side() -> None:
    partner = await on_stage()
    first, second = partner.token, await partner.log_in()
    assert first != second
    for partner.token in (first, second):
        assert (await partner.verify()).status_code == 200


@pytest.mark.parametrize(
    "change", [{"client_id": "nobody"}, {"client_secret": "wrong"}, {"client_secret": "z"}, {"client_id": "zeta"}]
)
async def test_unknown_client_and_wrong_secret_are_told_alike(change: dict[str, str]) -> None:
    answer = await Theatre().http.post(TOKEN, data=FORM | change)
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client", "error_description": "Client authentication failed"}


async def test_another_grant_type() -> None:
    answer = await Theatre().http.post(TOKEN, data=FORM | {"grant_type": "authorization_code"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("name", list(FORM))
async def test_a_missing_or_empty_field(name: str) -> None:
    theatre = Theatre()
    for form in ({key: value for key, value in FORM.items() if key != name}, FORM | {name: ""}):
        answer = await theatre.http.post(TOKEN, data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "content", [b"", b"grant_type", b"grant_type=a&grant_type=b", "grant_type=ü".encode(), b"grant_type=%FF"]
)
async def test_a_form_that_cannot_be_read(content: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await Theatre().http.post(TOKEN, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_field_given_twice_is_refused_even_with_the_right_value_last() -> None:
    answer = await Theatre().http.post(TOKEN, data={**FORM, "client_id": ["zeta", "acme"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_get_is_refused_even_with_the_right_credentials() -> None:
    """Asking by GET is a certification failure today (docs/linkedin.md#tokens)."""
    theatre = Theatre()
    answer = await theatre.http.get(TOKEN, params=FORM)
    assert answer.status_code == 405
    assert "access_token" not in answer.text
    assert [one.rule for one in theatre.sandbox.violations] == ["credentials_in_url"]


async def test_a_secret_in_the_url_is_refused_even_beside_a_good_form() -> None:
    answer = await Theatre().http.post(TOKEN, params={"client_secret": SECRET}, data=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_form_over_one_megabyte() -> None:
    answer = await Theatre().http.post(TOKEN, data=FORM | {"more": "x" * 1_000_000})
    assert answer.status_code == 413


async def test_the_lifetime_is_the_worlds() -> None:
    theatre = Theatre(small_world(token_lifetime_seconds=90))
    partner = await theatre.partner()
    assert (await partner.ask_token()).json()["expires_in"] == 90
    theatre.clock.now += 90
    assert (await partner.verify()).status_code == 401


async def test_the_log_names_only_applications_that_exist() -> None:
    """Somebody may send the secret where the id belongs."""
    theatre = Theatre()
    await Partner(theatre.http, theatre.sandbox).ask_token(client_id=SECRET)
    await theatre.http.post(TOKEN, data=FORM | {"client_secret": "wrong"})
    assert [(entry.client_id, entry.operation, entry.status) for entry in theatre.sandbox.log] == [
        (None, "token", 401),
        ("acme", "token", 401),
    ]
