"""Secrets in a sealed file, and Prefect's encryption key changed with it, on a real server."""

import asyncio
import json
import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet, InvalidToken
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from blocks.backup import BlockCopy, BlocksUnusable, Restored, read_all, restore_all
from blocks.child_app import ChildAppBlocks, block_name
from blocks.parent_app import parent_credentials, save_parent
from blocks.portal_keys import portal_keys
from cli.sealed import read_sealed
from greenlight.linkedin.oauth import Credentials
from tests.cli.conftest import TALKATIVE, Home
from tests.cli.prefect_server import prefect_server
from tests.cli.secrecy import found

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

PASSPHRASE = "a passphrase that nobody guesses"
VARIABLE = {"GREENLIGHT_KEYS_PASSPHRASE": PASSPHRASE}
FILE = "GREENLIGHT_KEYS_PASSPHRASE_FILE"
SECRETS = [f"{name}/secret+CANARY=" for name in ("acme", "bolt", "cyan")]
PARENT = "parents/secret+CANARY="
NAMES = [block_name(name) for name in ("acme", "bolt", "cyan")]


def held(secrets: Sequence[str]) -> dict[str, Credentials]:
    return {name: Credentials(f"app{name[:4]}", SecretStr(secret)) for name, secret in zip(NAMES, secrets, strict=True)}


async def fill() -> list[str]:
    """Blocks of every kind; the portal's keys."""
    await ChildAppBlocks().save_many(held(SECRETS))
    await save_parent(Credentials("vendor", SecretStr(PARENT)))
    return await portal_keys()


async def everything() -> tuple[Any, Any, list[str]]:
    held = dict(await ChildAppBlocks().get_many(NAMES)), await parent_credentials(), await portal_keys()
    # Prefect tells its server of each block that is loaded, and would go on trying when that has gone.
    await EventsWorker.drain_all()
    return held


def asked(api: str, what: Any) -> Any:
    with temporary_settings({PREFECT_API_URL: api}):
        return asyncio.run(what)


def documents(home: Home) -> list[bytes]:
    """What Prefect's database holds of our blocks, as it is on disk."""
    with sqlite3.connect(home.folder / ".prefect" / "prefect.db") as database:
        rows = database.execute("SELECT data FROM block_document").fetchall()
    database.close()
    return [json.loads(data).encode() if data.startswith('"') else data.encode() for (data,) in rows]


def document_ids(home: Home) -> list[str]:
    with sqlite3.connect(home.folder / ".prefect" / "prefect.db") as database:
        rows = database.execute("SELECT id FROM block_document").fetchall()
    database.close()
    return [id for (id,) in rows]


def opens(key: bytes, document: bytes) -> bool:
    try:
        return bool(Fernet(key).decrypt(document))
    except InvalidToken:
        return False


@pytest.fixture(scope="module")
def keys() -> tuple[bytes, bytes]:
    return Fernet.generate_key(), Fernet.generate_key()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("ward"))


