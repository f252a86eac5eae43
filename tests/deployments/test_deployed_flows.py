"""prefect.yaml against the flows that it names: a server would only say so when the night comes."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.cli.deploy._models import DeploymentConfig
from prefect.client.schemas.schedules import CronSchedule

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = CONFIG["deployments"]

#: A person names these every time; there is nothing that would be right unless told.
ASKS = {"backfill/csa", "approve/stored-plan", "rotate/child-secrets", "apply/approved-plan", "shards/of-a-run"}


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Flow)
    return found


def full_name(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


every = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=[entry["name"] for entry in DEPLOYMENTS])


def test_the_deployments_have_the_names_that_the_guide_and_the_commands_say() -> None:
    assert {full_name(deployment) for deployment in DEPLOYMENTS} == {
        "reconcile/nightly",
        "reconcile/manual",
        "backfill/csa",
        "apply/approved-plan",
        "provision/new-customers",
        "provision/compare-domains",
        "approve/stored-plan",
        "rotate/child-secrets",
        "prune/old-rows",
        "shards/of-a-run",
    }


@every
def test_the_entrypoint_is_a_module_since_a_file_would_be_imported_twice(deployment: dict[str, Any]) -> None:
    assert re.fullmatch(r"flows(\.\w+){2}", deployment["entrypoint"])


@every
def test_prefect_knows_every_key(deployment: dict[str, Any]) -> None:
    """It ignores those that it does not know."""
    DeploymentConfig.model_validate(deployment)
    assert set(deployment) <= set(DeploymentConfig.model_fields)


@every
def test_what_a_schedule_starts_with_is_what_the_flow_takes(deployment: dict[str, Any]) -> None:
    parameters = deployment.get("parameters", {})
    if full_name(deployment) in ASKS:
        assert set(parameters) <= {"what"}
        assert "schedules" not in deployment
    else:
        flow_of(deployment).validate_parameters(parameters)


@every
def test_it_is_described_tagged_and_takes_no_unknown_parameter(deployment: dict[str, Any]) -> None:
    assert deployment["description"].endswith(".")
    # The automations find our runs by this tag.
    assert "greenlight" in deployment["tags"]
    assert deployment["enforce_parameter_schema"] is True
    helps = full_name(deployment) == "shards/of-a-run"
    assert deployment["work_pool"]["name"] == ("greenlight-helpers" if helps else "greenlight")
    assert ("helper" in deployment["tags"]) is helps, "doctor asks for no worker for it"


@every
def test_a_schedule_has_a_time_zone_and_a_cron_line_that_prefect_takes(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_only_the_nightly_run_enables_by_itself() -> None:
    by_name = {full_name(deployment): deployment for deployment in DEPLOYMENTS}
    assert by_name["reconcile/nightly"]["parameters"] == {"what": "apply", "lane": "nightly"}
    assert by_name["reconcile/nightly"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert by_name["reconcile/manual"]["parameters"] == {"what": "plan"}
    assert by_name["provision/compare-domains"]["parameters"] == {"look": True}, "by which it makes and changes nothing"
    assert {name for name, one in by_name.items() if "schedules" in one} == {
        "provision/compare-domains",
        "reconcile/nightly",
        "prune/old-rows",
    }


#: One value of each parameter that any flow takes.
FIELDS: dict[str, Any] = {
    "what": "plan",
    "customers": ["ada"],
    "except_customers": ["ada"],
    "types": ["CSA_API"],
    "max_changes": 7,
    "lane": "nightly",
    "file": "nobody.csv",
    "migrated_since": "2026-11-01",
    "waves": [1],
}
MAY_ENABLE = [entry for entry in DEPLOYMENTS if "enables" in entry["tags"] and entry["name"] != "approved-plan"]


@pytest.mark.parametrize("deployment", MAY_ENABLE, ids=[entry["name"] for entry in MAY_ENABLE])
def test_with_any_single_field_given_only_an_explicit_apply_may_enable(deployment: dict[str, Any]) -> None:
    """A run's own parameters are merged over the deployment's, name by name, and the rest are the flow's defaults."""
    flow, defaults = flow_of(deployment), deployment.get("parameters", {})
    fields = inspect.signature(flow.fn).parameters
    assert next(iter(fields)) == "what", "what comes first in the form"
    assert fields["what"].default == "plan"
    for field in fields:
        given = {**{name: one.default for name, one in fields.items()}, **defaults, field: FIELDS[field]}
        nightly = full_name(deployment) == "reconcile/nightly" and field != "what"
        assert given["what"] == ("apply" if nightly else "plan")


def test_a_plan_is_applied_by_its_id_alone() -> None:
    (one,) = [entry for entry in DEPLOYMENTS if entry["name"] == "approved-plan"]
    fields = inspect.signature(flow_of(one).fn).parameters
    assert {name: field.default for name, field in fields.items()} == {
        "plan_id": inspect.Parameter.empty,
        "applied_by": "",
    }


@every
def test_the_form_has_a_field_for_each_parameter_and_a_sentence_under_it(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    shown = flow.parameters.properties
    assert list(shown) == list(inspect.signature(flow.fn).parameters)
    assert all(field["description"].endswith(".") for field in shown.values())


def _forms(schema: Any) -> list[dict[str, Any]]:
    """A field's schema and all that is in it."""
    if isinstance(schema, list):
        return [found for each in schema for found in _forms(each)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for each in schema.values() for found in _forms(each))]


@every
def test_no_field_is_a_choice_of_types_or_an_editor_of_json(deployment: dict[str, Any]) -> None:
    """A field that may be nothing would be drawn as tabs, `str` and `None`, and a mapping as JSON to write by hand."""
    flow = flow_of(deployment)
    for name, field in flow.parameters.properties.items():
        for part in _forms(field):
            assert "anyOf" not in part, name
            assert part.get("type") not in ("null", "object"), name
            assert part.get("default", "") is not None, "a form that is sent as it was opened would be refused"


@every
def test_what_a_person_types_has_an_example_or_may_be_left_alone(deployment: dict[str, Any]) -> None:
    for name, field in flow_of(deployment).parameters.properties.items():
        typed = "$ref" not in field and field["type"] != "boolean" and name not in ("plan_id", "hours")
        assert not typed or re.search(r", like |Leave it (empty|at)", field["description"]), name


def test_what_has_to_be_given_is_not_called_optional() -> None:
    required = {full_name(one): set(flow_of(one).parameters.required or []) for one in DEPLOYMENTS}
    assert {name: fields for name, fields in required.items() if fields} == {
        "approve/stored-plan": {"plan_id", "approved_by"},
        "apply/approved-plan": {"plan_id"},
        "shards/of-a-run": {"run_id"},
    }
    fields = {f"{full_name(one)} {name}": field for one in DEPLOYMENTS for name, field in _properties(one)}
    needed = {name for name, field in fields.items() if field["description"].startswith("Needed")}
    assert needed == {"backfill/csa customers", "rotate/child-secrets customers"}, "one of several ways is needed"


def _properties(deployment: dict[str, Any]) -> Any:
    return flow_of(deployment).parameters.properties.items()
