"""`/v2/atsIntegrations`: verify (batch_get) and enable (batch_partial_update), docs/linkedin.md#enable."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastapi import APIRouter, Request

from sandbox.answers import Answer, AnswerResponse, Batch, Refused, api_error
from sandbox.clients import Client, Onboarding
from sandbox.enabling import ALREADY_ENABLED, move, moves_of
from sandbox.faults import PER_KEY, Fault
from sandbox.keys import Key
from sandbox.reading import (
    DEAD_TOKENS,
    INCOMPLETE,
    INVALID_CONTEXT,
    Call,
    authenticate,
    forbidden,
    read_call,
    unauthorized,
    wrong_key_text,
)
from sandbox.state import LogEntry, Sandbox
from sandbox.watch import normal
from sandbox.wire import has_credentials_in_url, open_entry, respond, sandbox_of, spoil

router = APIRouter()

NO_RECORD = "No record found to partial update"

# Faults that meet a request before LinkedIn looks at what it asks for.
_AT_THE_DOOR = frozenset({*DEAD_TOKENS, "forbidden", "throttle"})


@router.api_route("/v2/atsIntegrations", methods=["GET", "POST"])
async def ats_integrations(request: Request) -> AnswerResponse:
    """Batch answers by key: `errors`, `results` and, for verify, `statuses`."""
    sandbox = sandbox_of(request)
    entry = open_entry(sandbox, request, "verify" if request.method == "GET" else "enable")
    try:
        answer = await _handle(sandbox, request, entry)
    except Refused as refused:
        answer = refused.answer
    return respond(sandbox, entry, answer)


async def _handle(sandbox: Sandbox, request: Request, entry: LogEntry) -> Answer:
    if has_credentials_in_url(sandbox, request):
        sandbox.watch.report("credentials_in_url", None, f"{entry.operation} request")
    client, token = authenticate(sandbox, request, entry)
    if not isinstance(client, Client):
        raise forbidden(request.method, "atsIntegrations")
    if client.count_request(sandbox.today()) > sandbox.world.requests_per_day:
        raise Refused(api_error(429, retry_after=sandbox.world.retry_after))
    call = await read_call(sandbox, request, entry)
    verifies = entry.operation == "verify"
    fault = client.script.take("verify" if verifies else "enable", call.keys)
    entry.fault = None if fault is None else fault.fault
    if not verifies and not (fault is not None and fault.fault in _AT_THE_DOOR):
        for key in call.keys:
            one = client.integrations.setdefault(key, Onboarding())
            waits = sandbox.late.waits(client.client_id, key)
            sandbox.watch.enable_arrives(client.client_id, key, one.status, one.received, waits=waits)
            one.received += 1
    stage = _Stage(sandbox, request, client, token, call, verifies)
    answer, settled = await stage.play(fault)
    if answer.kills_token:
        sandbox.watch.token_refused(token)
    if verifies and settled:
        sandbox.watch.verify_failed(client.client_id, call.keys)
        sandbox.watch.verify_said(client.client_id, stage.said)
    elif settled:
        sandbox.watch.enable_settled(client.client_id, call.keys)
    return answer


class _Stage:
    """One authenticated, well-formed request on its way to an answer, faults included."""

    def __init__(
        self, sandbox: Sandbox, request: Request, client: Client, token: str, call: Call, verifies: bool
    ) -> None:
        self.sandbox, self.request, self.client, self.token = sandbox, request, client, token
        self.call, self.verifies = call, verifies
        # What a verify answer says of each key: its status, or None where it is in none of the maps.
        self.said: dict[Key, str | None] = {}
        # Keys of an enable that take effect only after its answer.
        self.put_off: list[Key] = []

    async def play(self, fault: Fault | None) -> tuple[Answer, bool]:
        """The answer, and whether it tells the caller what has happened."""
        if fault is None:
            return self._finish(self._carry_out()), True
        if fault.applied_after is None:
            return await self._play(fault)
        self.put_off = [key for key in self.call.keys if fault.names(key) or fault.fault not in PER_KEY]
        answer, settled = await self._play(fault)
        due = self.sandbox.now() + fault.applied_after
        self.sandbox.late.put(due, self.client.client_id, self.put_off, self._land)
        return answer, settled

    async def _play(self, fault: Fault) -> tuple[Answer, bool]:
        with self._under_way(fault):
            spoiled = await spoil(
                self.sandbox, self.request, fault, lambda: self._finish(self._carry_out()), self._error
            )
        if spoiled is not None:
            answer, settled = spoiled
            # A verify that ended in an error says nothing of any key, so what was said before still stands.
            return answer, settled and not (self.verifies and answer.status != 200)
        refusal = self._refusal(fault)
        if refusal is not None:
            return refusal, not self.verifies
        altered, settled = self._alter(fault)
        return self._finish(altered), settled

    def _under_way(self, fault: Fault) -> AbstractContextManager[None]:
        """A stalled enable may take effect at any moment, also once its caller has given up."""
        if self.verifies or fault.fault != "stall":
            return nullcontext()
        return self.sandbox.late.stalled(self.client.client_id, self.call.keys)

    def _carry_out(self, fault: Fault | None = None, keys: list[Key] | None = None) -> Batch | Answer:
        """The right answer for these keys, else for all of them, with an enable's effect."""
        keys = self.call.keys if keys is None else keys
        return self._verify(keys, fault) if self.verifies else self._enable(keys)

    def _finish(self, outcome: Batch | Answer) -> Answer:
        if isinstance(outcome, Answer):
            return outcome
        if self.verifies:
            self.said = {
                key: outcome.results.get(key, {}).get("onboardingStatus")
                for key in self.call.keys
                if key not in outcome.errors and key not in outcome.twins
            }
        return outcome.answer(self.sandbox.rng, with_statuses=self.verifies, version=self.call.version)

    def _verify(self, keys: list[Key], fault: Fault | None) -> Batch:
        """An id that does not exist, or is another application's, is absent from all maps (docs/linkedin.md#verify)."""
        lag = self.client.look_lag_seconds
        if lag is None:
            lag = self.sandbox.world.look_lag_seconds
        batch, now = Batch(), self.sandbox.now()
        self.sandbox.late.land(now)
        for key in keys:
            own = fault.seconds if fault is not None and fault.fault == "lag" and fault.names(key) else None
            one = self.client.integrations.get(key, Onboarding())
            status, title = one.seen(now - (lag if own is None else own))
            if status is not None:
                name = {} if title is None else {"integrationName": title}
                batch.results[key] = {**name, "onboardingStatus": status}
        return batch

    def _enable(self, keys: list[Key]) -> Batch | Answer:
        """All keys or, on a refusal, none; one that was never requested gets its own 404 (docs/linkedin.md#enable)."""
        with self.sandbox.late.lock:
            now = self.sandbox.now()
            self.sandbox.late.land(now)
            moves = moves_of(self.sandbox, self.client, keys)
            if isinstance(moves, Answer):
                return moves
            at_once = {key: target for key, target in moves.items() if key not in self.put_off}
            move(self.client, at_once, self.call.names, now)
        batch = Batch(results={key: {"status": 204} for key in moves})
        for key in keys:
            if key not in moves:
                self._put_no_record(batch, key, None)
        return batch

    def _land(self, at: float) -> None:
        """What was put off happens, or does not: LinkedIn decides when the request reaches it."""
        moves = moves_of(self.sandbox, self.client, self.put_off)
        if not isinstance(moves, Answer):
            move(self.client, moves, self.call.names, at)

    def _put_no_record(self, batch: Batch, key: Key, place: str | None) -> None:
        """LinkedIn's page does not say in which map the 404 stands, and Rest.li allows both."""
        if (place or self.sandbox.rng.choice(("errors", "results"))) == "errors":
            batch.errors[key] = {"status": 404, "message": NO_RECORD}
        else:
            batch.results[key] = {"status": 404}

    def _error(
        self, status: int, message: str | None = None, code: int | None = None, retry_after: int | str | None = None
    ) -> Answer:
        if status == 403 and message is None and self.verifies:
            message, code = "Not enough permissions to access: GET /atsIntegrations", 100 if code is None else code
        return api_error(status, message, code, retry_after)

    def _refusal(self, fault: Fault) -> Answer | None:
        """Whole-request errors on demand: nothing is carried out."""
        if fault.fault in DEAD_TOKENS:
            self.sandbox.tokens[self.token].dead = fault.fault
            return unauthorized(fault.fault).answer
        texts = {
            "already_enabled": ALREADY_ENABLED,
            "incomplete": INCOMPLETE,
            "invalid_context": INVALID_CONTEXT,
            "mismatch": wrong_key_text(self.call.keys[0]),
        }
        if fault.fault in texts:
            return api_error(400, texts[fault.fault])
        return self._error(403) if fault.fault == "forbidden" else None

    def _alter(self, fault: Fault) -> tuple[Batch | Answer, bool]:
        """Well-formed batch answers that are not what was asked for, or not the truth."""
        if fault.fault == "foreign":
            if fault.applies:
                self._carry_out()
            return Batch(self._foreign()), False
        named = [key for key in self.call.keys if fault.names(key)]
        without = fault.fault in ("ignored", "no_record", "status_in_errors")
        batch = self._carry_out(fault, [key for key in self.call.keys if key not in named] if without else None)
        if isinstance(batch, Answer):
            return batch, True
        shown = {key: batch.results[key] for key in named if key in batch.results}
        match fault.fault:
            case "ignored":
                batch.results |= {key: {"status": fault.status or 204} for key in named}
            case "no_record":
                for key in named:
                    self._put_no_record(batch, key, fault.place)
            case "status_in_errors":
                status = fault.status or 500
                error = {"status": status, "message": fault.message or "Internal Server Error"}
                batch.errors |= {key: dict(error) for key in named}
                return batch, self.verifies or status < 500
            case "missing_key":
                for key in named:
                    batch.results.pop(key, None)
                    batch.errors.pop(key, None)
                return batch, self.verifies
            case "foreign_extra":
                batch.results |= self._foreign()
            case "conflicting":
                batch.twins = {key: _contradiction(value) for key, value in shown.items()}
                return batch, self.verifies
            case "lowercase_status":
                _respell(shown, str.lower)
            case "prose_status":
                _respell(shown, lambda status: status.replace("_", " ").title())
            case "unknown_status":
                _respell(shown, lambda _: fault.onboarding_status)
        return batch, True

    def _foreign(self) -> dict[Key, dict[str, Any]]:
        """An entry about an integration that this request did not name: the same type for another customer."""
        key = self.call.keys[0]._replace(integration_context="urn:li:organization:f0re1gn")
        if self.verifies:
            return {key: {"integrationName": "Somebody else", "onboardingStatus": "ENABLED"}}
        return {key: {"status": 204}}


def _contradiction(value: dict[str, Any]) -> dict[str, Any]:
    if "onboardingStatus" not in value:
        return {"status": 404 if value["status"] == 204 else 204}
    return value | {"onboardingStatus": "REQUESTED" if normal(value["onboardingStatus"]) == "ENABLED" else "ENABLED"}


def _respell(shown: dict[Key, dict[str, Any]], change: Callable[[str], str]) -> None:
    for value in shown.values():
        value["onboardingStatus"] = change(value["onboardingStatus"])
