"""One customer per fault: what LinkedIn does, and what Greenlight must make of it."""

from dataclasses import dataclass, field

from sandbox.world import Application, Fault, Integration, World


@dataclass(frozen=True)
class Case:
    """`expected` is (outcome, reason, observed); `why` says what the case guards."""

    id: str
    why: str
    expected: tuple[str, str, str]
    faults: tuple[Fault, ...] = ()
    status: str | None = "REQUESTED"
    type: str = "APPLY_WITH_LINKEDIN"
    credentials: bool = True
    effective: int | None = field(default=None)

    @property
    def enabled_at_linkedin(self) -> int:
        """How often LinkedIn must have carried out an enable in the end."""
        if self.effective is not None:
            return self.effective
        return 1 if self.expected[0] == "enabled" else 0

    @property
    def context(self) -> str:
        kind = "contract" if self.type == "CSA_API" else "organization"
        return f"urn:li:{kind}:{self.id.replace('-', '')}"

    @property
    def tenant(self) -> str:
        return "RECRUITER" if self.type == "CSA_API" else "JOBS"

    @property
    def client_id(self) -> str:
        return f"app{self.id.replace('-', '')}"

    @property
    def secret(self) -> str:
        return f"S3cr3t.{self.id}/+=canary"


def _on(on: str, fault: str, times: int | None = None, **more: object) -> tuple[Fault, ...]:
    return (Fault.model_validate({"on": on, "fault": fault, "times": times, **more}),)


ENABLED = ("enabled", "ENABLED", "ENABLED")
UNAVAILABLE = ("failed", "LINKEDIN_UNAVAILABLE", "UNKNOWN")
UNREADABLE = ("failed", "UNREADABLE_ANSWER", "UNKNOWN")
NOT_THE_API = ("failed", "NOT_THE_API", "UNKNOWN")
STILL_REQUESTED = "REQUESTED"
_LATE = {"applied_after": 2.0}

