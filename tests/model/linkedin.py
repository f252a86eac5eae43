"""A LinkedIn inside the process: many applications, scripted faults, and a record of all that arrived."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qsl

import httpx

from greenlight.domain.keys import IntegrationKey

#: For how long a look is good to act on (its own constant: the product's may be wrong).
FRESH_FOR = timedelta(minutes=5)
TOKEN_LIFE = timedelta(minutes=30)
#: Just within the time limit of one request; and a request whose connection is cut may be carried out so much later.
LATE = 14.0
#: One that is not answered at all may still be carried out a while after its caller has given up.
LATER = 28.0
#: Longer than anybody waits.
NEVER = 10_000.0
#: What a caller may spend between a look and the enable after it: tokens, refusals, and being frozen for a while.
SLACK = timedelta(seconds=300)

RECRUITER = "CSA_API"
FAULTS = (
    *("504 late", "202 late", "204 late"),
    *("slow", "late", "later", "stale", "lost before", "lost after", "cut before", "cut after"),
    *("500 before", "500 after", "garbage before", "garbage after", "foreign", "half"),
    *("429", "429 soon", "429 long", "401", "403"),
)
#: An enable that is carried out after its answer, or though there was none: so many seconds later. All are within the
#: two minutes that the product gives it to settle.
_LANDS = {"late": LATE, "later": LATER, "504 late": 100.0, "202 late": 60.0, "204 late": 110.0}
_HEADERS = {"429": {}, "429 soon": {"Retry-After": "5"}, "429 long": {"Retry-After": "3600"}}

Place = tuple[str, IntegrationKey]


class Caller(Protocol):
    """Who sent a request."""

    number: int
    paused: frozenset[str]


@dataclass
class Application:
    """A customer's OAuth client. What is not in `statuses` was never requested."""

    customer: str
    secret: str
    statuses: dict[IntegrationKey, str] = field(default_factory=dict)
    before: dict[IntegrationKey, str] = field(default_factory=dict)


@dataclass
class Look:
    """One key of a verify request; `told` is what the caller was to hear, None where it could not."""

    caller: int
    at: datetime
    told: str | None


@dataclass
class Enable:
    """One enable that arrived. `lands_at` is when it is carried out, if it is."""

    caller: int
    at: datetime
    effect: str = "none"
    lands_at: datetime | None = None


