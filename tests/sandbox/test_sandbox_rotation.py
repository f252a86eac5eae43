"""Secret rotation, and deleting a secret as a person does in the portal."""

import hashlib
from typing import Any

import pytest

from tests.sandbox.parent import PARENT_SECRET, ROTATION, complaint, provisioner

ACME = "urn:li:developerApplication:11"


def sha(*secrets: str) -> list[str]:
    return [hashlib.sha256(secret.encode()).hexdigest() for secret in secrets]


async def test_both_secrets_are_good_after_a_rotation() -> None:
    parent = await provisioner()
    answer = await parent.rotate(ACME)
    assert (answer.status_code, answer.json().keys(), answer.json()["value"].keys()) == (
        200,
        {"value"},
        {"client_secret"},
    )
    fresh = answer.json()["value"]["client_secret"]
    for secret in ("acme-secret", fresh):
        assert (await parent.ask_token(secret, "acme")).status_code == 200
    shown = parent.state("acme-1")
    assert shown is not None
    assert shown["secret_sha256"] == sha("acme-secret", fresh)
    # Each secret was tried once, and one of them has been tried twice now.
    assert parent.rules == []
    await parent.ask_token(fresh, "acme")
    assert parent.rules == ["extra_token"]


async def test_a_third_secret_is_refused_until_one_is_deleted() -> None:
    parent = await provisioner()
    second = (await parent.rotate(ACME)).json()["value"]["client_secret"]
    status, code, text = complaint(await parent.rotate(ACME))
    assert (status, code, "must be deleted first" in text) == (400, None, True)
    assert parent.sandbox.clients["acme"].secrets == ["acme-secret", second]
    body = {"client_id": "acme", "which": "oldest"}
    assert (await parent.http.post("/sandbox/delete-secret", json=body)).status_code == 200
    assert (await parent.ask_token("acme-secret", "acme")).status_code == 401
    assert (await parent.ask_token(second, "acme")).status_code == 200
    third = (await parent.rotate(ACME)).json()["value"]["client_secret"]
    assert parent.sandbox.clients["acme"].secrets == [second, third]
    assert parent.rules == []


async def test_the_newest_secret_can_go_and_the_last_one_stays() -> None:
    parent = await provisioner()
    await parent.rotate(ACME)
    body = {"client_id": "acme", "which": "newest"}
    assert (await parent.http.post("/sandbox/delete-secret", json=body)).status_code == 200
    assert parent.sandbox.clients["acme"].secrets == ["acme-secret"]
    answer = await parent.http.post("/sandbox/delete-secret", json=body)
    assert (answer.status_code, "only one secret" in answer.json()["error"]) == (409, True)
    assert parent.sandbox.clients["acme"].secrets == ["acme-secret"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"client_id": "nobody", "which": "oldest"}, 409), ({"client_id": "acme", "which": "both"}, 400)],
)
async def test_a_deletion_that_makes_no_sense(body: dict[str, str], status: int) -> None:
    parent = await provisioner()
    assert (await parent.http.post("/sandbox/delete-secret", json=body)).status_code == status


async def test_a_parent_rolls_its_own_secret() -> None:
    parent = await provisioner()
    fresh = (await parent.rotate()).json()["value"]["client_secret"]
    assert parent.sandbox.state()["parents"][0] == {"client_id": "parent", "secret_sha256": sha(PARENT_SECRET, fresh)}
    assert (await parent.ask_token(fresh)).status_code == 200
    assert complaint(await parent.rotate())[0] == 400
    body = {"client_id": "parent", "which": "oldest"}
    assert (await parent.http.post("/sandbox/delete-secret", json=body)).status_code == 200
    assert (await parent.ask_token(PARENT_SECRET)).status_code == 401


@pytest.mark.parametrize(
    ("urn", "status", "words"),
    [
        ("urn:li:developerApplication:12", 403, "POST /developerApplicationsSecurity"),
        ("urn:li:developerApplication:13", 403, "POST /developerApplicationsSecurity"),
        ("urn:li:developerApplication:99", 404, "does not exist"),
        ("acme", 404, "does not exist"),
    ],
)
async def test_only_ones_own_children(urn: str, status: int, words: str) -> None:
    parent = await provisioner()
    before = parent.sandbox.as_world()
    seen, _, text = complaint(await parent.rotate(urn))
    assert (seen, words in text, parent.sandbox.as_world() == before) == (status, True, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ROTATION, {"childDeveloperApplication": 11}),
        (ROTATION, {"childDeveloperApplication": ""}),
        (ROTATION, {"childDeveloperApplication": None}),
        (ROTATION, {"child": ACME}),
        (ROTATION, []),
        (ROTATION.partition("?")[0], {"childDeveloperApplication": ACME}),
        (ROTATION + "s", {"childDeveloperApplication": ACME}),
    ],
)
async def test_a_rotation_that_cannot_be_read(path: str, body: Any) -> None:
    parent = await provisioner()
    before = parent.sandbox.as_world()
    assert complaint(await parent.rotate(path=path, body=body))[0] == 400
    assert parent.sandbox.as_world() == before


async def test_secrets_in_use_and_deleted_ones_have_no_place_in_a_url() -> None:
    parent = await provisioner()
    fresh = (await parent.rotate(ACME)).json()["value"]["client_secret"]
    parent.sandbox.delete_secret("acme", "oldest")
    for secret in ("acme-secret", fresh):
        await parent.find(secret)
    assert parent.rules == ["credentials_in_url"] * 2


async def test_what_is_shown_holds_no_secret() -> None:
    parent = await provisioner()
    made = (await parent.create()).json()["credentials"]["client_secret"]
    rolled = (await parent.rotate(ACME)).json()["value"]["client_secret"]
    shown = [await parent.http.get(f"/sandbox/{name}") for name in ("state", "log", "violations")]
    text = "".join(answer.text for answer in shown)
    for secret in (made, rolled, "acme-secret", PARENT_SECRET):
        assert secret not in text
        assert secret not in repr(parent.sandbox.as_world())
