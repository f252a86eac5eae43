"""Before `provision`: what would change in applications' lists of domains is shown, and asked about."""

import sys
from typing import Any

from rich.console import Console

from cli.render import plain
from greenlight.ats.database import Database
from greenlight.ats.domains import DomainLists
from greenlight.domain.domains import digest_of
from greenlight.errors import RefusedByRule
from greenlight.settings import Settings


def confirmed_domains(
    database: Database, settings: Settings, customers: tuple[str, ...], max_changes: int | None, *, yes: bool
) -> dict[str, Any]:
    """The flow's parameters for the lists that may be changed. Raises RefusedByRule where nobody has said yes."""
    changes = DomainLists(database).changes(customers, settings.origins)
    stderr = Console(stderr=True, emoji=False, soft_wrap=True)
    for customer_id, change in changes.items():
        kept = f"; not written from here and kept: {', '.join(change.foreign)}" if change.foreign else ""
        stderr.print(plain(f"{customer_id}: {change}{kept}"))
    # The flow's own cap stands where none was given.
    cap = {} if max_changes is None else {"max_changes": max_changes}
    if yes:
        return {"change_domains": True, **cap}
    if changes:
        count = "a list" if len(changes) == 1 else f"{len(changes)} lists"
        if not sys.stdin.isatty():
            raise RefusedByRule(
                f"{count} of domains on which customers' pages work would change; nothing was done",
                "without a terminal it needs --yes, or --customer with those that change nothing",
            )
        stderr.print(plain(f"Change {count} of domains on which customers' pages work? Only yes goes on: "), end="")
        if sys.stdin.readline().strip() != "yes":
            raise RefusedByRule("not confirmed; nothing was changed", "answer yes, or add --yes")
    return {"as_shown": digest_of(changes), **cap}
