"""Provisioning (docs/linkedin.md#provisioning): a parent creates, finds and changes its children, and rolls secrets."""

from typing import Any

from fastapi import APIRouter, Request

from sandbox.answers import Answer, AnswerResponse, Refused, api_error
from sandbox.clients import ParentClient
from sandbox.faults import Fault, Operation
from sandbox.provisioning_calls import APPLICATIONS, SECURITY, ProvisioningCall
from sandbox.reading import DEAD_TOKENS, authenticate, forbidden, unauthorized
from sandbox.state import LogEntry, Sandbox
from sandbox.wire import has_credentials_in_url, open_entry, read_body, respond, sandbox_of, spoil

router = APIRouter()


@router.post(f"/v2/{APPLICATIONS}")
@router.post(f"/v2/{APPLICATIONS}/")
async def create(request: Request) -> AnswerResponse:
    """`{"credentials": {"client_id": "...", "client_secret": "..."}, "key": "urn:li:developerApplication:N"}`."""
    return await _answered(request, "create", APPLICATIONS)


@router.get(f"/v2/{APPLICATIONS}")
@router.get(f"/v2/{APPLICATIONS}/")
async def find(request: Request) -> AnswerResponse:
    """`{"elements": [{"credentials": {"client_id": "..."}, "uniqueForeignId": "...", "key": "...", ...}]}`."""
    return await _answered(request, "find", APPLICATIONS)


@router.post(f"/v2/{APPLICATIONS}/{{urn}}")
async def update(request: Request) -> AnswerResponse:
    """No body: 204."""
    return await _answered(request, "update", APPLICATIONS)


@router.post(f"/v2/{SECURITY}")
async def rotate(request: Request) -> AnswerResponse:
    """`{"value": {"client_secret": "..."}}`."""
    return await _answered(request, "rotate", SECURITY)


async def _answered(request: Request, operation: Operation, resource: str) -> AnswerResponse:
    sandbox = sandbox_of(request)
    entry = open_entry(sandbox, request, operation)
    try:
        answer = await _handle(sandbox, request, entry, operation, resource)
    except Refused as refused:
        answer = refused.answer
    return respond(sandbox, entry, answer)


async def _handle(sandbox: Sandbox, request: Request, entry: LogEntry, operation: Operation, resource: str) -> Answer:
    if has_credentials_in_url(sandbox, request):
        sandbox.watch.report("credentials_in_url", None, f"{operation} request")
    parent, token = authenticate(sandbox, request, entry)
    if not isinstance(parent, ParentClient):
        raise forbidden(request.method, resource)
    body = await read_body(request, api_error(413, "Request entity too large"))
    call = ProvisioningCall(sandbox, request, entry, parent, body)
    fault = parent.script.take(operation)
    entry.fault = None if fault is None else fault.fault
    answer = await _play(call, fault, token, resource)
    if answer.kills_token:
        sandbox.watch.token_refused(token)
    return answer


async def _play(call: ProvisioningCall, fault: Fault | None, token: str, resource: str) -> Answer:
    """The answer, faults included. A fault that stops the request at the door leaves everything as it was."""
    if fault is not None and fault.fault in DEAD_TOKENS:
        call.sandbox.tokens[token].dead = fault.fault
        return unauthorized(fault.fault).answer
    if fault is not None and fault.fault == "forbidden":
        return forbidden(call.request.method, resource).answer
    if call.foreign_id is not None and not (fault is not None and fault.fault == "throttle"):
        call.sandbox.watch.create_arrives(call.parent.client_id, call.foreign_id)
    if fault is None:
        answer, arrived = call.perform(), True
    else:

        def error(status: int, message: str | None = None, code: int | None = None, retry_after: Any = None) -> Answer:
            if status == 403 and message is None and code is None:
                return forbidden(call.request.method, resource).answer
            return api_error(status, message, code, retry_after)

        spoiled = await spoil(call.sandbox, call.request, fault, call.perform, error)
        if spoiled is None:
            raise AssertionError(fault.fault)
        answer, arrived = spoiled
    if call.foreign_id is not None and arrived and answer is call.created:
        call.sandbox.watch.create_answered(call.parent.client_id, call.foreign_id)
    return answer
