"""`provision` as it is typed."""

from typing import Annotated

from cyclopts import Parameter

from cli.options import Customers, Json, Yes


def provision(
    *,
    customers: Customers = (),
    new: Annotated[
        tuple[str, ...],
        Parameter(name="--new", negative=(), help="ID=NAME: a customer to put on record first; repeatable."),
    ] = (),
    max_changes: Annotated[
        int | None, Parameter(name="--max-changes", help="The most lists of domains changed (200 unless given).")
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Create or adopt a child application for each customer that has none, and bring drifted ones up to date."""
    from cli.provisioning import run_provision

    return run_provision(customers, new, max_changes, yes=yes, as_json=json)
