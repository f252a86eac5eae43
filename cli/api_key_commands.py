"""`api-key`: parsing alone, as in `cli.app`."""

from typing import Annotated

from cyclopts import App, Parameter

from cli.groups import SET_UP
from cli.options import Json

api_keys = App(name="api-key", group=SET_UP, help="Keys with which your back end calls the HTTP API.")


@api_keys.command
def create(
    name: str,
    /,
    *,
    scopes: Annotated[
        tuple[str, ...],
        Parameter(name="--scope", negative=(), help="What it may do (everything unless given); repeatable."),
    ] = (),
    days: Annotated[int | None, Parameter(help="How long it lasts (until revoked unless given).")] = None,
    json: Json = False,
) -> int:
    """Make a key and show it, this once: only its digest is kept."""
    from cli.api_keys import run_create

    return run_create(name, scopes, days, as_json=json)


@api_keys.command(name="list")
def list_(*, json: Json = False) -> int:
    """List the keys with what they may do and when they were last used."""
    from cli.api_keys import run_list

    return run_list(as_json=json)


@api_keys.command
def revoke(name: str, /, *, json: Json = False) -> int:
    """Let a key open nothing any more, from now on."""
    from cli.api_keys import run_revoke

    return run_revoke(name, as_json=json)