CASES = (
    Case("plain", "the whole point", ENABLED),
    Case("done", "nothing is sent for what is enabled", ("already_enabled", "ENABLED", "ENABLED"), status="ENABLED"),
    Case(
        "recruiter",
        "for Recruiter types our part ends at PARTNER_READY",
        ("waiting", "AWAITING_CUSTOMER", "PARTNER_READY"),
        type="CSA_API",
        effective=1,
    ),
    Case(
        "ready",
        "the customer's admin moves next",
        ("waiting", "AWAITING_CUSTOMER", "PARTNER_READY"),
        status="PARTNER_READY",
        type="CSA_API",
    ),
    Case("never", "verify shows nothing", ("waiting", "NOT_REQUESTED", "NOT_REQUESTED"), status=None),
    Case("nocreds", "no request without credentials", ("failed", "CREDENTIALS_MISSING", "UNKNOWN"), credentials=False),
    # --- token endpoint
    Case("t-refused", "a wrong secret", ("failed", "CREDENTIALS_REFUSED", "UNKNOWN"), _on("token", "invalid_client")),
    Case("t-503", "the token endpoint is down", UNAVAILABLE, _on("token", "status", status=503)),
    Case("t-once", "the token endpoint is down for a moment", ENABLED, _on("token", "status", 1, status=500)),
    Case("t-empty", "200 without a token", UNREADABLE, _on("token", "no_token")),
    Case("t-expiry", "a token of unknown life is used", ENABLED, _on("token", "bad_expiry", expires_in=-1)),
    # --- verify
    Case("v-503", "down after all retries", UNAVAILABLE, _on("verify", "status", status=503)),
    Case("v-503-once", "down for a moment", ENABLED, _on("verify", "status", 1, status=503)),
    Case("v-hang", "no answer in time", UNAVAILABLE, _on("verify", "hang", seconds=3)),
    Case("v-cut", "the connection is cut, always", UNAVAILABLE, _on("verify", "dropped")),
    Case("v-half", "the answer ends in the middle, once", ENABLED, _on("verify", "truncated", 1)),
    Case("v-garbage", "not JSON", NOT_THE_API, _on("verify", "garbage")),
    Case("v-html", "a page instead of an answer", NOT_THE_API, _on("verify", "html")),
    Case("v-huge", "a body without end", NOT_THE_API, _on("verify", "huge", 1) + _on("verify", "garbage")),
    Case(
        "v-redirect",
        "redirects are not followed",
        NOT_THE_API,
        _on("verify", "redirect", location="http://127.0.0.1:9/"),
    ),
    Case("v-foreign", "about somebody else only", UNREADABLE, _on("verify", "foreign")),
    Case("v-extra", "about somebody else too", ENABLED, _on("verify", "foreign_extra", 1)),
    Case("v-two", "two statuses for one key", UNREADABLE, _on("verify", "conflicting")),
    Case("v-lower", "another letter case", ENABLED, _on("verify", "lowercase_status")),
    Case("v-new", "a status of the future", ("unknown", "UNREADABLE_ANSWER", "UNKNOWN"), status="SUSPENDED"),
    Case("v-401-once", "one new token", ENABLED, _on("verify", "expired", 1)),
    Case("v-401", "a fresh token is rejected too", ("failed", "TOKEN_REJECTED", "UNKNOWN"), _on("verify", "bad_token")),
    Case("v-403", "another application's", ("failed", "WRONG_CREDENTIALS", "UNKNOWN"), _on("verify", "forbidden")),
    Case("v-context", "documented row", ("failed", "INVALID_CONTEXT", "UNKNOWN"), _on("verify", "invalid_context")),
    Case("v-parts", "documented row", ("failed", "KEY_INCOMPLETE", "UNKNOWN"), _on("verify", "incomplete")),
    Case("v-429", "the day is used up", ("not_looked_at", "THROTTLED", "UNKNOWN"), _on("verify", "throttle")),
    Case("v-429-once", "too fast for a moment", ENABLED, _on("verify", "throttle", 1, retry_after=0)),
    # --- enable
    Case("e-lost", "done, but the answer is lost: settled by looking", ENABLED, _on("enable", "lost", 1)),
    Case("e-half", "done, but the answer is cut", ENABLED, _on("enable", "truncated", 1)),
    Case("e-hang", "done, but the answer is late", ENABLED, _on("enable", "hang", 1, seconds=3)),
    Case("e-stall", "done only after we gave up: not sent again", ENABLED, _on("enable", "stall", 1, seconds=1.6)),
    Case(
        "e-cut-once", "not done, the connection is cut: sent again after looking", ENABLED, _on("enable", "dropped", 1)
    ),
    Case(
        "e-cut",
        "never done, the connection is always cut: the last one may still land",
        ("unknown", "OUTCOME_UNKNOWN", STILL_REQUESTED),
        _on("enable", "dropped"),
    ),
    Case("e-500-once", "a server error, not done", ENABLED, _on("enable", "status", 1, status=500)),
    Case("e-500-done", "a server error, but done", ENABLED, _on("enable", "status", 1, status=500, applied=True)),
    Case(
        "e-500",
        "a server error, always: the last one may still land",
        ("unknown", "OUTCOME_UNKNOWN", STILL_REQUESTED),
        _on("enable", "status", status=500),
    ),
    # Late effects come within the 3 s that the flows' tests give an enable to settle, or are confirmed.
    Case(
        "e-504-late", "a gateway gives up, LinkedIn does not", ENABLED, _on("enable", "status", 1, **_LATE, status=504)
    ),
    Case("e-202-late", "accepted, and done later", ENABLED, _on("enable", "status", 1, **_LATE, status=202)),
    Case("e-lost-late", "no answer, and done later", ENABLED, _on("enable", "lost", 1, **_LATE)),
    Case("e-page-late", "a page, and done later", ENABLED, _on("enable", "html", 1, **_LATE, status=502)),
    Case(
        "e-key-202", "accepted for the key, and done later", ENABLED, _on("enable", "ignored", 1, **_LATE, status=202)
    ),
    Case(
        "e-504-lag",
        "a gateway gives up after it was done, and looks lag",
        ENABLED,
        _on("enable", "status", 1, status=504, applied=True) + _on("verify", "lag", seconds=2),
    ),
    Case(
        "e-204-late",
        "confirmed, and done only in an hour: not called enabled, not sent again",
        ("unknown", "CONFIRMED_NOT_SHOWN", STILL_REQUESTED),
        _on("enable", "ignored", 1, applied_after=3600),
    ),
    Case(
        "e-204-lag",
        "confirmed and done, but looks lag by an hour: not called enabled, not sent again",
        ("unknown", "CONFIRMED_NOT_SHOWN", STILL_REQUESTED),
        _on("verify", "lag", seconds=3600),
        effective=1,
    ),
    Case("e-garbage", "not JSON, but done", ENABLED, _on("enable", "garbage", 1, applied=True)),
    Case("e-html", "a page, never done", ("unknown", "OUTCOME_UNKNOWN", STILL_REQUESTED), _on("enable", "html")),
    Case("e-foreign", "about somebody else, not done", ENABLED, _on("enable", "foreign", 1)),
    Case("e-nowhere", "done, but the key is in neither map", ENABLED, _on("enable", "missing_key", 1)),
    Case("e-empty", "done, but an empty body", ENABLED, _on("enable", "empty", 1)),
    Case(
        "e-ignored",
        "LinkedIn says 204 and does nothing: not called enabled, not sent again",
        ("unknown", "CONFIRMED_NOT_SHOWN", STILL_REQUESTED),
        _on("enable", "ignored"),
    ),
    Case(
        "e-already",
        "documented row, but verify does not confirm it",
        ("unknown", "CONFIRMED_NOT_SHOWN", STILL_REQUESTED),
        _on("enable", "already_enabled"),
    ),
    Case("e-mismatch", "documented row", ("failed", "KEY_MISMATCH", STILL_REQUESTED), _on("enable", "mismatch")),
    Case("e-parts", "documented row", ("failed", "KEY_INCOMPLETE", STILL_REQUESTED), _on("enable", "incomplete")),
    Case("e-403", "documented row", ("failed", "WRONG_CREDENTIALS", STILL_REQUESTED), _on("enable", "forbidden")),
    Case("e-401-once", "documented row: one new token", ENABLED, _on("enable", "expired", 1)),
    Case("e-401", "documented row", ("failed", "TOKEN_REJECTED", STILL_REQUESTED), _on("enable", "bad_token")),
    Case(
        "e-norecord",
        "documented row: 200 with a 404 inside",
        ("waiting", "NOT_REQUESTED", "NOT_REQUESTED"),
        _on("enable", "no_record"),
    ),
    Case("e-429", "no requests left", ("held", "THROTTLED", STILL_REQUESTED), _on("enable", "throttle")),
    Case("e-429-once", "too fast for a moment", ENABLED, _on("enable", "throttle", 1)),
)


def world(cases: tuple[Case, ...] = CASES) -> World:
    return World(
        applications=[
            Application(
                client_id=case.client_id,
                client_secret=case.secret,
                customer=case.id,
                integrations=[
                    Integration(
                        integration_context=case.context,
                        integration_type=case.type,
                        tenant_type=case.tenant,
                        onboarding_status=case.status,
                    )
                ],
                faults=list(case.faults),
            )
            for case in cases
        ]
    )


def import_file(cases: tuple[Case, ...] = CASES) -> str:
    """The same customers as JSON Lines."""
    import json

    return "".join(
        json.dumps(
            {
                "customer_id": case.id,
                "customer_name": f"Customer {case.id}",
                "client_id": case.client_id if case.credentials else "",
                "client_secret": case.secret if case.credentials else "",
                "integration_context": case.context,
                "integration_type": case.type,
                "tenant_type": case.tenant,
                "integration_name": "",
            }
        )
        + "\n"
        for case in cases
    )
