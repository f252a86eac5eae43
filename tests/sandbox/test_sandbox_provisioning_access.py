"""Who may provision, with which headers and tokens, and what is written down of it."""

import pytest

from tests.sandbox.parent import APPLICATIONS, complaint, provisioner, send


@pytest.mark.parametrize(
    ("operation", "headers"),
    [
        ("create", {"content-type": "text/json"}),
        ("update", {"content-type": "application/x-www-form-urlencoded"}),
        ("rotate", {"content-type": "text/plain"}),
        ("rotate", {"X-RestLi-Method": ""}),
        ("rotate", {"X-RestLi-Method": "create"}),
        ("rotate", {"X-RestLi-Protocol-Version": ""}),
        ("rotate", {"X-RestLi-Protocol-Version": "1.0.0"}),
        ("create", {"X-RestLi-Method": "batch_create"}),
        ("create", {"X-RestLi-Protocol-Version": "2.0.0"}),
        ("update", {"X-RestLi-Method": "update"}),
        ("find", {"X-RestLi-Method": "get"}),
    ],
)
async def test_a_wrong_header_is_a_400_and_a_violation(operation: str, headers: dict[str, str]) -> None:
    parent = await provisioner()
    before = parent.sandbox.as_world()
    assert complaint(await send(parent, operation, headers))[0] == 400
    assert (parent.rules, parent.sandbox.as_world()) == (["header"], before)


@pytest.mark.parametrize(
    ("operation", "method"), [("create", "CREATE"), ("find", "finder"), ("update", "partial_update")]
)
async def test_naming_the_method_is_allowed(operation: str, method: str) -> None:
    parent = await provisioner()
    assert (await send(parent, operation, {"X-RestLi-Method": method})).is_success
    assert parent.rules == []


OPERATIONS = ["create", "find", "update", "rotate"]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_child_may_not_provision(operation: str) -> None:
    child = await provisioner(client_id="acme")
    before = child.sandbox.as_world()
    method = "GET" if operation == "find" else "POST"
    resource = "developerApplicationsSecurity" if operation == "rotate" else "provisionedApplications"
    text = f"Not enough permissions to access: {method} /{resource}"
    assert complaint(await send(child, operation)) == (403, 100, text)
    assert child.sandbox.as_world() == before
    assert child.sandbox.log[-1].client_id == "acme"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_parent_has_no_integrations(method: str) -> None:
    parent = await provisioner()
    answer = await parent.http.request(method, "/v2/atsIntegrations", headers=parent.headers(None))
    assert complaint(answer) == (403, 100, f"Not enough permissions to access: {method} /atsIntegrations")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_tokens_are_asked_for_as_on_ats_integrations(operation: str) -> None:
    parent = await provisioner()
    assert complaint(await send(parent, operation, {"Authorization": ""}))[:2] == (401, 401)
    assert complaint(await send(parent, operation, {"Authorization": "Bearer nonsense"}))[:2] == (401, 65600)
    parent.theatre.clock.now += 1800
    assert complaint(await send(parent, operation))[:2] == (401, 65602)
    assert complaint(await send(parent, operation))[:2] == (401, 65602)
    assert parent.rules == ["header", "token_after_401"]
    assert (await send(await parent.log_in(), operation)).is_success


async def test_a_secret_in_the_url_is_written_down() -> None:
    parent = await provisioner()
    await parent.find("acme-secret")
    assert parent.rules == ["credentials_in_url"]


async def test_the_log_says_who_did_what_to_whom() -> None:
    parent = await provisioner()
    for operation in OPERATIONS:
        await send(parent, operation)
    urn = "urn:li:developerApplication:11"
    assert [(one.client_id, one.operation, one.status, one.notes) for one in parent.sandbox.log[1:]] == [
        ("parent", "create", 201, ["globex"]),
        ("parent", "find", 200, ["acme-1"]),
        ("parent", "update", 204, [urn]),
        ("parent", "rotate", 200, [urn]),
    ]


async def test_other_methods_do_not_exist() -> None:
    parent = await provisioner()
    answer = await parent.http.delete(f"{APPLICATIONS}/urn:li:developerApplication:11", headers=parent.headers(None))
    assert complaint(answer)[0] == 405