class LinkedIn:
    """`limit` requests a UTC day are answered, for each application or for all of them together."""

    def __init__(self, clock: Callable[[], datetime], limit: int, *, together: bool = False) -> None:
        self._clock, self._limit, self._together = clock, limit, together
        self.applications: dict[str, Application] = {}
        self.faults: deque[str] = deque()
        #: Faults of the next enables, before those of whatever comes next.
        self.at_enables: deque[str] = deque()
        self.weather: Callable[[str], str] = self._scripted
        #: What every look shows of every key instead of the truth; None is the truth, and "" shows nothing at all.
        self.lie: str | None = None
        self.tokens: dict[str, tuple[str, datetime]] = {}
        self.looks: dict[Place, list[Look]] = {}
        self.enables: dict[Place, list[Enable]] = {}
        self.requested: Counter[Place] = Counter()
        self.effective: Counter[Place] = Counter()
        self.arrived: Counter[tuple[str, date]] = Counter()
        self.sent: Counter[tuple[int, str]] = Counter()
        self.kinds: Counter[str] = Counter()
        self.misfortunes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def request(self, client_id: str, key: IntegrationKey) -> None:
        """The customer's admin asks for it in the plugin."""
        self.applications[client_id].statuses[key] = "REQUESTED"
        self.requested[client_id, key] += 1

    def calm(self) -> None:
        self.faults.clear()
        self.at_enables.clear()
        self.weather = self._scripted

    def _scripted(self, kind: str) -> str:
        faults = self.at_enables if kind == "enable" and self.at_enables else self.faults
        return faults.popleft() if faults else "fine"

    async def serve(self, request: httpx.Request, caller: Caller) -> httpx.Response:
        if request.url.path.endswith("accessToken"):
            kind = "token"
        else:
            kind = "verify" if request.method == "GET" else "enable"
        fault = self.weather(kind)
        self.misfortunes[fault] += fault != "fine"
        if fault == "lost before":
            await asyncio.sleep(NEVER)
        if fault == "cut before":
            raise httpx.ConnectError("cut")
        self.kinds[kind] += 1
        self.sent[caller.number, kind] += 1
        answer = self._token(request, fault) if kind == "token" else self._call(request, kind, fault, caller)
        await asyncio.sleep(LATE if fault == "slow" else 0.2)
        if fault in ("lost after", "later"):
            await asyncio.sleep(NEVER)
        if fault in ("cut after", "late"):
            raise httpx.ReadError("cut")
        if fault == "500 after":
            return _json(500, {"status": 500})
        return httpx.Response(200, content=b"<html>") if fault == "garbage after" else answer

    def _token(self, request: httpx.Request, fault: str) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode()))
        application = self.applications.get(form["client_id"])
        if (broken := _broken(fault)) is not None:
            return broken
        if application is None or application.secret != form["client_secret"] or fault == "403":
            return _json(401, {"error": "invalid_client"})
        token = f"token-{len(self.tokens)}"
        # One that is refused at once although it is new: a server that does not know it yet.
        life = TOKEN_LIFE if fault != "stale" else timedelta(0)
        self.tokens[token] = form["client_id"], self._clock() + life
        return _json(200, {"access_token": token, "expires_in": 1800})

    def _call(self, request: httpx.Request, kind: str, fault: str, caller: Caller) -> httpx.Response:
        now = self._clock()
        token = request.headers["Authorization"].removeprefix("Bearer ")
        client_id, good_until = self.tokens[token]
        application = self.applications[client_id]
        account = "all" if self._together else client_id
        self.arrived[account, now.date()] += 1
        keys = _keys(request)
        if self.arrived[account, now.date()] > self._limit:
            self.wrong.append(f"{account}: more than {self._limit} requests on {now:%Y-%m-%d}")
        if now >= good_until or fault == "401":
            return _json(401, {"status": 401, "message": "expired"})
        broken = _broken(fault)
        if kind == "verify":
            deaf = broken is not None or fault in ("half", "foreign") or "after" in fault or fault in ("late", "later")
            return broken or self._look(client_id, application, keys, caller, fault, deaf)
        place, entity = (client_id, keys[0]), json.loads(request.content)["entities"]
        assert list(entity) == [keys[0].as_body_key()]
        event = Enable(caller.number, now)
        self._judge(place, application, event, caller)
        self.enables.setdefault(place, []).append(event)
        if broken is not None:
            event.effect = "refused" if broken.status_code in (403, 429) else "none"
            return broken
        if fault in _LANDS:
            event.effect, event.lands_at = "late", now + timedelta(seconds=_LANDS[fault])
            asyncio.get_running_loop().call_later(_LANDS[fault], self._act, place, event)
            if fault == "204 late":
                return _json(200, {"results": {keys[0].as_body_key(): {"status": 204}}})
            return _json(202 if fault == "202 late" else 504, {})
        answer = self._act(place, event)
        if fault in ("half", "foreign"):
            return _json(200, {"results": {} if fault == "half" else {"x": {"status": 204}}})
        return answer

    def _look(
        self,
        client_id: str,
        application: Application,
        keys: Iterable[IntegrationKey],
        caller: Caller,
        fault: str,
        deaf: bool,
    ) -> httpx.Response:
        results = {}
        for key in keys:
            statuses = application.before if fault == "stale" and key in application.before else application.statuses
            status = statuses.get(key) if self.lie is None else self.lie or None
            told = None if deaf else status or "NOT_REQUESTED"
            self.looks.setdefault((client_id, key), []).append(Look(caller.number, self._clock(), told))
            if status is not None:
                results[key.as_body_key()] = {"onboardingStatus": status}
        if fault == "half":
            return _json(200, {"statuses": {}})
        if fault == "foreign":
            results = {next(iter(keys)).as_body_key().replace(":organization:", ":organization:x"): {}}
        return _json(200, {"results": results, "statuses": {}, "errors": {}})

    def _judge(self, place: Place, application: Application, event: Enable, caller: Caller) -> None:
        """What no enable may be, whatever has happened before."""
        client_id, key = place
        heard = [look for look in self.looks.get(place, []) if look.told is not None]
        said = f"{key} under {client_id} at {event.at}"
        ready = max((look.at for look in heard if look.told == "REQUESTED"), default=None)
        # Another run's look is as good as one's own, unless one's own was later and showed something else.
        if ready is None or any(look.caller == event.caller and look.at > ready for look in heard):
            self.wrong.append(f"{said}: enabled by one who was not told REQUESTED, but {heard[-2:]}")
            return
        if event.at - ready > FRESH_FOR + SLACK:
            self.wrong.append(f"{said}: enabled on a look of {ready}")
        for other in self.enables.get(place, []):
            if other.lands_at is not None and other.lands_at > event.at:
                self.wrong.append(f"{said}: enabled while one of {other.at} could still land")
            # A refusal uses a look up; what another run got no answer to is on record as an open attempt.
            doubtful = other.effect in ("acted", "late", "refused", "none" if other.caller == event.caller else "")
            if other.at > ready and doubtful:
                self.wrong.append(f"{said}: enabled after one of {other.at} without looking again")
        if application.customer in caller.paused:
            self.wrong.append(f"{said}: enabled although the customer was paused when it was planned")

    def _act(self, place: Place, event: Enable) -> httpx.Response:
        client_id, key = place
        application = self.applications[client_id]
        status = application.statuses.get(key)
        text = key.as_body_key()
        if status == "ENABLED":
            event.effect = "refused"
            words = "modifying onboarding status for already enabled integration is not allowed"
            return _json(400, {"status": 400, "message": words})
        if status is None:
            event.effect = "refused"
            return _json(200, {"results": {text: {"status": 404, "message": "No record found to partial update"}}})
        if status == "REQUESTED":
            event.effect = "acted"
            application.before[key] = status
            application.statuses[key] = "PARTNER_READY" if key.integration_type == RECRUITER else "ENABLED"
            self.effective[place] += 1
            if self.effective[place] > self.requested[place]:
                self.wrong.append(f"{key} under {client_id}: enabled more often than it was requested")
        return _json(200, {"results": {text: {"status": 204}}})


def _broken(fault: str) -> httpx.Response | None:
    """An answer before anything was done."""
    if fault in _HEADERS:
        return httpx.Response(429, headers=_HEADERS[fault], json={"status": 429})
    if fault == "500 before":
        return _json(500, {"status": 500})
    if fault == "garbage before":
        return httpx.Response(200, content=b"<html>")
    return _json(403, {"status": 403, "message": "Not enough permissions"}) if fault == "403" else None


def _json(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body)


def _keys(request: httpx.Request) -> list[IntegrationKey]:
    parts: dict[str, dict[str, str]] = {}
    for name, value in parse_qsl(request.url.query.decode()):
        index, part = name.split(".")
        parts.setdefault(index, {})[part] = value
    return [IntegrationKey(p["integrationContext"], p["integrationType"], p["tenantType"]) for p in parts.values()]