def test_the_encryption_key_is_changed(ward: Home, keys: tuple[bytes, bytes], subtests: pytest.Subtests) -> None:
    home, (old, new) = ward, keys
    with prefect_server(home, PREFECT_SERVER_ENCRYPTION_KEY=old.decode()) as api:
        signing = asked(api, fill())
        before = asked(api, everything())
        assert before == (held(SECRETS), Credentials("vendor", SecretStr(PARENT)), signing)
        with subtests.test("export says what it wrote, and only its owner may read the file"):
            done = home.run("keys", "export", "kept.json", "--json", PREFECT_API_URL=api, **VARIABLE, **TALKATIVE)
            assert done.code == 0, done.err
            assert done.json()["blocks"] == {
                "linkedin-child-app": 3,
                "linkedin-parent-app": 1,
                "greenlight-portal-keys": 1,
            }
            assert stat.S_IMODE((home.folder / "kept.json").stat().st_mode) == 0o600
            assert not list(home.folder.glob("*.part"))
        with subtests.test("a file that is there is not written over"):
            done = home.run("keys", "export", "kept.json", PREFECT_API_URL=api, **VARIABLE)
            assert (done.code, "exists already" in done.err) == (1, True)
        with subtests.test("restoring where all is well changes nothing"):
            stored = documents(home)
            done = home.run("keys", "restore", "kept.json", "--json", PREFECT_API_URL=api, **VARIABLE)
            assert (done.code, done.json()["written"], done.json()["there_already"]) == (0, 0, 5)
            assert documents(home) == stored
        assert all(opens(old, document) for document in documents(home))

    with prefect_server(home, PREFECT_SERVER_ENCRYPTION_KEY=new.decode()) as api:
        with subtests.test("no old block can be read, and export says so and writes nothing"):
            done = home.run("keys", "export", "other.json", PREFECT_API_URL=api, **VARIABLE)
            assert (done.code, "encryption key" in done.err) == (1, True)
            assert not (home.folder / "other.json").exists()
        with subtests.test("a wrong passphrase changes nothing"):
            stored = documents(home)
            done = home.run("keys", "restore", "kept.json", PREFECT_API_URL=api, stdin="x" * 30 + "\n")
            assert (done.code, "another passphrase" in done.err) == (1, True)
            assert documents(home) == stored
        with subtests.test("a block that the file does not have is not given up"):
            content = read_sealed(home.folder / "kept.json", PASSPHRASE)
            short = [block for block in content["blocks"] if block["name"] != NAMES[0]]
            asked(api, refused(short))
        with subtests.test("Prefect itself neither changes nor deletes a block that it cannot read"):
            asked(api, stuck(document_ids(home)[0]))
            assert documents(home) == stored
            assert documents(home) == stored
        with subtests.test("restore makes all work again, under the new key"):
            # A customer that came after the change is kept as well.
            asked(api, ChildAppBlocks().save_many({"after": Credentials("appafter", SecretStr("after+CANARY"))}))
            done = home.run("keys", "restore", "kept.json", "--json", PREFECT_API_URL=api, **VARIABLE, **TALKATIVE)
            assert done.code == 0, done.err
            assert (done.json()["written"], done.json()["removed_unreadable"]) == (6, 5)
            assert asked(api, everything()) == before
            after = asked(api, ChildAppBlocks().get_many(["after"]))
            assert after["after"].client_secret.get_secret_value() == "after+CANARY"
            assert len(documents(home)) == 6
            assert all(opens(new, document) and not opens(old, document) for document in documents(home))
        with subtests.test("again it changes nothing, and a newer secret is left alone"):
            asked(api, ChildAppBlocks().save_many(held(["newer+CANARY", *SECRETS[1:]])))
            done = home.run("keys", "restore", "kept.json", "--json", PREFECT_API_URL=api, **VARIABLE)
            assert (done.code, done.json()["written"], done.json()["there_already"]) == (0, 0, 6)
            assert [each["name"] for each in done.json()["left_newer"]] == [NAMES[0]]
            assert asked(api, everything())[0] == held(["newer+CANARY", *SECRETS[1:]])
    with subtests.test("no secret is in any file, nor was one shown"):
        secrets = [*SECRETS, PARENT, *signing, "after+CANARY", "newer+CANARY", PASSPHRASE]
        assert found(home, secrets) == []


async def stuck(document_id: str) -> None:
    """If this fails one day, restoring may do with less than removing the whole type."""
    path = f"/block_documents/{document_id}"
    changed = {"data": {"client_id": "a", "client_secret": "b"}, "merge_existing_data": False}
    async with get_client() as client:
        for method, body in (("GET", None), ("PATCH", changed), ("DELETE", None)):
            with pytest.raises(httpx.HTTPStatusError) as caught:
                await client.request(method, path, json=body)
            assert caught.value.response.status_code == 500, method


