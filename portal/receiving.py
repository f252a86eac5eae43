"""What a customer's page asks for and brings about, by whichever way it has come: its state, requests on record."""

import logging
from typing import Any

from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from greenlight.ats.callbacks import Callback, TooManyIntegrations
from greenlight.ats.portal_sessions import OpenSession
from greenlight.ats.requests import Requests
from greenlight.linkedin.errors import clean
from portal.bodies import Named
from portal.context import PortalContext
from portal.refusals import Refusal
from portal.texts import Texts

_log = logging.getLogger("portal.routes")


async def keep_requests(context: PortalContext, portal_session: OpenSession, named: Named) -> JSONResponse:
    """Put on record what the plugin's callback names, and tell the worker. Raises Refusal (409)."""
    keys, unreadable = named
    if unreadable:
        _log.warning(
            "a callback of customer %s had %s unreadable entries", clean(portal_session.customer_id), unreadable
        )
    callback = Callback(portal_session.customer_id, portal_session.session_digest, keys, context.clock())
    try:
        # Those that come together are one transaction; it is done also where the browser leaves meanwhile.
        await context.database.writer.join(context.requests.record_all, callback, stays=True)
    except TooManyIntegrations:
        raise Refusal(409, "These are more integrations than one customer can have; please tell us.") from None
    context.tell_worker()
    return JSONResponse({"accepted": len(keys)} | ({"unreadable": unreadable} if unreadable else {}), 202)


async def state_of(context: PortalContext, portal_session: OpenSession, texts: Texts) -> dict[str, Any]:
    """The customer's integrations, and what LinkedIn's plugin is shown with, as a page's script reads them."""
    # Somebody is looking, so what may have changed at LinkedIn is worth a look.
    if await run_in_threadpool(Requests(context.database).look_again, portal_session.customer_id, context.clock()):
        context.tell_worker()
    page, state = await context.page(portal_session, texts)
    settings = context.settings
    plugin = {
        "api_key": page.client_id,
        "script": settings.linkedin_widget_url,
        "extension": settings.linkedin_widget_extension,
        "bundles": ",".join(settings.portal_integrations),
    }
    return state | {"language": texts.language, "plugin": plugin if state["application"] != "missing" else None}
