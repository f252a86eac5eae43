"""Where an installation wants two persons behind every enable, one alone starts none (GREENLIGHT_APPROVERS)."""

from prefect.runtime import flow_run

from greenlight.ats.plans import PlanRefused
from greenlight.domain.approval import Approvers
from greenlight.settings import Settings

#: What Prefect's scheduler gives the runs that it makes; the night is nobody's.
_SCHEDULED = "auto-scheduled"


def refuse_one_alone(settings: Settings) -> None:
    """Raise PlanRefused for a run that a person started and that would enable what nobody else has approved."""
    if settings.approvers is Approvers.ANOTHER and _SCHEDULED not in flow_run.tags:
        raise PlanRefused(
            "here one person alone enables nothing (GREENLIGHT_APPROVERS=another): run it with what=plan, have "
            "somebody else approve the plan, and apply it by its id"
        )
