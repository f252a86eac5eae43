"""The API's routes that change something. None of them enables anything: the worker does, where it is wanted."""

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from greenlight.ats.api_keys import KEY_IN_RECORDS, Caller, Scope
from greenlight.ats.customer_book import CustomerBook
from greenlight.ats.idempotency import Answered
from greenlight.ats.pauses import Pause, PausedByAnother, Pauses
from greenlight.ats.provisioning_requests import ProvisioningRequests
from greenlight.ats.requests import Requests
from greenlight.ats.withdrawals import NoSuchIntegration, NotTakenBack, Withdrawals
from greenlight.domain.conditions import when_withdrawn
from greenlight.domain.formatting import iso
from greenlight.domain.reasons import EXPLANATIONS
from greenlight.linkedin.errors import clean
from portal.api.access import caller_with, needing
from portal.api.documents import (
    Customer,
    CustomerGiven,
    Link,
    Looks,
    PauseGiven,
    PauseShown,
    Withdrawal,
    WithdrawalGiven,
    answered,
    asked,
)
from portal.api.given import body_of, call_of, checked, named, parsed, until_of
from portal.api.problems import REPEATED, USUAL, WITH_BODY, ApiProblem, Code, described
from portal.api.reading import customer_document
from portal.api.repeating import Call, IdempotencyKeyHeader, as_it_is, once
from portal.context import PortalContext
from portal.links import LINK_SECONDS, new_link_id

_log = logging.getLogger("portal.api")


def add_writing(router: APIRouter, context: PortalContext) -> None:
    """Adds them."""
    _customers(router, context)
    _pauses(router, context)
    _links(router, context)
    _integrations(router, context)


def _customers(router: APIRouter, context: PortalContext) -> None:
    book = CustomerBook(context.database)
    where = {"Location": "where to look how far it is"}

    @router.put(
        "/customers/{customer_id:id}",
        openapi_extra={**needing(Scope.CUSTOMERS_WRITE), **asked(CustomerGiven)},
        responses={
            200: answered(Customer, "It is on record under this name, and has an application that works.", **where),
            202: answered(Customer, "It is on record under this name, and its application is asked for.", **where),
            **described(*USUAL, Code.NOT_FOUND, *WITH_BODY),
        },
    )
    async def put_customer(
        customer_id: str,
        request: Request,
        caller: Annotated[Caller, Depends(caller_with(context, Scope.CUSTOMERS_WRITE))],
    ) -> Response:
        """Create a customer or give it another name, and have the worker get its child application if it has none."""
        given = parsed(CustomerGiven, await body_of(request))
        id = checked("customer_id", customer_id)
        name = checked("customer_name", given.customer_name)
        want = ProvisioningRequests(context.database).want
        is_asked_for = await run_in_threadpool(want, id, name, context.clock())
        _log.info("%s put customer %s on record", clean(caller.who), clean(id))
        if is_asked_for:
            context.tell_worker()
        row = await run_in_threadpool(book.customer, id, context.clock())
        headers = {"Location": f"/v1/customers/{quote(id, safe='')}"}
        return JSONResponse(customer_document(row).model_dump(mode="json"), 202 if is_asked_for else 200, headers)


def _pauses(router: APIRouter, context: PortalContext) -> None:
    may_write = Depends(caller_with(context, Scope.CUSTOMERS_WRITE))
    pauses = Pauses(context.database)

    @router.put(
        "/customers/{customer_id:id}/pause",
        openapi_extra={**needing(Scope.CUSTOMERS_WRITE), **asked(PauseGiven)},
        responses={
            200: answered(PauseShown, "It is paused."),
            **described(*USUAL, Code.UNKNOWN_CUSTOMER, *WITH_BODY, Code.PAUSED_BY_ANOTHER),
        },
    )
    async def pause_customer(customer_id: str, request: Request, caller: Annotated[Caller, may_write]) -> Response:
        """Enable nothing for a customer until then, or change until when and why; a person's pause stays as it is."""
        given, now = parsed(PauseGiven, await body_of(request)), context.clock()
        until, reason = until_of(given.until, now), given.reason.strip()
        if not reason or not reason.isprintable():
            raise ApiProblem(Code.INVALID_INPUT, "reason: is one line that says why.")
        pause = Pause(named(customer_id), reason, caller.who, now, until)
        try:
            await run_in_threadpool(partial(pauses.begin, over=KEY_IN_RECORDS), pause)
        except PausedByAnother as why:
            raise ApiProblem(Code.PAUSED_BY_ANOTHER, f"{why}.") from None
        _log.info("%s paused customer %s", clean(caller.who), clean(pause.customer_id))
        shown = PauseShown(reason=reason, paused_by=pause.owner, since=iso(now), until=iso(until))
        return JSONResponse(shown.model_dump(mode="json"))

    @router.delete(
        "/customers/{customer_id:id}/pause",
        status_code=204,
        openapi_extra=needing(Scope.CUSTOMERS_WRITE),
        responses={
            204: {"description": "It is not paused."},
            **described(*USUAL, Code.UNKNOWN_CUSTOMER, Code.PAUSED_BY_ANOTHER),
        },
    )
    async def resume_customer(customer_id: str, caller: Annotated[Caller, may_write]) -> Response:
        """Let a customer go on that a key has paused; one that is not paused stays as it is."""
        id = named(customer_id)
        try:
            was_paused = await run_in_threadpool(pauses.end_of, id, KEY_IN_RECORDS, context.clock())
        except PausedByAnother as why:
            raise ApiProblem(Code.PAUSED_BY_ANOTHER, f"{why}.") from None
        if was_paused:
            _log.info("%s resumed customer %s", clean(caller.who), clean(id))
            context.tell_worker()
        return Response(status_code=204)


