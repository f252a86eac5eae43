"""What a page of a customer's brings about, by whichever way it has come: requests on record, and fresh looks."""

import logging

from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from greenlight.ats.callbacks import TooManyIntegrations
from greenlight.ats.portal_sessions import OpenSession
from greenlight.ats.requests import Requests
from greenlight.linkedin.errors import clean
from portal.bodies import Named
from portal.context import PortalContext
from portal.refusals import Refusal

_log = logging.getLogger("portal.routes")


async def keep_requests(context: PortalContext, portal_session: OpenSession, named: Named) -> JSONResponse:
    """Put on record what the plugin's callback names, and tell the worker. Raises Refusal (409)."""
    keys, unreadable = named
    if unreadable:
        _log.warning(
            "a callback of customer %s had %s unreadable entries", clean(portal_session.customer_id), unreadable
        )
    record, whose = Requests(context.database).record, portal_session
    try:
        await run_in_threadpool(record, whose.customer_id, whose.session_digest, keys, context.clock())
    except TooManyIntegrations:
        raise Refusal(409, "These are more integrations than one customer can have; please tell us.") from None
    try:
        context.ring()
    except Exception as error:
        # It is on record; whoever looks next finds it.
        _log.error("the worker could not be told: %s", type(error).__name__)
    return JSONResponse({"accepted": len(keys)} | ({"unreadable": unreadable} if unreadable else {}), 202)


async def look_again(context: PortalContext, portal_session: OpenSession) -> None:
    """Somebody is looking, so what may have changed at LinkedIn is worth a look."""
    if await run_in_threadpool(Requests(context.database).look_again, portal_session.customer_id, context.clock()):
        context.ring()
