"""Every deployment started on a server with one field given: nothing but an explicit apply enables.

The server merges what a run gives over what the deployment says; the run then goes against a sandbox over real HTTP.
"""

import importlib
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flow_engine import run_flow
from prefect.flows import EntrypointType

from flows.plan import plan
from tests.flows.fault_world import Case, import_file, world

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = {
    f"{entry['entrypoint'].split('.')[1]}/{entry['name']}": entry
    for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
}
CROWD = tuple(Case(name, "an ordinary customer", ("enabled", "ENABLED", "ENABLED")) for name in ("ada", "bob"))
#: One value of each parameter, as a form sends it.
FIELDS: dict[str, Any] = {
    "what": "plan",
    "customers": ["ada"],
    "except_customers": ["bob"],
    "types": ["APPLY_WITH_LINKEDIN"],
    "max_changes": 7,
    "lane": "nightly",
    "file": "customers.jsonl",
    "migrated_since": "2020-01-01",
    "waves": [1],
    "plan_id": "one that nobody has approved",
    "approved_by": "ann",
    "applied_by": "ann",
    "hours": 1,
    "enables": 2,
    "new": ["cyd=Cyd"],
    "look": True,
    "change_domains": True,
    "as_shown": "0123456789abcdef",
    "all_customers": True,
    "customers_per_run": 1,
    "run_id": "01998f6e-0000-7000-8000-000000000000",
}
PLAIN = sorted(set(DEPLOYMENTS) - {"reconcile/nightly"})


def flow_of(name: str) -> Any:
    module, _, function = DEPLOYMENTS[name]["entrypoint"].rpartition(".")
    return getattr(importlib.import_module(module), function)


async def started(name: str, given: dict[str, Any]) -> Any:
    """The state in which a run of this deployment, started with these fields, has ended.

    None where the server itself takes no such run, since the flow needs another field too.
    """
    flow, told = flow_of(name), DEPLOYMENTS[name]
    deployment = await flow.ato_deployment(
        f"{told['name']}-{uuid4()}",
        parameters=told.get("parameters"),
        enforce_parameter_schema=told["enforce_parameter_schema"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    async with get_client() as client:
        try:
            run = await client.create_flow_run_from_deployment(await deployment.aapply(), parameters=given)
        except PrefectHTTPStatusError as error:
            if "is a required property" in error.response.text:
                return None
            raise
    return await cast(Any, run_flow(flow, flow_run=run, return_type="state"))


def enabled(there: Any) -> set[str]:
    return {customer for customer, count in there.enables().items() if count["received"]}


@pytest.mark.parametrize("name", PLAIN)
async def test_no_single_field_enables(town: Any, name: str, tmp_path: Path, subtests: pytest.Subtests) -> None:
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        for field in flow_of(name).parameters.properties:
            value = FIELDS[field]
            with subtests.test(field):
                if field == "file":
                    value = str(tmp_path / value)
                if field == "plan_id":
                    value = there.report(await plan(return_state=True)).plan_id
                state = await started(name, {field: value})
                if state is not None:
                    assert state.is_final()
                    assert not state.is_crashed(), state.message
                assert "enable" not in there.operations()
                assert there.enables() == {name: {"received": 0, "effective": 0} for name in ("ada", "bob")}


@pytest.mark.parametrize("name", ["reconcile/manual", "backfill/csa"])
async def test_what_was_planned_is_enabled_when_apply_is_said(town: Any, name: str) -> None:
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        state = await started(name, {"what": "apply", "customers": ["ada"]})
        assert state.is_completed(), state.message
        assert enabled(there) == {"ada"}


NIGHTLY = {
    "customers": {"ada"},
    "except_customers": {"ada"},
    "types": {"ada", "bob"},
    "max_changes": {"ada", "bob"},
    "lane": {"ada", "bob"},
    "what": set[str](),
}


@pytest.mark.parametrize(("field", "expected"), NIGHTLY.items(), ids=NIGHTLY)
async def test_what_a_deployment_says_survives_a_field_that_is_given(town: Any, field: str, expected: set[str]) -> None:
    """The night applies, for whom it is told, in its own lane."""
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        state = await started("reconcile/nightly", {field: FIELDS[field]})
        assert not state.is_crashed(), state.message
        assert enabled(there) == expected


def test_every_field_of_every_deployment_is_tried() -> None:
    assert {field for name in DEPLOYMENTS for field in flow_of(name).parameters.properties} <= set(FIELDS)
