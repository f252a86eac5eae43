"""What an enable does to the integrations it names (docs/linkedin.md#enable): all move or, on a refusal, none."""

from collections.abc import Mapping, Sequence

from sandbox.answers import Answer, api_error
from sandbox.clients import Client
from sandbox.keys import Key
from sandbox.state import Sandbox
from sandbox.watch import normal
from sandbox.world import is_recruiter_type

ALREADY_ENABLED = (
    "One or more of your update keys are violating update rule : "
    "modifying onboarding status for already enabled integration is not allowed"
)


def moves_of(sandbox: Sandbox, client: Client, keys: Sequence[Key]) -> dict[Key, str] | Answer:
    """Where each of the keys goes, without those that were never requested; or the refusal of the whole request."""
    moves = dict[Key, str]()
    if any(sandbox.owner(key) not in (None, client.client_id) for key in keys):
        return api_error(403)
    for key in keys:
        one = client.integrations.get(key)
        status = normal(None if one is None else one.status)
        if status == "ENABLED":
            return api_error(400, ALREADY_ENABLED)
        if status == "NOT_REQUESTED":
            continue
        target = _after_enable(key.integration_type, status)
        if target is None:
            return api_error(400, ALREADY_ENABLED.replace("already enabled", status))
        moves[key] = target
    return moves


def move(client: Client, moves: Mapping[Key, str], names: Mapping[Key, str], at: float) -> None:
    for key, target in moves.items():
        one = client.integrations[key]
        one.effective += normal(one.status) != target
        one.move(target, names[key], at)


def _after_enable(integration_type: str, status: str) -> str | None:
    """The state machine. For Recruiter types the customer has the last move; None where an enable is refused."""
    if status == "REQUESTED":
        return "PARTNER_READY" if is_recruiter_type(integration_type) else "ENABLED"
    if status == "PARTNER_READY":
        return "PARTNER_READY" if is_recruiter_type(integration_type) else "ENABLED"
    return None
