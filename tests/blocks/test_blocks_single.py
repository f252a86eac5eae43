"""Blocks of which there is one: the parent application's credentials and the portal's signing keys."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr, ValidationError

from blocks.parent_app import LinkedInParentApp, parent_credentials, save_parent
from blocks.portal_keys import PortalKeys, portal_keys
from greenlight.linkedin.oauth import Credentials

SECRET = "WPL_AP1.canary/+=="
PARENT = Credentials("parent-app", SecretStr(SECRET))


async def forget(kind: type[Block]) -> None:
    """As on a server that has never heard of this kind of block."""
    async with get_client() as client:
        try:
            block_type = await client.read_block_type_by_slug(kind.get_block_type_slug())
        except ObjectNotFound:
            return
        await client.delete_block_type(block_type.id)


@pytest.fixture(autouse=True)
async def _nothing_there(prefect_server: str) -> AsyncIterator[None]:
    for kind in (LinkedInParentApp, PortalKeys):
        await forget(kind)
    yield
    for kind in (LinkedInParentApp, PortalKeys):
        await forget(kind)


async def names_of(kind: type[Block]) -> list[str | None]:
    async with get_client() as client:
        return [document.name for document in await client.read_block_documents_by_type(kind.get_block_type_slug())]


async def change(kind: type[Block], name: str, data: dict[str, object]) -> None:
    """As somebody may in Prefect's UI."""
    async with get_client() as client:
        document = await client.read_block_document_by_name(name, kind.get_block_type_slug())
        body = {"block_schema_id": str(document.block_schema_id), "data": data, "merge_existing_data": False}
        (await client.request("PATCH", f"/block_documents/{document.id}", json=body)).raise_for_status()


async def test_without_a_parent_there_are_no_credentials() -> None:
    """Provisioning is optional; whoever wants it is told what to put in place."""
    assert await parent_credentials() is None


async def test_a_parent_that_is_known_to_the_server_and_not_made() -> None:
    await LinkedInParentApp.aregister_type_and_schema()
    assert await parent_credentials() is None


async def test_what_is_saved_is_read() -> None:
    await save_parent(PARENT)
    assert await parent_credentials() == PARENT
    assert await names_of(LinkedInParentApp) == ["parent"]


async def test_a_parent_that_is_saved_again_is_replaced() -> None:
    """A rotated secret, or the production application in place of the test one."""
    await save_parent(PARENT)
    await save_parent(Credentials("production-app", SecretStr("new")))
    assert await parent_credentials() == Credentials("production-app", SecretStr("new"))
    await save_parent(PARENT)
    assert await parent_credentials() == PARENT
    assert await names_of(LinkedInParentApp) == ["parent"]


async def test_a_parent_made_in_prefects_own_way_counts() -> None:
    """People put it in place in Prefect's UI."""
    await LinkedInParentApp(client_id="parent-app", client_secret=SecretStr(SECRET)).asave("parent")
    assert await parent_credentials() == PARENT


async def test_a_parent_under_another_name_is_not_used() -> None:
    await LinkedInParentApp(client_id="other", client_secret=SecretStr("x")).asave("parent-of-somebody")
    assert await parent_credentials() is None


async def test_a_parent_that_cannot_be_read_is_not_taken_for_absent() -> None:
    """Whoever is told that there is none would make a second one and wonder."""
    await save_parent(PARENT)
    await change(LinkedInParentApp, "parent", {"client_id": 7, "client_secret": [SECRET]})
    with pytest.raises(RuntimeError) as caught:
        await parent_credentials()
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_parents_secret_is_not_shown() -> None:
    await save_parent(PARENT)
    block = await LinkedInParentApp.aload("parent")
    assert SECRET not in f"{block!r} {block} {block.model_dump_json()} {await parent_credentials()!r}"
    async with get_client() as client:
        document = await client.read_block_document_by_name("parent", "linkedin-parent-app", include_secrets=False)
    assert SECRET not in str(document.data)
    with pytest.raises(ValidationError) as caught:
        LinkedInParentApp.model_validate({"client_id": 7, "client_secret": [SECRET]})
    assert SECRET not in str(caught.value)


async def test_the_first_call_makes_a_key_and_every_other_one_gets_it() -> None:
    """A second key would make links of the first worthless."""
    (key,) = await portal_keys()
    assert len(key) == 43, "32 random bytes"
    assert await portal_keys() == [key]
    assert await names_of(PortalKeys) == ["portal"]


async def test_every_installation_has_a_key_of_its_own() -> None:
    first = await portal_keys()
    await forget(PortalKeys)
    assert await portal_keys() != first


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("callers", [2, 6])
async def test_callers_at_the_same_moment_get_the_same_key(callers: int, known: bool) -> None:
    """The portal's processes and a command line that makes a link may all start together."""
    if known:
        await PortalKeys.aregister_type_and_schema()
    answers = await asyncio.gather(*(portal_keys() for _ in range(callers)))
    assert answers == [answers[0]] * callers
    assert await portal_keys() == answers[0]
    assert await names_of(PortalKeys) == ["portal"]


async def test_several_keys_keep_their_order() -> None:
    """The last one signs, so the order is what a rotation is made of."""
    keys = ["oldest", "c", "a", "b", "newest/+=="]
    await PortalKeys(signing_keys=[SecretStr(key) for key in keys]).asave("portal")
    assert await portal_keys() == keys
    await PortalKeys(signing_keys=[SecretStr(key) for key in keys[1:]]).asave("portal", overwrite=True)
    assert await portal_keys() == keys[1:]


async def test_keys_that_cannot_be_read_are_not_replaced() -> None:
    """Every link that was sent would be worthless, and nobody would know why."""
    await PortalKeys(signing_keys=[SecretStr(SECRET)]).asave("portal")
    await change(PortalKeys, "portal", {"signing_keys": []})
    with pytest.raises(RuntimeError):
        await portal_keys()
    assert await names_of(PortalKeys) == ["portal"]


async def test_keys_are_not_shown() -> None:
    await PortalKeys(signing_keys=[SecretStr("old" + SECRET), SecretStr(SECRET)]).asave("portal")
    block = await PortalKeys.aload("portal")
    assert SECRET not in f"{block!r} {block} {block.model_dump_json()}"
    async with get_client() as client:
        document = await client.read_block_document_by_name("portal", "greenlight-portal-keys", include_secrets=False)
    assert SECRET not in str(document.data)
    with pytest.raises(ValidationError) as caught:
        PortalKeys.model_validate({"signing_keys": SECRET})
    assert SECRET not in str(caught.value)


def test_there_is_at_least_one_key() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        PortalKeys(signing_keys=[])
