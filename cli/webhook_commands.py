"""`webhooks`: parsing alone, as in `cli.app`."""

from typing import Annotated

from cyclopts import App, Parameter

from cli.groups import KEEP
from cli.options import Json

webhooks = App(name="webhooks", group=KEEP, help="What your systems are told of: list it, tell it again, try it.")


@webhooks.command(name="list")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Also what was delivered, the newest first.")] = (
        False
    ),
    most: Annotated[int, Parameter(help="List so many at most (100 unless given).")] = 100,
    json: Json = False,
) -> int:
    """List events that are still to be delivered or have failed, the oldest first, with the next try."""
    from cli.webhooks import run_list

    return run_list(everything=all_, most=most, as_json=json)


@webhooks.command
def replay(
    event_id: str | None = None,
    /,
    *,
    since: Annotated[str | None, Parameter(help="All that happened since this moment, as 2026-03-01T12:00Z.")] = None,
    json: Json = False,
) -> int:
    """Deliver EVENT_ID again, or all since a moment, under the same ids; the worker sends them."""
    from cli.webhooks import run_replay

    return run_replay(event_id, since, as_json=json)


@webhooks.command(name="test")
def try_(*, json: Json = False) -> int:
    """Send one event of type webhook.test now, and say what came back; 3 if it was not taken."""
    from cli.webhooks import run_test

    return run_test(as_json=json)
