"""Replace the secrets of child applications (fact sheet section 1, secret rotation)."""

import asyncio
from typing import Self

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.request import Name, PlanRequest, Who
from flows.verdict import provisioned_state
from greenlight.domain.rotation import COMMAND, RotationReport
from greenlight.settings import load_settings
from tasks.provision import provisioning_session
from tasks.publish import publish_applications
from tasks.rotate import rotate_all
from tasks.session import now


class RotateRequest(BaseModel):
    """Whose secrets to replace: the customers named, or all whose applications provisioning made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers: tuple[Name, ...] = Field(
        default=(), description="Only these customers.", json_schema_extra={"position": 0}
    )
    all_customers: bool = Field(
        default=False,
        description="Every customer whose application provisioning made; name none then.",
        json_schema_extra={"position": 1},
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.all_customers == bool(self.customers):
            raise ValueError("name customers, or say all_customers")
        return self

    def title(self) -> str:
        return PlanRequest(who=Who.SOME, customers=self.customers).title() if self.customers else "all customers"


def rotate_name() -> str:
    """What this flow run is called in Prefect's UI."""
    return f"rotate: {RotateRequest.model_validate(flow_run.parameters['request']).title()}"


@flow(name="rotate", flow_run_name=rotate_name, persist_result=False)
async def rotate(request: RotateRequest) -> State[None]:
    """Give each customer's child application a new secret, keep it, and see that LinkedIn accepts it.

    Args:
        request: Whose secrets to replace.
    """
    async with provisioning_session(load_settings()) as session:
        run_id, applications = str(flow_run.id), session.applications
        customers = await asyncio.to_thread(session.rotations.select, request.customers)
        await asyncio.to_thread(applications.start, run_id, request.model_dump(mode="json"), now(), COMMAND)

        await rotate_all(run_id, customers)

        ended = await asyncio.to_thread(applications.finish, run_id, session.sent(), now())
        report = RotationReport(ended.run_id, ended.items, ended.requests)
        await publish_applications(report, "rotation-outcome")
        return provisioned_state(report, session.crashes, "Rotated")