async def refused(blocks: list[Any]) -> None:
    with pytest.raises(BlocksUnusable, match="not in the file"):
        await restore_all([BlockCopy(each["type"], each["name"], each["data"]) for each in blocks], lambda _: None)


async def test_a_restore_that_is_cut_short_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment of danger is after the unreadable blocks are gone: then the file alone has them."""
    from blocks import backup

    home = Home(tmp_path)
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with prefect_server(home, PREFECT_SERVER_ENCRYPTION_KEY=old) as api, temporary_settings({PREFECT_API_URL: api}):
        signing = await fill()
        kept = await read_all()
    create, calls = backup._create, 0

    async def cut(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    with prefect_server(home, PREFECT_SERVER_ENCRYPTION_KEY=new) as api, temporary_settings({PREFECT_API_URL: api}):
        monkeypatch.setattr(backup, "_create", cut)
        with pytest.raises(KeyboardInterrupt):
            await restore_all(kept, pytest.fail)
        assert calls == 1
        monkeypatch.setattr(backup, "_create", create)
        assert await restore_all(kept, pytest.fail) == Restored(written=5, there_already=0, removed=2, newer=[])
        assert await everything() == (held(SECRETS), Credentials("vendor", SecretStr(PARENT)), signing)

    other = Home(tmp_path / "other")
    other.folder.mkdir()
    # After a loss of Prefect's database the server is new, and so is the key that it makes for itself.
    with prefect_server(other) as api, temporary_settings({PREFECT_API_URL: api}):
        assert await restore_all(kept, pytest.fail) == Restored(written=5, there_already=0, removed=0, newer=[])
        assert await everything() == (held(SECRETS), Credentials("vendor", SecretStr(PARENT)), signing)


BAD = [
    pytest.param(["keys", "export", "x"], {}, "short\n", "20 characters", id="a short passphrase"),
    pytest.param(["keys", "export", "x"], {}, "", "20 characters", id="none"),
    pytest.param(
        ["keys", "export", "x"], {FILE: "none"}, "", "mend the path", id="a passphrase's file that is not there"
    ),
    pytest.param(["keys", "export", "x"], {FILE: "short"}, "", "20 characters", id="a short one in a file"),
    pytest.param(["keys", "export", "x"], {FILE: "long", **VARIABLE}, "", "keep one of them", id="a file as well"),
    # It is taken: what is wrong here is asked about only after it.
    pytest.param(["keys", "restore", "cut"], {FILE: "long"}, "", "cannot be opened", id="one in a file"),
    pytest.param(["keys", "export", "nowhere/x"], VARIABLE, "", "nowhere", id="a folder that is not there"),
    pytest.param(["keys", "restore", "nothing"], VARIABLE, "", "nothing", id="a file that is not there"),
    pytest.param(["keys", "restore", "bad"], VARIABLE, "", "not a file of", id="a file of another kind"),
    pytest.param(["keys", "restore", "cut"], VARIABLE, "", "cannot be opened", id="a file that was changed"),
]


@pytest.mark.parametrize(("command", "settings", "stdin", "why"), BAD)
def test_bad_input_is_one_sentence(
    home: Home, command: list[str], settings: dict[str, str], stdin: str, why: str
) -> None:
    home.file("bad", '{"schema": 1}')
    home.file("cut", '{"schema": "greenlight.keys/1", "salt": "AAAA", "sealed": "gAAAA"}')
    home.file("short", "too short\n")
    home.file("long", f"{PASSPHRASE}\n")
    done = home.run(*command, stdin=stdin, PREFECT_API_URL="http://127.0.0.1:9/api", **settings)
    assert (done.code, done.out) == (1, "")
    assert why in done.err
    assert done.err.count("\n") == 1
    assert PASSPHRASE not in done.err
    assert sorted(os.listdir(home.folder)) == ["bad", "cut", "long", "short"], "nothing was written"
