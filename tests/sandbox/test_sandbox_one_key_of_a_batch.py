"""Over real HTTP: a fault that names one integration of a request leaves the others as they should be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.faults import FAULTS, PER_KEY, Fault
from sandbox.server import serving
from tests.sandbox.partner import AWLI, CSA, Clock, Partner, by_key, read_key, small_world

NAMES_CSA = [{"type": "CSA_API"}, {"context": "urn:li:contract:77"}]

#: Per fault and operation: parameters, and what is told of the named key in `results` and in `errors`.
CASES: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    ("enable", "ignored", {}, {"status": 204}, None),
    ("enable", "ignored", {"status": 202}, {"status": 202}, None),
    ("enable", "no_record", {"place": "results"}, {"status": 404}, None),
    ("enable", "no_record", {"place": "errors"}, None, 404),
    ("enable", "status_in_errors", {"status": 403, "message": "no"}, None, 403),
    ("enable", "missing_key", {}, None, None),
    ("verify", "status_in_errors", {"status": 403}, None, 403),
    ("verify", "missing_key", {}, None, None),
    ("verify", "lag", {"seconds": 25}, {"onboardingStatus": "REQUESTED"}, None),
    ("verify", "lowercase_status", {}, {"onboardingStatus": "requested"}, None),
    ("verify", "prose_status", {}, {"onboardingStatus": "Requested"}, None),
    ("verify", "unknown_status", {}, {"onboardingStatus": "SUSPENDED"}, None),
]


@asynccontextmanager
async def served(*faults: Fault) -> AsyncIterator[Partner]:
    app = create_app(small_world(*faults), clock=Clock())
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
        partner = Partner(http, app.state.sandbox)
        await partner.log_in()
        yield partner


def fault(on: str, name: str, **parameters: Any) -> Fault:
    return Fault.model_validate({"on": on, "fault": name, **parameters})


@pytest.mark.parametrize("names", NAMES_CSA, ids=["type", "context"])
@pytest.mark.parametrize(("operation", "name", "parameters", "result", "error"), CASES)
async def test_only_the_named_key(
    operation: str, name: str, parameters: dict[str, Any], result: Any, error: Any, names: dict[str, str]
) -> None:
    async with served(fault(operation, name, **parameters, **names)) as partner:
        answer = await (partner.verify(AWLI, CSA) if operation == "verify" else partner.enable(AWLI, CSA))
        body = answer.json()
        told, errors = by_key(body["results"]), by_key(body["errors"])
        assert told.pop(AWLI) == ({"onboardingStatus": "REQUESTED"} if operation == "verify" else {"status": 204})
        assert told == ({} if result is None else {CSA: result})
        assert {key: one["status"] for key, one in errors.items()} == ({} if error is None else {CSA: error})
        assert partner.status(AWLI) == ("REQUESTED" if operation == "verify" else "ENABLED")
        # Only of what is missing from an enable's answer cannot be said that nothing was done.
        done = operation == "enable" and name == "missing_key"
        assert partner.status(CSA) == ("PARTNER_READY" if done else "REQUESTED")


@pytest.mark.parametrize("operation", ["verify", "enable"])
async def test_a_conflict_about_one_key(operation: str) -> None:
    async with served(fault(operation, "conflicting", type="CSA_API")) as partner:
        answer = await (partner.verify(AWLI, CSA) if operation == "verify" else partner.enable(AWLI, CSA))
        assert sorted(read_key(text) for text in answer.json()["results"]) == sorted([AWLI, CSA, CSA])


def test_each_of_them_is_tried() -> None:
    possible = {(operation, name) for name in PER_KEY for operation in FAULTS[name][0]}
    assert {case[:2] for case in CASES} | {("verify", "conflicting"), ("enable", "conflicting")} == possible


async def test_what_was_rightly_told_of_the_other_key_is_a_licence() -> None:
    async with served(fault("verify", "status_in_errors", status=403, type="CSA_API")) as partner:
        await partner.verify(AWLI, CSA)
        await partner.enable(AWLI)
        assert partner.rules == []
        await partner.enable(CSA)
        assert partner.rules == ["enable_without_verify"]


async def test_only_the_named_key_is_late() -> None:
    async with served(fault("enable", "ignored", applied_after=5, type="CSA_API")) as partner:
        await partner.verify(AWLI, CSA)
        await partner.enable(AWLI, CSA)
        assert (partner.status(AWLI), partner.status(CSA)) == ("ENABLED", "REQUESTED")
        partner.sandbox.advance(6)
        assert (partner.status(CSA), partner.enables(AWLI), partner.enables(CSA)) == ("PARTNER_READY", (1, 1), (1, 1))
        assert partner.rules == []


async def test_an_answer_for_the_whole_request_is_early_for_all_of_it() -> None:
    async with served(fault("enable", "status", status=504, applied_after=5, type="CSA_API")) as partner:
        await partner.enable(AWLI, CSA)
        assert (partner.status(AWLI), partner.status(CSA)) == ("REQUESTED", "REQUESTED")
        partner.sandbox.advance(6)
        assert (partner.status(AWLI), partner.status(CSA)) == ("ENABLED", "PARTNER_READY")
