"""Fault schedules for the sandbox: what LinkedIn and whoever stands before it may do to one customer's requests.

`SETTLES` is how long the product waits for what its answer leaves in doubt. What may land lands within it, and is shown
within it, lag included; what LinkedIn has confirmed may take longer, or never happen.
"""

import random
from typing import Any

from sandbox.faults import Fault
from sandbox.world import Application, Integration

SETTLES = 120.0
_SLACK = 10.0
LOCATION = "http://127.0.0.1:9/"
TYPES = (("APPLY_WITH_LINKEDIN", "JOBS"), ("ONE_CLICK_EXPORT", "RECRUITER"))
PAGES = (200, 400, 401, 403, 404, 405, 407, 451, 502, 504, 999)
#: Statuses of the API's own envelope that prove nothing of an enable.
_UNPROVEN = (202, 408, 500, 502, 503, 504)

#: Answers of an enable from which nobody can tell what became of it.
DOUBTFUL: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("status", {"status": status}) for status in _UNPROVEN),
    *(("html", {"status": status, "server": "gateway"}) for status in PAGES),
    *((name, {}) for name in ("garbage", "empty", "truncated", "lost", "foreign", "missing_key", "conflicting")),
    ("huge", {"bytes": 2_000_000}),
    ("redirect", {"location": LOCATION}),
    ("status_in_errors", {"status": 500}),
    ("status_in_errors", {"status": 504}),
    ("ignored", {"status": 202}),
)
#: Answers in which the API itself refuses an enable: nothing lands.
REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("mismatch", "incomplete", "invalid_context", "forbidden", "expired", "bad_token")),
    *((name, {}) for name in ("revoked", "no_record", "throttle", "dropped")),
    ("throttle", {"retry_after": 5}),
    ("status_in_errors", {"status": 422}),
    ("status", {"status": 429, "retry_after": 3}),
)
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("status", {"status": status}) for status in (404, 429, 500, 503)),
    *(("html", {"status": status, "server": "gateway"}) for status in PAGES),
    *((name, {}) for name in ("garbage", "empty", "truncated", "lost", "foreign", "foreign_extra", "missing_key")),
    *((name, {}) for name in ("conflicting", "lowercase_status", "prose_status", "unknown_status", "forbidden")),
    *((name, {}) for name in ("expired", "bad_token", "revoked", "invalid_context", "throttle")),
    ("status_in_errors", {"status": 500}),
    ("huge", {"bytes": 2_000_000}),
    *(("varied", {"how": [how]}) for how in ("gzip", "deflate", "bom", "null_errors", "statuses", "header_case")),
)
TOKENS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("status", {"status": status}) for status in (429, 500, 503)),
    *(("html", {"status": status, "server": "gateway"}) for status in PAGES),
    *((name, {}) for name in ("garbage", "empty", "truncated", "lost", "no_token", "no_expiry")),
    *(("bad_expiry", {"expires_in": life}) for life in (0, None, 1_800_000, "1800")),
    *(("varied", {"how": [how]}) for how in ("gzip", "bom")),
)


def customer(number: int, draw: random.Random) -> Application:
    """One with one or two integrations, a lag of its own and a script of its own."""
    context = f"urn:li:organization:o{number}"
    named = TYPES[: draw.choice((1, 1, 2))]
    lag = draw.choice((0.0, 0.0, draw.uniform(0.5, 60)))
    return Application(
        client_id=f"client{number}",
        client_secret=f"secret{number}",
        customer=f"c{number}",
        integrations=[
            Integration(
                integration_context=context, integration_type=kind, tenant_type=tenant, onboarding_status="REQUESTED"
            )
            for kind, tenant in named
        ],
        look_lag_seconds=lag,
        faults=[*_enables(draw, lag), *_some(draw, "verify", LOOKS, 3), *_some(draw, "token", TOKENS, 1)],
    )


def _enables(draw: random.Random, lag: float) -> list[Fault]:
    """Bad luck with the first few enables, then none."""
    faults: list[Fault] = []
    for number in range(draw.choice((0, 1, 1, 2, 3))):
        chance = draw.random()
        if chance < 0.7:
            name, parameters = draw.choice(DOUBTFUL)
            when: dict[str, Any] = draw.choice(
                (
                    {"applied_after": draw.uniform(0.5, SETTLES - _SLACK - lag)},
                    {"applied_after": draw.uniform(0.5, SETTLES - _SLACK - lag)},
                    {} if name in _NEVER_BY_ITSELF else {"applied": draw.random() < 0.5},
                )
            )
        elif chance < 0.85:
            name, parameters, when = "ignored", {}, {"applied_after": draw.choice((5.0, 90.0, 4000.0, 90_000.0))}
        else:
            (name, parameters), when = draw.choice(REFUSED), {}
        faults.append(Fault.model_validate({"on": "enable", "fault": name, "after": number, **parameters, **when}))
    return faults


#: Those whose effect without `applied_after` is not a parameter.
_NEVER_BY_ITSELF = ("lost", "missing_key", "conflicting", "status_in_errors", "ignored")


def _some(draw: random.Random, on: str, choices: tuple[tuple[str, dict[str, Any]], ...], most: int) -> list[Fault]:
    faults: list[Fault] = []
    for _ in range(draw.randrange(most + 1)):
        name, parameters = draw.choice(choices)
        times, after = draw.choice((1, 1, 2)), draw.randrange(6)
        # Of a request with two keys, many faults befall the named one alone.
        about = {} if on == "token" else {"type": draw.choice((None, None, *(kind for kind, _ in TYPES)))}
        fault = {"on": on, "fault": name, "times": times, "after": after, **about, **parameters}
        faults.append(Fault.model_validate(fault))
    return faults
