"""Tasks that publish artifacts and the events that go with them; their text is made in `pages.py`."""

import asyncio

from prefect import task
from prefect.artifacts import acreate_markdown_artifact

from greenlight.domain.provisioning import ProvisionReport
from greenlight.domain.report import Report
from tasks.parts.plan_made import PlanMade
from tasks.parts.provisioning_resources import current_provisioning
from tasks.parts.resources import current_resources
from tasks.parts.retries import RECORDING
from tasks.telling.best_effort import best_effort
from tasks.telling.events import announce, announce_applications
from tasks.telling.pages import applications_page, outcome_page, plan_key, plan_pages


@task(name="publish plan", task_run_name="publish plan", **RECORDING)
async def publish_plan(made: PlanMade, plan_id: str | None, *, applying: bool) -> None:
    """What would be enabled, all of it, and what is held, for people; `applying` says that the run goes on to it."""
    entries = [entry for _, entry in made.entries]
    customers = sorted({entry.item.customer_id for entry in entries})
    names = await asyncio.to_thread(current_resources().store.names, customers)
    pages = plan_pages(entries, names, made.price, plan_id, applying=applying)
    for number, page in enumerate(pages, 1):
        async with best_effort("a page of the plan"):
            await acreate_markdown_artifact(
                page,
                key=plan_key(number),
                description="What the run planned, before it did anything."
                + (f" Page {number} of {len(pages)}." if len(pages) > 1 else ""),
            )


@task(name="publish outcome", task_run_name="publish outcome", **RECORDING)
async def publish_outcome(report: Report) -> None:
    """Every item's outcome: first what this run changed, which cannot be undone, then those that need somebody."""
    async with best_effort("the outcome"):
        await acreate_markdown_artifact(outcome_page(report), key="reconcile-outcome", description=report.headline())
    resources = current_resources()
    await announce(report, resources.alarms, resources.announcements)


@task(name="publish applications", task_run_name="publish applications", **RECORDING)
async def publish_applications(report: ProvisionReport, key: str = "provision-outcome") -> None:
    """Every customer's child application, those that do not work yet first."""
    async with best_effort("the outcome"):
        await acreate_markdown_artifact(applications_page(report), key=key, description=report.headline())


async def tell_drift(report: ProvisionReport) -> list[str]:
    """Announce what a look at applications has found; what of it is new, in words."""
    resources = current_provisioning()
    return await announce_applications(report, resources.lists, resources.alarms)
