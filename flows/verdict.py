"""The final state of a flow run, computed from its items and from nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from greenlight.domain.provisioning import ProvisionReport
from greenlight.domain.report import Command, Report, Verdict, first_ten
from greenlight.errors import GreenlightError
from tasks.telling.events import PASSES, failed, refused_state

_P = ParamSpec("_P")


def final_state(report: Report, crashes: Sequence[str], stopped: str | None = None) -> State[None]:
    """Completed if nothing is left for somebody to do that nobody was told of, else Failed; all are named.

    Failure automations fire for the latter.

    Failed as well where a scheduled run has found something that is not ENABLED any more.

    The message names who needs somebody. `crashes` are the error types of chunks that did not come to an end: a defect
    or a database that is away, whatever the items say.
    """
    if crashes:
        return _crashed(crashes, f"{stopped}. {report.headline()}" if stopped else report.headline())
    if report.drifted:
        return Failed(name="DriftFound", message=report.headline())
    if stopped is not None:
        return Failed(name="Stopped", message=f"{stopped}. {report.headline()}")
    if report.verdict is not Verdict.OK:
        return _unsettled(report)
    planned = report.command is Command.PLAN and report.changes
    return Completed(name="Planned" if planned else "Converged", message=report.headline())


def refusing(story: Callable[_P, Awaitable[State[None]]]) -> Callable[_P, Any]:
    """A flow's function that ends in one sentence, and no traceback, where it is refused."""

    @wraps(story)
    async def refused_or_told(*args: _P.args, **kwargs: _P.kwargs) -> State[None]:
        try:
            return await story(*args, **kwargs)
        except GreenlightError as refused:
            return refused_state(refused)

    return refused_or_told


def provisioned_state(report: ProvisionReport, crashes: Sequence[str], name: str = "Provisioned") -> State[None]:
    """Completed, by this name, if every application is as it should be and works, else Failed; both are named."""
    if crashes:
        return _crashed(crashes, report.headline())
    if report.verdict is not Verdict.OK:
        return failed(report.verdict, report.headline())
    return Completed(name=name, message=report.headline())


def looked_state(report: ProvisionReport, fresh: Sequence[str], crashes: Sequence[str]) -> State[None]:
    """Failed where an application is not as it is on record and nobody was told of that, or could not be looked at."""
    if crashes:
        return _crashed(crashes, report.headline())
    if fresh:
        return Failed(name="DriftFound", message=f"{first_ten(fresh)}. {report.headline()}")
    if any(item.reason in PASSES for item in report.unsettled()):
        return failed(report.verdict, report.headline())
    if report.unsettled():
        return Completed(name="KnownTrouble", message=f"Nothing new. {report.headline()}")
    return Completed(name="Looked", message=report.headline())


def _crashed(crashes: Sequence[str], headline: str) -> State[None]:
    chunks = "1 chunk" if len(crashes) == 1 else f"{len(crashes)} chunks"
    return Failed(name="Crashed", message=f"{chunks} of the work ended in an error, the first {crashes[0]}. {headline}")


def _unsettled(report: Report) -> State[None]:
    """Failed is for new trouble and for a run that could not do its work: what is red every night nobody reads."""
    if report.is_known_trouble():
        return Completed(name="KnownTrouble", message=f"Nothing new. {report.headline()}")
    return failed(report.verdict, report.headline())
