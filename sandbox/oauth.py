"""`POST /oauth/v2/accessToken`: OAuth 2.0 client credentials (docs/linkedin.md#tokens)."""

from hmac import compare_digest
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request

from sandbox.answers import Answer, AnswerResponse, Refused, json_answer, oauth_error
from sandbox.clients import Caller, Token
from sandbox.faults import Fault
from sandbox.state import LogEntry, Sandbox
from sandbox.wire import (
    content_type_of,
    has_credentials_in_url,
    open_entry,
    read_body,
    respond,
    sandbox_of,
    spoil,
)

router = APIRouter()

_FIELDS = ("grant_type", "client_id", "client_secret")
_EARLY = 60  # seconds before its end at which a token may be replaced


@router.api_route("/oauth/v2/accessToken", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def access_token(request: Request) -> AnswerResponse:
    """Answers `{"access_token": "...", "expires_in": 1800}` or `{"error": "...", "error_description": "..."}`."""
    sandbox = sandbox_of(request)
    entry = open_entry(sandbox, request, "token")
    try:
        client, secret = await _authenticated(sandbox, request, entry)
    except Refused as refused:
        answer = refused.answer
    else:
        fault = client.script.take("token")
        entry.fault = None if fault is None else fault.fault
        _watch_surplus(sandbox, client, secret)
        answer = await _answer(sandbox, request, client, secret, fault)
    return respond(sandbox, entry, answer)


async def _authenticated(sandbox: Sandbox, request: Request, entry: LogEntry) -> tuple[Caller, str]:
    exposed = has_credentials_in_url(sandbox, request)
    if exposed:
        sandbox.watch.report("credentials_in_url", None, "token request")
    if request.method != "POST":
        raise Refused(oauth_error(405, "Only POST is supported"))
    if exposed:
        raise Refused(oauth_error(400, "Credentials belong in the request body"))
    body = await read_body(request, oauth_error(413))
    if content_type_of(request) != "application/x-www-form-urlencoded":
        sandbox.watch.report("header", None, "Content-Type of a token request must be a form")
        raise Refused(oauth_error(400, "Content-Type must be application/x-www-form-urlencoded"))
    form = _form(body)
    client = sandbox.callers.get(form["client_id"])
    if client is not None:
        entry.client_id = client.client_id
    if form["grant_type"] != "client_credentials":
        raise Refused(oauth_error(400, "Unsupported grant_type", error="unsupported_grant_type"))
    if client is None or not _knows(client, form["client_secret"]) or not sandbox.is_ready(client):
        raise Refused(_invalid_client())
    return client, form["client_secret"]


def _knows(client: Caller, secret: str) -> bool:
    return any(compare_digest(one.encode(), secret.encode()) for one in client.secrets)


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Refused(oauth_error(400, "The form cannot be read")) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused(oauth_error(400, "A form field is given twice"))
    for name in _FIELDS:
        if not form.get(name):
            raise Refused(oauth_error(400, f"A required parameter {name!r} is missing"))
    return form


def _watch_surplus(sandbox: Sandbox, client: Caller, secret: str) -> None:
    """The same token serves all calls until near its end (docs/linkedin.md#tokens).

    Trying a secret that a rotation brought takes a token of its own.
    """
    for text in client.tokens:
        token = sandbox.tokens[text]
        if (
            token.held
            and token.secret == secret
            and token.expires_at - sandbox.now() > _EARLY
            and not sandbox.watch.was_refused(text)
        ):
            sandbox.watch.report("extra_token", client.client_id)
            return


async def _answer(sandbox: Sandbox, request: Request, client: Caller, secret: str, fault: Fault | None) -> Answer:
    issued: list[Token] = []

    def issue() -> Answer:
        text, token = sandbox.issue_token(client, secret)
        issued.append(token)
        return json_answer(200, {"access_token": text, "expires_in": sandbox.world.token_lifetime_seconds})

    if fault is None:
        answer, arrived = issue(), True
    elif spoiled := await spoil(sandbox, request, fault, issue, oauth_error):
        answer, arrived = spoiled
    else:
        arrived = False
        match fault.fault:
            case "no_token":
                answer = json_answer(200, {"expires_in": sandbox.world.token_lifetime_seconds})
            case "no_expiry":
                text, _ = sandbox.issue_token(client, secret)
                answer = json_answer(200, {"access_token": text})
            case "bad_expiry":
                text, _ = sandbox.issue_token(client, secret)
                answer = json_answer(200, {"access_token": text, "expires_in": fault.expires_in})
            case _:
                answer = _invalid_client()
    for token in issued:
        token.held = arrived
    return answer


def _invalid_client() -> Answer:
    return oauth_error(401, "Client authentication failed", error="invalid_client")