def _links(router: APIRouter, context: PortalContext) -> None:
    @router.post(
        "/customers/{customer_id:id}/links",
        status_code=201,
        openapi_extra=needing(Scope.LINKS_CREATE),
        responses={
            201: answered(Link, "A link."),
            **described(*USUAL, Code.UNKNOWN_CUSTOMER, *REPEATED),
        },
    )
    async def create_link(
        customer_id: str,
        request: Request,
        caller: Annotated[Caller, Depends(caller_with(context, Scope.LINKS_CREATE))],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> Response:
        """Make a link that opens the customer's page once, within 15 minutes."""
        id = named(customer_id)

        def act() -> Answered:
            return Answered(201, {"link_id": new_link_id(), "at": int(context.seconds())})

        def show(kept: dict[str, Any]) -> dict[str, Any]:
            # Signed again and not kept: who reads the database must not have the customers' links.
            token = context.links.as_of(kept["at"]).issue(id, kept["link_id"])
            expires_at = iso(datetime.fromtimestamp(kept["at"] + LINK_SECONDS, UTC))
            link = f"{context.settings.portal_url}/open/{token}"
            return Link(customer_id=id, link=link, expires_at=expires_at).model_dump(mode="json")

        return await once(context, id, await call_of(request, caller, idempotency_key), act, show)


def _integrations(router: APIRouter, context: PortalContext) -> None:
    may_write = Depends(caller_with(context, Scope.INTEGRATIONS_WRITE))

    @router.post(
        "/customers/{customer_id:id}/looks",
        status_code=202,
        openapi_extra=needing(Scope.INTEGRATIONS_WRITE),
        responses={
            202: answered(Looks, "The worker looks."),
            **described(*USUAL, Code.UNKNOWN_CUSTOMER, *REPEATED),
        },
    )
    async def ask_for_look(
        customer_id: str,
        request: Request,
        caller: Annotated[Caller, may_write],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> Response:
        """Have the worker look now at what LinkedIn shows of a customer's integrations. It enables none."""
        id, now = named(customer_id), context.clock()

        def act() -> Answered:
            looks = Requests(context.database).look_now(id, now)
            return Answered(202, Looks(customer_id=id, looks=looks).model_dump(mode="json"))

        def then(made: dict[str, Any]) -> None:
            if made["looks"]:
                context.tell_worker()

        return await once(context, id, await call_of(request, caller, idempotency_key), act, as_it_is, then)

    @router.post(
        "/customers/{customer_id:id}/withdrawals",
        openapi_extra={**needing(Scope.INTEGRATIONS_WRITE), **asked(WithdrawalGiven)},
        responses={
            200: answered(Withdrawal, "It is withdrawn."),
            **described(
                *USUAL,
                Code.UNKNOWN_CUSTOMER,
                Code.UNKNOWN_INTEGRATION,
                *WITH_BODY,
                Code.CANNOT_WITHDRAW,
                Code.IDEMPOTENCY_KEY_REUSED,
            ),
        },
    )
    async def withdraw_integration(
        customer_id: str,
        request: Request,
        caller: Annotated[Caller, may_write],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> Response:
        """Look at an integration no more and never enable it; at LinkedIn nothing changes.

        A new request of the customer's, or an import that names it, brings it back.
        """
        body = await body_of(request)
        given = parsed(WithdrawalGiven, body)
        context_, kind, tenant = (checked(field, getattr(given, field)) for field in WithdrawalGiven.model_fields)
        id, now = named(customer_id), context.clock()

        def act() -> Answered:
            withdraw = Withdrawals(context.database).withdraw
            try:
                done = withdraw(id, kind, context_, caller.who, now, tenant_type=tenant)
            except NoSuchIntegration:
                raise ApiProblem(Code.UNKNOWN_INTEGRATION, "No integration of this customer has these three.") from None
            except NotTakenBack as why:
                raise ApiProblem(Code.CANNOT_WITHDRAW, f"{why}.") from None
            reason = when_withdrawn(done.observed).reason
            told = EXPLANATIONS[reason]
            shown = Withdrawal(
                customer_id=id,
                integration_context=context_,
                integration_type=kind,
                tenant_type=tenant,
                withdrawn_at=iso(done.at),
                withdrawn_by=done.by,
                status=done.observed,
                reason=reason,
                whose_move=told.mover,
                message=told.message,
                remedy=told.remedy,
            )
            return Answered(200, shown.model_dump(mode="json"))

        def then(_: dict[str, Any]) -> None:
            _log.info("%s withdrew %s of customer %s", clean(caller.who), clean(kind), clean(id))

        return await once(context, id, Call(request, caller, body, idempotency_key), act, as_it_is, then)
