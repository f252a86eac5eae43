"""What the customer's page shows, made from what we know. Pure: no clock, no database, no HTTP.

`GET /integrations.json` and the first rendering of the page both come from `customer_view`.
"""

import hashlib
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from greenlight.domain.formatting import iso
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.domain.report import ReportItem
from greenlight.domain.status import Status
from portal.texts import CALM, DEFAULT_LANGUAGE, TEXTS, WHO, Texts, Wording

Application = Literal["ready", "new", "missing"]

#: Switching on takes seconds; after this long the page says that something is slow.
SLOW_AFTER = timedelta(minutes=10)


class State(StrEnum):
    REQUESTED = "requested"
    ENABLING = "enabling"
    ENABLED = "enabled"
    WAITING_FOR_ADMIN = "waiting_for_admin"
    NOT_REQUESTED = "not_requested"
    PROBLEM = "problem"


_MOVING = frozenset({State.REQUESTED, State.ENABLING, State.WAITING_FOR_ADMIN})


class _Seen(NamedTuple):
    state: State
    text: Reason | Wording
    who: str
    calm: bool = False


_OPEN = _Seen(State.REQUESTED, Wording.REQUESTED, "us")
#: Nobody has come to it: no worker runs, or it cannot do its work.
_LATE = _Seen(State.PROBLEM, Wording.NOT_REACHED, "us", calm=True)
_ENABLED = _Seen(State.ENABLED, Reason.ENABLED, "nobody")
_STILL_ENABLED = _Seen(State.ENABLED, Wording.STILL_ENABLED, "nobody")
_ENABLING = _Seen(State.ENABLING, Reason.READY_TO_ENABLE, "us")
_WAITING = _Seen(State.WAITING_FOR_ADMIN, Reason.AWAITING_CUSTOMER, "your_admin")
_NOT_REQUESTED = _Seen(State.NOT_REQUESTED, Reason.NOT_REQUESTED, "you")

#: Reasons that say what LinkedIn showed; every other one is a problem, or leaves the last thing seen as it was.
_BY_REASON = {
    Reason.ENABLED: _ENABLED,
    Reason.READY_TO_ENABLE: _ENABLING,
    Reason.AWAITING_CUSTOMER: _WAITING,
    Reason.NOT_REQUESTED: _NOT_REQUESTED,
}


def customer_view(
    customer_name: str,
    application: Application,
    items: Sequence[ReportItem],
    open_requests: AbstractSet[IntegrationKey],
    now: datetime,
    late: AbstractSet[IntegrationKey] = frozenset(),
    texts: Texts = TEXTS[DEFAULT_LANGUAGE],
) -> dict[str, Any]:
    """The state of one customer's integrations, as the page and its script read it.

    `items` are this customer's only; `open_requests` are stored requests that the worker has not dealt with, with or
    without an item, and `late` are those of them that have waited for too long. All words are those of `texts`.
    Returns `{"customer", "version", "moving", "application", "integrations": [{"id", "type", "title", "context",
    "place", "state", "calm", "headline", "explanation", "who", "turn", "since"}]}`; `id` is stable and opaque, `calm`
    marks a problem that passes by itself, `version` changes whenever anything else does.
    """
    waiting = {key: _LATE if key in late else _OPEN for key in open_requests}
    shown = [_shown(i.item.key, _seen(i, waiting.get(i.item.key), now), i.condition_since, texts) for i in items]
    known = {i.item.key for i in items}
    shown += [_shown(key, waiting[key], None, texts) for key in sorted(open_requests - known)]
    view: dict[str, Any] = {
        "customer": customer_name,
        "moving": any(entry["state"] in _MOVING for entry in shown),
        "application": application,
        "integrations": shown,
    }
    return view | {"version": _digest(json.dumps(view, sort_keys=True))}


def _seen(item: ReportItem, waiting: _Seen | None, now: datetime) -> _Seen:
    reason, observed = item.condition.reason, item.observed
    if waiting is not None and observed not in (Status.ENABLED, Status.PARTNER_READY):
        return waiting
    seen = _BY_REASON.get(reason)
    if seen is None:
        seen = _after_failure(reason, observed)
    if seen is _ENABLING and item.condition_since is not None and now - item.condition_since > SLOW_AFTER:
        return seen._replace(text=Wording.SLOW)
    return seen


def _after_failure(reason: Reason, observed: Status) -> _Seen:
    """A failed check takes nothing back that LinkedIn showed; everything short of that is a problem to be named."""
    if observed is Status.ENABLED:
        return _ENABLED if reason is Reason.ALREADY_ENABLED else _STILL_ENABLED
    if observed is Status.PARTNER_READY:
        return _WAITING
    if observed is Status.REQUESTED and reason is Reason.NOT_LOOKED_AT:
        return _ENABLING
    return _Seen(State.PROBLEM, reason, WHO[EXPLANATIONS[reason].mover], reason in CALM)


def _shown(key: IntegrationKey, seen: _Seen, since: datetime | None, texts: Texts) -> dict[str, Any]:
    words = texts.of(seen.text)
    return {
        "id": _digest("\n".join((key.integration_context, key.integration_type, key.tenant_type))),
        "type": key.integration_type,
        "title": texts.title_of(key.integration_type),
        "context": key.integration_context,
        "place": texts.place_of(key.integration_context),
        "state": seen.state.value,
        "calm": seen.calm,
        "headline": words.headline,
        "explanation": words.explanation,
        "who": seen.who,
        "turn": texts.turns[seen.who],
        # The stored moment is that of an older state while a new request is open.
        "since": iso(since) if since is not None and seen not in (_OPEN, _LATE) else None,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
