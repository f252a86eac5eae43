"""The API's routes that read."""

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from greenlight.ats.api_keys import Scope
from greenlight.ats.changes import IntegrationChange
from greenlight.ats.customer_book import CustomerBook, CustomerRow
from greenlight.ats.tables import Integration as IntegrationRow
from greenlight.domain.formatting import iso
from portal.api.access import caller_with, needing
from portal.api.documents import (
    Application,
    Change,
    Changes,
    Counts,
    Customer,
    Customers,
    Integration,
    Integrations,
    PauseShown,
    answered,
)
from portal.api.explaining import told_of
from portal.api.given import named
from portal.api.problems import USUAL, ApiProblem, Code, described
from portal.context import PortalContext

#: Entries of a page.
CUSTOMERS_AT_ONCE, CHANGES_AT_ONCE = 200, 500
#: The database's largest number.
_LARGEST = 2**63 - 1


def add_reading(router: APIRouter, context: PortalContext) -> None:
    """Adds them. Each needs `customers:read`."""
    may_read = [Depends(caller_with(context, Scope.CUSTOMERS_READ))]
    book = CustomerBook(context.database)

    @router.get(
        "/customers",
        dependencies=may_read,
        openapi_extra=needing(Scope.CUSTOMERS_READ),
        responses={200: answered(Customers, "A page."), **described(*USUAL, Code.INVALID_INPUT)},
    )
    async def list_customers(
        cursor: Annotated[str | None, Query(max_length=1024, description="`next_cursor` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=CUSTOMERS_AT_ONCE)] = 50,
    ) -> Response:
        """All customers, page by page, in the order of their ids."""
        after = None if cursor is None else _after(cursor)
        rows = await run_in_threadpool(book.customers, after, limit + 1, context.clock())
        shown, more = rows[:limit], len(rows) > limit
        page = Customers(
            customers=[customer_document(row) for row in shown],
            next_cursor=_cursor(shown[-1].customer_id) if more else None,
        )
        return JSONResponse(page.model_dump(mode="json"))

    @router.get(
        "/customers/{customer_id:id}",
        dependencies=may_read,
        openapi_extra=needing(Scope.CUSTOMERS_READ),
        responses={200: answered(Customer, "The customer."), **described(*USUAL, Code.UNKNOWN_CUSTOMER)},
    )
    async def get_customer(customer_id: str) -> Response:
        """A customer: how far its application is, whether it is paused, how many integrations are wanted."""
        row = await run_in_threadpool(book.customer, named(customer_id), context.clock())
        return JSONResponse(customer_document(row).model_dump(mode="json"))

    @router.get(
        "/customers/{customer_id:id}/integrations",
        dependencies=may_read,
        openapi_extra=needing(Scope.CUSTOMERS_READ),
        responses={200: answered(Integrations, "All of them."), **described(*USUAL, Code.UNKNOWN_CUSTOMER)},
    )
    async def list_integrations(customer_id: str) -> Response:
        """A customer's integrations with status, reason, whose move it is and what to do; withdrawn ones too."""
        id = named(customer_id)
        rows = await run_in_threadpool(book.integrations, id)
        shown = Integrations(customer_id=id, integrations=[_integration(row) for row in rows])
        return JSONResponse(shown.model_dump(mode="json"))

    @router.get(
        "/changes",
        dependencies=may_read,
        openapi_extra=needing(Scope.CUSTOMERS_READ),
        responses={200: answered(Changes, "A page."), **described(*USUAL, Code.INVALID_INPUT)},
    )
    async def list_changes(
        after: Annotated[int, Query(ge=0, le=_LARGEST, description="the last number that was dealt with")] = 0,
        limit: Annotated[int, Query(ge=1, le=CHANGES_AT_ONCE)] = 100,
    ) -> Response:
        """What changed of integrations behind a number, in growing order; none comes later with a smaller number."""
        rows = await run_in_threadpool(book.changes, after, limit + 1)
        shown = [_change(change, integration) for change, integration in rows[:limit]]
        page = Changes(changes=shown, next_after=shown[-1].number if shown else after, more=len(rows) > limit)
        return JSONResponse(page.model_dump(mode="json"))


def customer_document(row: CustomerRow) -> Customer:
    """A customer as the API shows it."""
    application, pause = row.application, row.pause
    told = told_of(application.reason) if application.reason is not None else None
    return Customer(
        customer_id=row.customer_id,
        customer_name=row.customer_name,
        created_at=iso(row.created_at),
        forgotten_at=_iso(row.forgotten_at),
        application=Application(
            state=application.state,
            client_id=application.client_id,
            reason=application.reason,
            whose_move=told.mover if told is not None else None,
            message=told.message if told is not None else None,
            remedy=told.remedy if told is not None else None,
            detail=application.detail,
            checked_at=_iso(application.checked_at),
            next_try_at=_iso(application.next_try_at),
        ),
        paused=PauseShown(reason=pause.reason, paused_by=pause.owner, since=iso(pause.since), until=iso(pause.until))
        if pause is not None
        else None,
        integrations=Counts(wanted=row.wanted, withdrawn=row.withdrawn),
    )


def _integration(row: IntegrationRow) -> Integration:
    told = told_of(row.reason)
    return Integration(
        integration_context=row.integration_context,
        integration_type=row.integration_type,
        tenant_type=row.tenant_type,
        integration_name=row.integration_name,
        wanted=row.withdrawn_at is None,
        withdrawn_at=_iso(row.withdrawn_at),
        status=row.observed,
        status_since=_iso(row.observed_since),
        looked_at=_iso(row.observed_at),
        outcome=row.outcome,
        reason=row.reason,
        whose_move=told.mover,
        message=told.message,
        remedy=told.remedy,
        detail=row.detail,
        reason_since=_iso(row.condition_since),
        requested_at=_iso(row.requested_at),
    )


def _change(row: IntegrationChange, integration: IntegrationRow) -> Change:
    return Change(
        number=row.number or 0,
        at=iso(row.at),
        customer_id=integration.customer_id,
        integration_context=integration.integration_context,
        integration_type=integration.integration_type,
        tenant_type=integration.tenant_type,
        wanted=row.wanted,
        status_before=row.status_before,
        status=row.status,
        outcome=row.outcome,
        reason=row.reason,
        whose_move=told_of(row.reason).mover,
        detail=row.detail,
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _cursor(customer_id: str) -> str:
    return base64.urlsafe_b64encode(customer_id.encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    try:
        # Not by the rules for ids: one on record may be older than they are, and has others behind it.
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except ValueError:
        text = ""
    # Neither is in any id on record, and a database may refuse the latter.
    if not text or "\0" in text:
        raise ApiProblem(Code.INVALID_INPUT, "cursor: is none that a page has given.")
    return text
