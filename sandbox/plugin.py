"""The configuration plugin's side of LinkedIn: its loader, and the two calls it makes from a customer's browser."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.answers import Answer, AnswerResponse, Refused, json_answer
from sandbox.clients import Client
from sandbox.keys import Key
from sandbox.state import LogEntry, NoSuchThingError, Sandbox
from sandbox.watch import normal
from sandbox.wire import close_entry, has_credentials_in_url, open_entry, read_body, sandbox_of

router = APIRouter()

WRONG_DOMAIN = "Domain validation failed for the api key. Please contact your ATS for further assistance."
NO_PERMISSION = "There seems to be a problem you do not have permissions"
UNKNOWN_KEY = "The api key is not valid. Please contact your ATS for further assistance."
NOT_READY = "This application is not ready yet. Please try again in a few minutes."

# What each bundle of the attribute stands for (docs/linkedin.md#integration-keys).
BUNDLES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "APPLY_WITH_LINKEDIN": (("organization", "APPLY_WITH_LINKEDIN", "JOBS"),),
    "APPLY_CONNECT": (("organization", "APPLY_CONNECT", "JOBS"),),
    "RECRUITER_SYSTEM_CONNECT_COMPANY": (
        ("organization", "IN_ATS_INDICATOR", "RECRUITER"),
        ("organization", "ONE_CLICK_EXPORT", "RECRUITER"),
        ("organization", "PROFILE_PLUGIN", "RECRUITER"),
    ),
    "RECRUITER_SYSTEM_CONNECT_CONTRACT": (("contract", "CSA_API", "RECRUITER"),),
}
_PROGRESS = ("NOT_REQUESTED", "REQUESTED", "PARTNER_READY", "ENABLED")
_LOADER = Path(__file__).with_name("in.js")
_STYLES = Path(__file__).with_name("in_styles.js")
_AS_IT_IS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@router.get("/uas/in.js")
@router.get("/xdoor/scripts/in.js")
async def loader(request: Request) -> Response:
    """The script itself; the page names it by either address (docs/linkedin.md#the-plugin)."""
    entry = open_entry(sandbox_of(request), request, "plugin")
    entry.notes.append("loader")
    entry.status = 200
    script = _LOADER.read_text()
    if sandbox_of(request).world.plugin_brings_styles:
        script += _STYLES.read_text()
    return Response(script, media_type="text/javascript; charset=utf-8", headers=_AS_IT_IS)


@router.get("/plugin/styles.css")
async def stylesheet(request: Request) -> Response:
    """What a plugin that brings styles has from its own host."""
    return Response(
        f"[data-in-widget] {{ --by-stylesheet: {request.url.hostname}; }}\n", media_type="text/css", headers=_AS_IT_IS
    )


@router.api_route("/plugin/state", methods=["GET", "OPTIONS"])
async def state(request: Request) -> Response:
    """`{"bundles": {"APPLY_WITH_LINKEDIN": {"state": "REQUESTED", "integrations": [{...}]}, ...}}`."""
    return await _answered(request)


@router.api_route("/plugin/request", methods=["POST", "OPTIONS"])
async def request_bundle(request: Request) -> Response:
    """Body `{"api_key": "...", "bundle": "..."}`; answers as `/plugin/state`, after the request."""
    return await _answered(request)


async def _answered(request: Request) -> Response:
    sandbox = sandbox_of(request)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=_cors(request))
    entry = open_entry(sandbox, request, "plugin")
    try:
        answer = await _handle(sandbox, request, entry)
    except Refused as refused:
        answer = refused.answer
    answer.headers |= {**_cors(request), "cache-control": "no-store"}
    close_entry(entry, answer)
    return AnswerResponse(answer)


async def _handle(sandbox: Sandbox, request: Request, entry: LogEntry) -> Answer:
    if has_credentials_in_url(sandbox, request):
        sandbox.watch.report("credentials_in_url", None, "plugin request")
    if request.method == "GET":
        return _shown(_admitted(sandbox, request, entry, request.query_params.get("api_key")))
    body = await read_body(request, _refusal(413, "too.large", "The request is too large"))
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise Refused(_refusal(400, "bad.request", "The request cannot be read"))
    client = _admitted(sandbox, request, entry, data.get("api_key"))
    bundle = data.get("bundle")
    if not isinstance(bundle, str) or bundle not in BUNDLES:
        raise Refused(_refusal(400, "unknown.bundle", "There is no such integration"))
    entry.notes.append(bundle)
    keys = keys_of_bundle(client, bundle)
    entry.keys = [key.canonical for key in keys]
    try:
        sandbox.request_missing(client.client_id, keys)
    except NoSuchThingError:
        text = "This integration was requested through another application"
        raise Refused(_refusal(409, "other.application", text)) from None
    return _shown(client)


def _admitted(sandbox: Sandbox, request: Request, entry: LogEntry, api_key: Any) -> Client:
    """The application of this page, or the refusal that the plugin draws (docs/linkedin.md#plugin-errors)."""
    client = sandbox.clients.get(api_key) if isinstance(api_key, str) else None
    if client is None:
        raise Refused(_refusal(403, "error.api.key", UNKNOWN_KEY))
    entry.client_id = client.client_id
    if not sandbox.is_ready(client):
        raise Refused(_refusal(403, "error.not.ready", NOT_READY))
    if request.headers.get("origin") not in client.js_sdk_domains:
        raise Refused(_refusal(403, "error.origin.not.in.api.domains", WRONG_DOMAIN))
    if not client.admin:
        raise Refused(_refusal(403, "error.no.permissions", NO_PERMISSION))
    return client


def keys_of_bundle(client: Client, bundle: str) -> list[Key]:
    """The integrations behind a bundle, for this application's customer."""
    ids = {"organization": client.organization, "contract": client.contract}
    return [Key(f"urn:li:{kind}:{ids[kind]}", type, tenant) for kind, type, tenant in BUNDLES[bundle]]


def _shown(client: Client) -> Answer:
    bundles: dict[str, Any] = {}
    for bundle in BUNDLES:
        keys = keys_of_bundle(client, bundle)
        statuses = [normal(one.status if (one := client.integrations.get(key)) else None) for key in keys]
        bundles[bundle] = {
            "state": min(statuses, key=_progress),
            "integrations": [
                {
                    "integrationContext": key.integration_context,
                    "integrationType": key.integration_type,
                    "tenantType": key.tenant_type,
                }
                for key in keys
            ],
        }
    return json_answer(200, {"bundles": bundles})


def _progress(status: str) -> int:
    # A status that nobody has heard of is at least no longer unrequested.
    return _PROGRESS.index(status) if status in _PROGRESS else 1


def _refusal(status: int, error: str, message: str) -> Answer:
    return json_answer(status, {"error": error, "message": message})


def _cors(request: Request) -> dict[str, str]:
    """Every origin may read the answer, since that may be the refusal of this very origin."""
    return {
        "access-control-allow-origin": request.headers.get("origin", "*"),
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "content-type",
        "vary": "Origin",
    }
