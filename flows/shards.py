"""Take shards of another run, so that more than one machine is at it. Started by that run, and of no use to people."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.fields import RunId
from flows.request import HelpRequest, checked, named_after
from flows.verdict import refusing
from greenlight.ats.shards import Shards
from greenlight.domain.report import Command
from greenlight.settings import load_settings
from tasks.parts.resources import enabling_resources, ground, now, planning_resources
from tasks.sequences.shards import help_with


@flow(name="shards", flow_run_name=named_after(HelpRequest), persist_result=False, validate_parameters=False)
@refusing
async def shards(run_id: RunId) -> State[None]:
    """Do shards of a run that lasts, as long as it has some. Leave it to the run: nobody needs to start this.

    Args:
        run_id: Id of the run that is helped, like 01998f6e-0000-7000-8000-000000000000; of any other there is nothing.
    """
    run_id, settings = checked(HelpRequest, run_id=run_id).run_id, load_settings()
    async with ground(settings) as (database, _, _):
        helps = Shards(database, "").helps(run_id, now())
    if helps is None:
        return Completed(name="NothingLeft", message=f"run {run_id} is over, or needs no help")
    # For a run that only plans, without any object that could enable.
    means = planning_resources if helps.command is Command.PLAN else enabling_resources
    async with means(settings, helps.lane) as resources:
        resources.observer.began = helps.since
        done = await help_with(run_id)
    count = sum(len(shard.integrations) for shard in done)
    return Completed(name="Helped", message=f"{len(done)} shards of run {run_id}, {count} integrations")
