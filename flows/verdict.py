"""The final state of a flow run, computed from its items and from nothing else."""

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from greenlight.domain.report import Command, Report, Verdict


def final_state(report: Report) -> State[None]:
    """Completed if nothing is left for somebody to do, else Failed, so that failure automations fire; both are named.

    The message names who needs somebody.
    """
    match report.verdict:
        case Verdict.OK if report.command is Command.PLAN and report.changes:
            return Completed(name="Planned", message=report.headline())
        case Verdict.OK:
            return Completed(name="Converged", message=report.headline())
        case Verdict.PARTIAL:
            return Failed(name="PartialFailure", message=report.headline())
        case Verdict.FAILED:
            return Failed(name="NothingSucceeded", message=report.headline())
