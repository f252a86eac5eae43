"""`tripwires` and `tripwires lift`: parsing alone, as in `cli.app`."""

from typing import Annotated

from cyclopts import App, Parameter

from cli.groups import ENABLE
from cli.options import Json

tripwires = App(name="tripwires", group=ENABLE, help="What guards hold back until a person lifts it.")


@tripwires.default
def tripwires_list(*, json: Json = False) -> int:
    """List what is held: which guard, what it saw, since when."""
    from cli.tripwires import run_tripwires

    return run_tripwires(as_json=json)


@tripwires.command
def lift(
    *customers: str,
    all: Annotated[bool, Parameter(negative=(), help="Everything that is held, for everybody.")] = False,
    source: Annotated[
        bool, Parameter(negative=(), help="The source of what is wanted, which has much less than before.")
    ] = False,
    by: Annotated[str | None, Parameter(help="Who says so (you unless given).")] = None,
    json: Json = False,
) -> int:
    """Let what is held for these customers go on; the next run enables what is ready, which cannot be undone."""
    from cli.tripwires import run_lift

    return run_lift(customers, everybody=all, source=source, by=by, as_json=json)
