"""Faults on a parent's calls: what the caller sees, and whether the request was carried out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sandbox.answers import ConnectionCut
from sandbox.faults import PROVISIONING, PROVISIONING_FAULTS, Fault, FaultScript
from sandbox.server import serving
from sandbox.world import WorldError, parse_world
from tests.sandbox.parent import APPLICATIONS, BODY, Provisioner, complaint, family, provisioner, send
from tests.sandbox.partner import Theatre

CHANGING = ["create", "rotate", "update"]

# Per fault: parameters, what is seen (a status, or a cut), and whether the request was carried out.
CASES: dict[str, tuple[dict[str, Any], int | type[Exception], bool]] = {
    "status": ({"status": 503}, 503, False),
    "html": ({}, 200, False),
    "garbage": ({}, 200, False),
    "empty": ({}, 200, True),
    "redirect": ({"location": "http://127.0.0.1:9/"}, 302, False),
    "truncated": ({}, ConnectionCut, True),
    "huge": ({"bytes": 200_000}, 200, True),
    "lost": ({}, ConnectionCut, True),
    "dropped": ({}, ConnectionCut, False),
    "hang": ({"seconds": 0}, 0, True),
    "stall": ({"seconds": 0}, 0, True),
    "throttle": ({}, 429, False),
    "expired": ({}, 401, False),
    "bad_token": ({}, 401, False),
    "revoked": ({}, 401, False),
    "forbidden": ({}, 403, False),
    "varied": ({"how": ["gzip"]}, 0, True),
}
NATURAL = {"create": 201, "find": 200, "update": 204, "rotate": 200}


def is_done(parent: Provisioner, operation: str) -> bool:
    acme = parent.sandbox.clients["acme"]
    match operation:
        case "create":
            return parent.state() is not None
        case "update":
            return acme.description == "changed"
        case "rotate":
            return len(acme.secrets) == 2
    return False


def fault(operation: str, name: str, **parameters: Any) -> Fault:
    return Fault.model_validate({"on": operation, "fault": name, **parameters})


@pytest.mark.parametrize("operation", sorted(PROVISIONING))
@pytest.mark.parametrize("name", CASES)
async def test_fault(operation: str, name: str) -> None:
    """Seen once, written in the log, and gone with the next request of the same kind."""
    parameters, expected, applied = CASES[name]
    parent = await provisioner(fault(operation, name, **parameters))
    if isinstance(expected, int):
        answer = await send(parent, operation)
        assert answer.status_code == (expected or NATURAL[operation])
    else:
        with pytest.raises(expected):
            await send(parent, operation)
    assert parent.sandbox.log[-1].fault == name
    assert is_done(parent, operation) == (applied and operation != "find")
    await parent.log_in()
    parent.sandbox.watch.violations.clear()
    await send(parent, operation)
    assert parent.sandbox.log[-1].fault is None
    assert (await parent.find("acme-1")).status_code == 200


def test_every_fault_a_parent_can_meet_is_tried() -> None:
    assert CASES.keys() == PROVISIONING_FAULTS


@pytest.mark.parametrize("operation", CHANGING)
@pytest.mark.parametrize(("name", "parameters"), [("status", {"status": 500}), ("html", {}), ("garbage", {})])
async def test_a_request_may_be_carried_out_all_the_same(operation: str, name: str, parameters: dict[str, Any]) -> None:
    parent = await provisioner(fault(operation, name, applied=True, **parameters))
    await send(parent, operation)
    assert is_done(parent, operation)


@pytest.mark.parametrize("operation", CHANGING)
@pytest.mark.parametrize("name", ["empty", "truncated", "huge"])
async def test_a_spoiled_answer_may_hide_that_nothing_was_done(operation: str, name: str) -> None:
    parameters = {"bytes": 10} if name == "huge" else {}
    parent = await provisioner(fault(operation, name, applied=False, **parameters))
    if name == "truncated":
        with pytest.raises(ConnectionCut):
            await send(parent, operation)
    else:
        await send(parent, operation)
    assert not is_done(parent, operation)


async def test_a_lost_creation_is_found_and_gets_a_new_secret() -> None:
    """The way back from an answer that never came (docs/linkedin.md#secret-rotation)."""
    parent = await provisioner(fault("create", "lost"))
    with pytest.raises(ConnectionCut):
        await parent.create()
    assert (await parent.create()).status_code == 409
    found = (await parent.find()).json()["elements"][0]
    secret = (await parent.rotate(found["key"])).json()["value"]["client_secret"]
    assert (await parent.ask_token(secret, found["credentials"]["client_id"])).status_code == 200
    assert len(parent.sandbox.clients) == 4
    assert parent.rules == []


UNSEEN = ["status", "html", "garbage", "empty", "redirect", "truncated", "huge", "lost", "throttle", "expired"]


@pytest.mark.parametrize("name", UNSEEN)
async def test_creating_again_is_no_violation_where_the_credentials_never_arrived(name: str) -> None:
    parameters = dict(CASES[name][0])
    if name in ("status", "html", "garbage", "redirect"):
        parameters["applied"] = True
    parent = await provisioner(fault("create", name, **parameters))
    with contextlib.suppress(ConnectionCut):
        await parent.create()
    await parent.log_in()
    parent.sandbox.watch.violations.clear()
    await parent.create()
    assert parent.rules == []


async def test_a_refusal_that_was_carried_out_brought_no_credentials_either() -> None:
    parent = await provisioner(fault("create", "status", status=400, applied=True))
    assert (await parent.create()).status_code == 400
    assert (await parent.create()).status_code == 409
    assert parent.rules == []


@pytest.mark.parametrize("name", ["throttle", "forbidden", "revoked"])
async def test_creating_again_is_no_violation_where_it_is_stopped_at_the_door(name: str) -> None:
    parent = await provisioner(fault("create", name, after=1))
    assert [(await parent.create()).is_success for _ in range(2)] == [True, False]
    assert parent.rules == []


async def test_creating_again_after_a_slow_answer_is_one() -> None:
    parent = await provisioner(fault("create", "hang", seconds=0))
    await parent.create()
    await parent.create()
    assert parent.rules == ["created_again"]


@asynccontextmanager
async def served(one: Fault) -> AsyncIterator[Provisioner]:
    theatre = Theatre(family(one))
    async with serving(theatre.app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
        theatre.http = http
        yield await Provisioner(theatre, "parent").log_in()


@pytest.mark.parametrize("name", ["hang", "stall"])
async def test_who_hung_up_has_seen_nothing(name: str) -> None:
    async with served(fault("create", name, seconds=0.3)) as parent:
        with pytest.raises(httpx.ReadTimeout):
            await parent.http.post(APPLICATIONS, json=BODY, headers=parent.headers(None), timeout=0.1)
        await asyncio.sleep(0.4)
        assert (await parent.create()).status_code == 409
        assert parent.rules == []


@pytest.mark.parametrize("operation", sorted(PROVISIONING))
@pytest.mark.parametrize("name", ["lost", "dropped", "truncated"])
async def test_a_cut_is_a_real_one(operation: str, name: str) -> None:
    """Also that of an update, whose answer has no body that could end early."""
    async with served(fault(operation, name)) as parent:
        with pytest.raises(httpx.RemoteProtocolError):
            await send(parent, operation)
        assert is_done(parent, operation) == (name != "dropped" and operation != "find")


@pytest.mark.parametrize(("name", "code"), [("expired", 65602), ("bad_token", 65600), ("revoked", 65601)])
async def test_a_token_that_was_called_dead_stays_dead(name: str, code: int) -> None:
    parent = await provisioner(fault("find", name))
    assert complaint(await parent.find())[:2] == (401, code)
    assert complaint(await parent.create())[:2] == (401, code)
    assert parent.rules == ["token_after_401"]
    assert (await (await parent.log_in()).create()).status_code == 201


async def test_a_forbidden_names_what_is_forbidden() -> None:
    parent = await provisioner(fault("find", "forbidden"), fault("rotate", "status", status=403))
    assert complaint(await parent.find())[2] == "Not enough permissions to access: GET /provisionedApplications"
    text = "Not enough permissions to access: POST /developerApplicationsSecurity"
    assert complaint(await parent.rotate("urn:li:developerApplication:11")) == (403, 100, text)


async def test_a_malformed_request_spends_no_fault_and_a_refused_one_does() -> None:
    parent = await provisioner(fault("create", "status", status=500))
    assert (await parent.create(name="")).status_code == 400
    assert (await parent.create(uniqueForeignId="acme-1")).status_code == 500
    assert (await parent.create(uniqueForeignId="acme-1")).status_code == 409


async def test_token_faults_meet_parents_too() -> None:
    parent = await provisioner()
    answer = {"client_id": "parent", "faults": [{"on": "token", "fault": "invalid_client"}]}
    assert (await parent.http.post("/sandbox/faults", json=answer)).status_code == 200
    assert (await parent.ask_token()).status_code == 401
    assert (await parent.ask_token()).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"on": "create", "fault": "lost", "type": "CSA_API"}, "a create request has no integration type"),
        ({"on": "find", "fault": "html", "applied": True}, "only an enable can be applied, or a create"),
        ({"on": "create", "fault": "already_enabled"}, "cannot happen on 'create', only on enable"),
        ({"on": "rotate", "fault": "no_token"}, "cannot happen on 'rotate', only on token"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(parameters)


async def test_each_fault_belongs_to_who_makes_the_call() -> None:
    app = {"client_id": "a", "client_secret": "s"}
    create, verify = ({"on": operation, "fault": "lost"} for operation in ("create", "verify"))
    for world in ({"applications": [app | {"faults": [create]}]}, {"parents": [app | {"faults": [verify]}]}):
        with pytest.raises(WorldError, match=r"makes no (create|verify) request"):
            parse_world(world)
    parent = await provisioner()
    for client_id, one in (("acme", create), ("parent", verify)):
        answer = await parent.http.post("/sandbox/faults", json={"client_id": client_id, "faults": [one]})
        assert answer.status_code == 409


def test_what_remains_of_a_script_goes_on_where_it_was() -> None:
    faults = [
        fault("verify", "status", status=500, times=3, after=1),
        fault("verify", "lost", times=None, after=6),
        fault("enable", "lost"),
    ]
    straight, script = FaultScript(faults), FaultScript(faults)

    def named(one: FaultScript) -> list[str | None]:
        taken = one.take("verify"), one.take("enable")
        return [None if fault is None else fault.fault for fault in taken]

    for _ in range(9):
        assert named(script) == named(straight)
        script = FaultScript([Fault.model_validate_json(one.model_dump_json()) for one in script.remaining()])
