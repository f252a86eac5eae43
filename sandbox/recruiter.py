"""`/sandbox/recruiter/...`: stands for Recruiter's "Admin settings, ATS", where the customer has the last move."""

from html import escape
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from sandbox.clients import Client
from sandbox.control import loopback_only
from sandbox.keys import IncompleteKeyError, Key, KeySyntaxError, key_of_text
from sandbox.state import NoSuchThingError
from sandbox.watch import normal
from sandbox.wire import sandbox_of

router = APIRouter(prefix="/sandbox/recruiter", dependencies=[Depends(loopback_only)])


@router.get("/{client_id}")
async def settings(request: Request, client_id: str) -> HTMLResponse:
    """A page with a button for each integration that waits for the customer, and a line for each that is on."""
    client = sandbox_of(request).clients.get(client_id)
    if client is None:
        raise HTTPException(404, f"there is no application {client_id!r}")
    return HTMLResponse(_page(client))


@router.post("/{client_id}")
async def switch_on(request: Request, client_id: str) -> RedirectResponse:
    """A form with `key`, written as the page writes it; leads back to the page."""
    form = parse_qs((await request.body()).decode("latin-1"))
    try:
        key = key_of_text(form.get("key", [""])[0])
        sandbox_of(request).customer_switches_on(client_id, key)
    except (KeySyntaxError, IncompleteKeyError):
        raise HTTPException(400, "the form names no integration") from None
    except NoSuchThingError as error:
        raise HTTPException(409, str(error)) from None
    return RedirectResponse(f"/sandbox/recruiter/{quote(client_id, safe='')}", 303)


def _page(client: Client) -> str:
    by_status: dict[str, list[tuple[Key, str]]] = {"PARTNER_READY": [], "ENABLED": []}
    for key, one in client.integrations.items():
        by_status.get(normal(one.status), []).append((key, one.name or ""))
    waiting = "".join(_row(key, name, _form(client, key, name)) for key, name in by_status["PARTNER_READY"])
    on = "".join(_row(key, name, "On") for key, name in by_status["ENABLED"])
    title = f"Admin settings, ATS: {escape(client.customer or client.name or client.client_id)}"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<main><h1>{title}</h1><h2>Ready to be switched on</h2>{_list(waiting)}<h2>Switched on</h2>{_list(on)}</main>"
        "</body></html>"
    )


def _list(rows: str) -> str:
    return f"<ul>{rows}</ul>" if rows else "<p>None.</p>"


def _row(key: Key, name: str, rest: str) -> str:
    return f"<li>{escape(_words(key, name))} {rest}</li>"


def _form(client: Client, key: Key, name: str) -> str:
    action = f"/sandbox/recruiter/{quote(client.client_id, safe='')}"
    label = escape(f"Switch on {_words(key, name)}")
    return (
        f'<form method="post" action="{action}"><input type="hidden" name="key" value="{escape(key.canonical)}">'
        f'<button type="submit" aria-label="{label}">Switch on</button></form>'
    )


def _words(key: Key, name: str) -> str:
    return f"{name} ({key.integration_type}, {key.integration_context})".strip()
