"""The checks of `doctor` on what makes the night happen by itself: schedules, workers, automations and their events.

All of them only read. A server without our deployments is one for the command line or somebody's cron, and no problem.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from cli.checks import Finding, ok, problem, warning
from greenlight.domain.report import first_ten

#: What all deployments of prefect.yaml are tagged with, and how the names of our automations begin.
TAG, OURS = "greenlight", "greenlight-"
#: What is tagged so helps large runs on other machines, and without a worker for it runs do all themselves.
HELPER = "helper"
#: In so many days some run of a scheduled deployment has ended.
_DAYS = 2
_DEPLOY = "prefect --no-prompt deploy --all, and a worker on the pool (docs/operating.md)"
_AUTOMATE = "python -m deployments.automations --notify BLOCK (docs/operating.md)"


async def check_night() -> list[Finding]:
    """What of it is there. Raises what Prefect's client raises."""
    async with get_client(httpx_settings={"timeout": 10}) as client:
        ours = await client.read_deployments(
            deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])), limit=100
        )
        if not ours:
            text = "no deployment of ours is on this server: nothing runs by itself"
            return [warning("schedules", text, "the server's deployments", _DEPLOY)]
        pools = sorted({each.work_pool_name for each in ours if each.work_pool_name and HELPER not in each.tags})
        workers = [await _workers(client, pool) for pool in pools]
        return [await _schedules(client, ours), *workers, await _automations(client), *await _events(client)]


async def _schedules(client: PrefectClient, ours: Sequence[DeploymentResponse]) -> Finding:
    name, tried = "schedules", "the server's deployments"
    scheduled = [each for each in ours if each.schedules]
    off = sorted(each.name for each in scheduled if each.paused or not any(one.active for one in each.schedules))
    if not scheduled:
        return problem(name, f"none of {len(ours)} deployments has a schedule: no night comes", tried, _DEPLOY)
    if off:
        remedy = "switch them on in Prefect's UI, under Deployments, unless somebody meant it"
        return problem(name, f"switched off: {first_ten(off)}", tried, remedy)
    planned = await _planned(client, scheduled)
    if idle := sorted(each.name for each in scheduled if str(each.id) not in planned):
        remedy = "wait a minute after deploying; then the server's log says why its scheduler fails (docs/operating.md)"
        return problem(name, f"on, but no coming run is planned: {first_ten(idle)}", tried, remedy)
    return ok(name, f"on: {first_ten(sorted(each.name for each in scheduled))}", tried)


async def _planned(client: PrefectClient, scheduled: Sequence[DeploymentResponse]) -> set[str]:
    """Ids of the deployments for which the server's scheduler has planned a run that is still to come."""
    coming = {
        "deployment_id": {"any_": [str(each.id) for each in scheduled]},
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "expected_start_time": {"after_": datetime.now(UTC).isoformat()},
    }
    runs = await client.request("POST", "/flow_runs/filter", json={"flow_runs": coming, "limit": 200})
    return {run["deployment_id"] for run in runs.json() if run["auto_scheduled"]}


async def _workers(client: PrefectClient, name: str) -> Finding:
    check, tried = "workers", f"the workers of the pool {name!r}"
    try:
        pool = await client.read_work_pool(name)
        workers = await client.read_workers_for_work_pool(name)
    except ObjectNotFound:
        remedy = f"prefect work-pool create {name} --type process, then start a worker on it"
        return problem(check, f"there is no work pool {name!r}", tried, remedy)
    online = [worker.name for worker in workers if str(getattr(worker.status, "value", worker.status)) == "ONLINE"]
    if pool.is_paused:
        return problem(check, f"the work pool {name!r} is paused", tried, f"prefect work-pool resume {name}")
    if not online:
        text = f"nobody takes runs from the work pool {name!r}: no worker is online"
        return problem(check, text, tried, f"prefect worker start --pool {name}")
    return ok(check, f"{name!r} has {len(online)} online", tried)


async def _automations(client: PrefectClient) -> Finding:
    name, tried = "automations", "the server's automations"
    ours = [each for each in await client.read_automations() if each.name.startswith(OURS)]
    off = sorted(each.name for each in ours if not each.enabled)
    if not ours:
        return warning(name, "none of ours: nobody is told when a night fails or is missing", tried, _AUTOMATE)
    if off:
        return warning(
            name, f"switched off: {first_ten(off)}", tried, "switch them on in Prefect's UI if nobody meant it"
        )
    return ok(name, f"{len(ours)} are on", tried)


async def _events(client: PrefectClient) -> list[Finding]:
    """Whether what runs emit has come through: over a websocket, which a proxy may refuse without a word."""
    name, tried = "events", f"runs and events of the last {_DAYS} days"
    since = (datetime.now(UTC) - timedelta(days=_DAYS)).isoformat()
    ended: dict[str, Any] = {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}, "end_time": {"after_": since}}
    tasks = await client.request("POST", "/task_runs/filter", json={"task_runs": ended, "limit": 1})
    if not tasks.json():
        return []
    # The server makes those of flow runs itself; a task's come from where it ran.
    wanted = {"event": {"prefix": ["prefect.task-run."]}, "occurred": {"since": since}}
    events = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    if events.json()["events"]:
        return [ok(name, "events of runs reach the server", tried)]
    text = "runs have ended and no event of theirs has come: automations stay silent"
    return [problem(name, text, tried, "let the proxy before Prefect's server pass websockets at /api/events/in")]
