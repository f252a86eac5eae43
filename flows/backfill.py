"""Bring migrated CSA customers over: look at what they have, then enable the rest in waves that grow."""

import asyncio

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.fields import DEFAULT_MAX_CHANGES, Day, File, MaxChanges, Names, Waves
from flows.persons import refuse_one_alone
from flows.plan import look_and_store
from flows.request import (
    BackfillRequest,
    PlanRequest,
    What,
    checked,
    named_after,
)
from flows.verdict import final_state, refusing
from greenlight.ats.runs import RunTarget
from greenlight.domain.budget import Lane
from greenlight.domain.report import Command
from greenlight.settings import Settings, load_settings
from tasks.parts.arguments import as_it_is
from tasks.parts.resources import enabling_resources, now, planning_resources
from tasks.sequences.backfill import adopt_file, enable_in_waves, migrated_since
from tasks.sequences.look_plan_enable import look_and_plan, say_waits
from tasks.sequences.shards import helped
from tasks.sync import sync_with_source
from tasks.telling.artifacts import publish_outcome, publish_plan
from tasks.telling.fleet_chart import publish_fleet


@flow(name="backfill", flow_run_name=named_after(BackfillRequest), persist_result=False, validate_parameters=False)
@refusing
async def backfill(
    what: What = What.PLAN,
    customers: Names = (),
    file: File = "",
    migrated_since: Day = "",
    waves: Waves = (1, 5, 25),
    max_changes: MaxChanges = DEFAULT_MAX_CHANGES,
) -> State[None]:
    """Enable what migrated customers have requested, a wave at a time, and stop at the first surprise.

    Run it again to go on: what is enabled is left out, and nobody ever gets a second application.

    Args:
        what: Plan looks and stores what would be enabled, and changes nothing. Apply enables it at once: no undoing.
        customers: Needed, or one of the next two: ids of the customers, like acme, one a line.
        file: Or an import file on the worker's machine, like /srv/import/csa.csv; brings in the customers' own keys.
        migrated_since: Or all customers that came with their own keys on this UTC day or later, like 2026-11-01.
        waves: How many customers each wave has, like 1, then 5, then 25; after these come all the rest.
        max_changes: At most so many integrations are enabled, like 200; the rest is held for another run.
    """
    request = checked(
        BackfillRequest,
        what=what,
        customers=customers,
        file=file,
        migrated_since=migrated_since,
        waves=waves,
        max_changes=max_changes,
    )
    settings = load_settings()
    if request.what is What.APPLY:
        refuse_one_alone(settings)
    migrated = await _customers(settings, request)
    if not migrated:
        return Completed(name="Converged", message=f"no {request.title()}")
    get_run_logger().info("%s migrated customers; the same again: %s", len(migrated), request.command())
    whom = PlanRequest(customers=migrated, max_changes=request.max_changes)
    if request.what is What.PLAN:
        async with planning_resources(settings, Lane.BACKFILL) as resources:
            return await look_and_store(resources, whom, request.customers)
    async with enabling_resources(settings, Lane.BACKFILL) as resources:
        run_id, scope = str(flow_run.id), RunTarget(whom.selection)
        await sync_with_source(run_id)
        ids = await asyncio.to_thread(resources.runs.ids, scope)
        since = await asyncio.to_thread(resources.runs.start, run_id, Command.APPLY, scope, now(), resources.lane)

        async with helped(run_id):
            made = await look_and_plan(run_id, ids, since, request.max_changes, named=request.customers)
            await publish_plan(as_it_is(made), None, applying=True)
            stopped = await enable_in_waves(run_id, made, request.waves)
        say_waits()

        report = await asyncio.to_thread(resources.runs.finish, run_id, resources.sent(), now())
        await publish_outcome(as_it_is(report))
        await publish_fleet()
        return final_state(report, resources.crashes, stopped)


async def _customers(settings: Settings, request: BackfillRequest) -> tuple[str, ...]:
    if request.file is not None:
        return tuple(await adopt_file(settings, request.file))
    if request.migrated_since is not None:
        return tuple(await migrated_since(settings, request.migrated_since))
    return request.customers
