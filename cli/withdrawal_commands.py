"""`withdraw`, `forget` and `sessions`: parsing alone, as in `cli.app`."""

from typing import Annotated

from cyclopts import App, Parameter

from cli.groups import CUSTOMERS
from cli.options import Json, Yes

By = Annotated[str | None, Parameter(help="Who says so (you unless given).")]

sessions = App(name="sessions", group=CUSTOMERS, help="Browser sessions of the customers' page.")


def withdraw(
    customer: str,
    integration_type: str,
    integration_context: str | None = None,
    /,
    *,
    by: By = None,
    json: Json = False,
) -> int:
    """Look at this integration no more and never enable it; its history is kept, and at LinkedIn nothing changes.

    A new request of the customer's, or an import that names it, brings it back.
    """
    from cli.withdrawals import run_withdraw

    return run_withdraw(customer, integration_type, integration_context, by=by, as_json=json)


def forget(customer: str, /, *, by: By = None, yes: Yes = False, json: Json = False) -> int:
    """A customer has left: withdraw its integrations, end its sessions, delete its secret, take its name off.

    What an auditor needs stays: which enables were sent, when, on whose word, by the customer's id.
    """
    from cli.withdrawals import run_forget

    return run_forget(customer, by=by, yes=yes, as_json=json)


@sessions.command(name="list")
def list_(*, json: Json = False) -> int:
    """List the sessions that are open now."""
    from cli.withdrawals import run_sessions

    return run_sessions(as_json=json)


@sessions.command
def end(customer: str, /, *, json: Json = False) -> int:
    """End a customer's sessions at once; a new link opens a new one."""
    from cli.withdrawals import run_end_sessions

    return run_end_sessions(customer, as_json=json)
