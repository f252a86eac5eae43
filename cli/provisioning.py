"""`provision` and `parent`: child applications for customers, and the credentials they are made with."""

import asyncio
import getpass
import json
import sys
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from rich.console import Console
from rich.text import Text

from cli.domains import confirmed_domains
from cli.errors import CannotRun
from cli.opening import ats_database, made_database
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_database, print_json, table_of
from cli.running import run_flow
from greenlight.ats.applications import Applications
from greenlight.domain.provisioning import Provision, ProvisionReport
from greenlight.domain.reasons import EXPLANATIONS
from greenlight.domain.report import first_ten
from greenlight.errors import LinkedInTrouble
from greenlight.intake.values import BadValue, check_value
from greenlight.linkedin.errors import LinkedInError, Refused
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire
from greenlight.settings import Settings, load_settings

_SIGNS = {
    Provision.CREATED: ("+", "green"),
    Provision.ADOPTED: ("+", "green"),
    Provision.UPDATED: ("~", "cyan"),
    Provision.UNCHANGED: ("=", "dim"),
    Provision.WAITING: ("?", "yellow"),
    Provision.FAILED: ("!", "red"),
}
#: A file of credentials is a few hundred bytes.
_MOST_BYTES = 10_000


class _ParentFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    client_id: str
    client_secret: SecretStr


def run_parent(file: str | None, *, as_json: bool) -> int:
    """Store the parent application's credentials, from a file, from stdin or from what is typed."""
    given = _read_parent(file)
    settings = load_settings()
    quiet_prefect()
    asyncio.run(_put_in_place(Credentials(given.client_id, given.client_secret), settings))
    if as_json:
        print_json({"schema": "greenlight.parent/1", "command": "parent", "client_id": given.client_id})
    else:
        console_for_people().print(plain(f"Stored the parent application {given.client_id}."))
    return 0


async def _put_in_place(wanted: Credentials, settings: Settings) -> None:
    """Store them; where others are held that would be lost, only once LinkedIn has given a token for these."""
    from blocks.parent_app import parent_credentials, save_parent

    held = await parent_credentials()
    if held is not None and held != wanted:
        wire = Wire(settings.http_timeout_seconds, way=settings.way)
        try:
            await Tokens(wire, settings.linkedin_token_url, RequestCounts()).get(wanted)
        except LinkedInError as error:
            kind = CannotRun if isinstance(error, Refused) else LinkedInTrouble
            raise kind(f"got no token from LinkedIn, so those of {held.client_id} stay in place: {error}") from None
        finally:
            await wire.aclose()
    await save_parent(wanted)


def _read_parent(file: str | None) -> _ParentFile:
    if file is None:
        if not sys.stdin.isatty():
            raise CannotRun(
                "without a terminal there is nobody to type them",
                "give FILE (JSON with client_id and client_secret), or - for stdin",
            )
        sys.stderr.write("client id: ")
        sys.stderr.flush()
        typed = {"client_id": sys.stdin.readline().strip(), "client_secret": getpass.getpass("client secret: ")}
        return _checked(json.dumps(typed))
    try:
        # Standard input by its number, so that it and a path are read alike.
        with open(sys.stdin.fileno() if file == "-" else file, "rb", closefd=file != "-") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CannotRun(f"{file}: {error.strerror or 'cannot be read'}") from None
    if len(text) > _MOST_BYTES:
        raise CannotRun(f"{file}: is too long for a file of credentials")
    return _checked(text)


def _checked(text: str | bytes) -> _ParentFile:
    try:
        given = _ParentFile.model_validate_json(text)
    except ValidationError as error:
        names = ", ".join(dict.fromkeys(str(e["loc"][0]) for e in error.errors() if e["loc"])) or "it"
        raise CannotRun(f'{names} cannot be read; give JSON like {{"client_id": "…", "client_secret": "…"}}') from None
    for field, value in (("client_id", given.client_id), ("client_secret", given.client_secret.get_secret_value())):
        try:
            # An import may leave these empty; here there is nothing else to take.
            check_value(field, value or " ")
        except BadValue as error:
            raise CannotRun(f"{field} {error}") from None
    return given


def run_provision(
    customers: tuple[str, ...], new: tuple[str, ...], max_changes: int | None, *, yes: bool, as_json: bool
) -> int:
    if max_changes is not None and max_changes < 0:
        raise CannotRun("--max-changes is the most lists of domains changed in one run", "give 0 or more")
    settings, added = load_settings(), _new(new)
    allowed: dict[str, Any] = {}
    # A run for new customers alone changes nobody else's.
    if customers or not added:
        database = ats_database(settings)
        if customers:
            Applications(database).select(customers, ())
        allowed = confirmed_domains(database, settings, customers, max_changes, yes=yes)
    report = provision_now(settings, customers, added, **allowed)
    if as_json:
        print_json(report.as_json() | {"database": settings.database})
    else:
        console = console_for_people()
        print_provisioned(report, console)
        print_database(settings.database, console)
    return report.exit_code


def provision_now(
    settings: Settings, customers: tuple[str, ...], new: dict[str, str], **allowed: Any
) -> ProvisionReport:
    """Run the provision flow here and return its report; `allowed` are its parameters for lists of domains."""
    quiet_prefect()
    from flows.request import ProvisionRequest

    try:
        request = ProvisionRequest(customers=customers, new=new, **allowed)
    except ValidationError as error:
        raise CannotRun(f"--new: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    # Whoever names a new customer may be the first to use the database.
    applications = Applications(made_database(settings) if new else ats_database(settings))

    def start() -> Any:
        from flows.provision import provision

        return provision(**dict(request), return_state=True)

    return applications.report(run_flow(start))


def _new(given: tuple[str, ...]) -> dict[str, str]:
    new: dict[str, str] = {}
    for pair in given:
        customer_id, equals, name = pair.partition("=")
        if not equals or not customer_id or not name:
            raise CannotRun(f"--new {pair[:80]!r} is no pair", "write it as ID=NAME, like --new 'acme=Acme Ltd'")
        if new.setdefault(customer_id, name) != name:
            raise CannotRun(f"--new: customer {customer_id!r} is given two names")
    return new


def print_provisioned(report: ProvisionReport, console: Console) -> None:
    """The table, then counts and what to do next."""
    table = table_of("", "customer", "application", "outcome", "reason", "client id")
    for item in report.items:
        sign, colour = _SIGNS[item.outcome]
        table.add_row(
            Text(sign, style=colour),
            plain(item.customer_id),
            plain(item.application_name or ""),
            Text(item.outcome.value, style=colour),
            Text(item.reason.value),
            plain(item.client_id or ""),
        )
    if report.items:
        console.print(table)
        console.print()
    console.print(plain(report.headline()[:1].upper() + report.headline()[1:]))
    sent = report.requests
    console.print(plain(f"Requests sent: {sent.token} token, {sent.provision} provisioning."))
    for reason in dict.fromkeys(item.reason for item in report.unsettled()):
        who = [item for item in report.unsettled() if item.reason is reason]
        console.print(plain(f"{reason}: {first_ten([i.customer_id for i in who])}. {EXPLANATIONS[reason].remedy}"))
        for detail in dict.fromkeys(item.detail for item in who[:10] if item.detail):
            console.print(plain(f"    {detail}"))
