"""Why an integration is where it is: one closed list of codes, each with its remedy and whose move it is.

Tied to LinkedIn's two error tables and to the statuses (docs/linkedin.md); `docs/reasons.md` is generated from here.
"""

from dataclasses import dataclass
from enum import StrEnum

from greenlight.domain.left_out_reasons import LEFT_OUT
from greenlight.domain.provisioning_reasons import PROVISIONING


class Mover(StrEnum):
    NOBODY = "nobody"
    CUSTOMER = "customer"
    US = "us"
    LINKEDIN = "linkedin"


class Outcome(StrEnum):
    """What a run did about an item. Every item ends in exactly one."""

    ENABLED = "enabled"
    ALREADY_ENABLED = "already_enabled"
    WAITING = "waiting"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HELD = "held"
    NOT_LOOKED_AT = "not_looked_at"


class Reason(StrEnum):
    ENABLED = "ENABLED"
    READY_TO_ENABLE = "READY_TO_ENABLE"
    NOT_REQUESTED = "NOT_REQUESTED"
    AWAITING_CUSTOMER = "AWAITING_CUSTOMER"
    ALREADY_ENABLED = "ALREADY_ENABLED"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    KEY_INCOMPLETE = "KEY_INCOMPLETE"
    KEY_MISMATCH = "KEY_MISMATCH"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    TOKEN_REJECTED = "TOKEN_REJECTED"  # noqa: S105 - a reason code, not a token
    CREDENTIALS_REFUSED = "CREDENTIALS_REFUSED"
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
    THROTTLED = "THROTTLED"
    LINKEDIN_UNAVAILABLE = "LINKEDIN_UNAVAILABLE"
    UNREADABLE_ANSWER = "UNREADABLE_ANSWER"
    NOT_THE_API = "NOT_THE_API"
    REQUEST_REFUSED = "REQUEST_REFUSED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    CONFIRMED_NOT_SHOWN = "CONFIRMED_NOT_SHOWN"
    HELD_BY_CAP = "HELD_BY_CAP"
    NOT_LOOKED_AT = "NOT_LOOKED_AT"
    CHANGED_SINCE_PLAN = "CHANGED_SINCE_PLAN"
    APPLICATION_WORKS = "APPLICATION_WORKS"
    APPLICATION_NOT_READY = "APPLICATION_NOT_READY"
    PROVISIONING_REFUSED = "PROVISIONING_REFUSED"
    TOO_MANY_SECRETS = "TOO_MANY_SECRETS"
    SECRET_NOT_STORED = "SECRET_NOT_STORED"  # noqa: S105 - a reason code, not a secret
    PROVISIONING_UNFINISHED = "PROVISIONING_UNFINISHED"
    FOREIGN_ID_TAKEN = "FOREIGN_ID_TAKEN"
    APPLICATION_GONE = "APPLICATION_GONE"
    APPLICATION_OF_ANOTHER = "APPLICATION_OF_ANOTHER"
    DOMAINS_HELD = "DOMAINS_HELD"
    CUSTOMER_BUSY = "CUSTOMER_BUSY"
    PAUSED = "PAUSED"
    WITHOUT_EVIDENCE = "WITHOUT_EVIDENCE"
    CLAIMED_TWICE = "CLAIMED_TWICE"
    SUDDENLY_EMPTY = "SUDDENLY_EMPTY"
    WANTED_SET_JUMPED = "WANTED_SET_JUMPED"
    NOT_DONE = "NOT_DONE"
    WITHDRAWN = "WITHDRAWN"
    ENABLED_BUT_WITHDRAWN = "ENABLED_BUT_WITHDRAWN"
    RESTING = "RESTING"
    REJECTED_REQUEST = "REJECTED_REQUEST"
    SHARE_SPENT = "SHARE_SPENT"
    NOT_DUE = "NOT_DUE"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What people are told about a reason. `source` says which rule or table row it comes from."""

    message: str
    remedy: str
    mover: Mover
    source: str


_E = Explanation

_OTHERS: dict[Reason, Explanation] = {
    Reason.ENABLED: _E(
        "LinkedIn shows the integration as ENABLED.",
        "Nothing to do.",
        Mover.NOBODY,
        "step 4, onboarding status Enabled",
    ),
    Reason.READY_TO_ENABLE: _E(
        "The customer has requested it and LinkedIn shows REQUESTED.",
        "Run `greenlight apply`. An enabled integration cannot be disabled.",
        Mover.US,
        "step 4, onboarding status Requested",
    ),
    Reason.NOT_REQUESTED: _E(
        "LinkedIn has no request for this integration under this customer's application.",
        "Ask the customer's admin to request it in LinkedIn's configuration plugin (step 2).",
        Mover.CUSTOMER,
        "step 3, 200/404 No record found to partial update; step 4, no data in the answer",
    ),
    Reason.AWAITING_CUSTOMER: _E(
        "Our part is done: LinkedIn shows PARTNER_READY.",
        "Ask the customer's Recruiter admin to switch it on in Recruiter (Admin settings, ATS).",
        Mover.CUSTOMER,
        "step 4, onboarding status Partner Ready",
    ),
    Reason.ALREADY_ENABLED: _E(
        "LinkedIn refused the enable because the integration is enabled already, and verify confirms it.",
        "Nothing to do.",
        Mover.NOBODY,
        "step 3, 400 modifying onboarding status for already enabled integration is not allowed",
    ),
    Reason.INVALID_CONTEXT: _E(
        "LinkedIn says that the integration context is not valid.",
        "Compare integration_context with the value that the plugin's callback gave (step 2) and import it again.",
        Mover.US,
        "step 4, 400 Invalid integration context urn",
    ),
    Reason.KEY_INCOMPLETE: _E(
        "LinkedIn says that parts of the integration key are missing or wrong.",
        "Check integration_context, integration_type and tenant_type against the callback's values (step 2).",
        Mover.US,
        "steps 3 and 4, 400 Integration key parts are incomplete",
    ),
    Reason.KEY_MISMATCH: _E(
        "LinkedIn says that the keys in the request's body and in its query are not the same.",
        "This points to a defect in Greenlight or in a proxy between it and LinkedIn: report it with this run's id.",
        Mover.US,
        "step 3, 400 Batch request mismatch",
    ),
    Reason.WRONG_CREDENTIALS: _E(
        "The credentials held for this customer are not those of its child application.",
        "Put the child application's own client id and secret in place with `greenlight import`.",
        Mover.US,
        "step 3, 403 Not enough permissions to access: POST /atsIntegrations",
    ),
    Reason.TOKEN_REJECTED: _E(
        "LinkedIn rejected the access token, and a fresh one too.",
        "Check in the developer portal that the child application is active and may use atsIntegrations.",
        Mover.US,
        "steps 3 and 4, 401 token expired / Invalid access token",
    ),
    Reason.CREDENTIALS_REFUSED: _E(
        "LinkedIn's token endpoint refuses the customer's client id and secret.",
        "Import the current ones; where they were replaced, `greenlight credentials restore CUSTOMER` goes back.",
        Mover.US,
        "steps 3 and 4, API authorization",
    ),
    Reason.CREDENTIALS_MISSING: _E(
        "No child-application credentials are held for this customer.",
        "Import the customer's client id and secret, or provision a child application (step 1).",
        Mover.US,
        "docs/linkedin.md#provisioning",
    ),
    Reason.THROTTLED: _E(
        "LinkedIn's request limit for this application is reached.",
        "Nothing to do: the limit ends at 00:00 UTC and the next run goes on.",
        Mover.NOBODY,
        "docs/linkedin.md#throttling, HTTP 429",
    ),
    Reason.LINKEDIN_UNAVAILABLE: _E(
        "LinkedIn could not be reached or answered with a server error, after all retries.",
        "Run again later; if it lasts, mend the step of the way that the message names, or see LinkedIn's API status.",
        Mover.LINKEDIN,
        "HTTP 5xx, connection failures and timeouts",
    ),
    Reason.UNREADABLE_ANSWER: _E(
        "LinkedIn's answer is not what the API documents, so nothing was concluded from it.",
        "Run again later; if it lasts, check for a proxy in between or a new version of the API.",
        Mover.LINKEDIN,
        "steps 3 and 4, sample response bodies",
    ),
    Reason.NOT_THE_API: _E(
        "Something between Greenlight and LinkedIn answered in LinkedIn's place, so nothing was concluded from it.",
        "Show this message to whoever runs the proxy, firewall or filter on the way to LinkedIn. No customer has to do "
        "anything, no credential is wrong, and the next run goes on by itself.",
        Mover.US,
        "any answer that is not in the words of the API or of the token endpoint (docs/linkedin.md#error-bodies)",
    ),
    Reason.REQUEST_REFUSED: _E(
        "LinkedIn refused the request for a reason that its documentation does not list.",
        "Read LinkedIn's own words in the message; if they do not help, ask LinkedIn's partner support.",
        Mover.US,
        "any other HTTP 4xx",
    ),
    Reason.OUTCOME_UNKNOWN: _E(
        "An enable was sent, its answer did not arrive, and verify could not settle what became of it.",
        "Run again later: Greenlight looks first and never sends again before it has looked.",
        Mover.US,
        "docs/life-of-an-integration.md#4-enabled",
    ),
    Reason.CONFIRMED_NOT_SHOWN: _E(
        "LinkedIn confirmed the enable, and no look has shown its effect yet.",
        "Wait: it is looked at again and never sent again by itself. If it lasts, ask LinkedIn's partner support; "
        "`greenlight apply --customer` sends it once more on your word.",
        Mover.LINKEDIN,
        "docs/life-of-an-integration.md#5-confirmed-by-looking",
    ),
    Reason.HELD_BY_CAP: _E(
        "It is ready to be enabled, but the run's cap on enables was reached.",
        "Look at the plan; if so many enables are intended, run again or raise --max-changes.",
        Mover.US,
        "docs/safety.md#caps-and-tripwires",
    ),
    Reason.CHANGED_SINCE_PLAN: _E(
        "The plan was approved while the customer had another child application.",
        "Look at the customer's credentials, then make and approve a new plan.",
        Mover.US,
        "docs/life-of-an-integration.md#3-planned",
    ),
    Reason.PAUSED: _E(
        "It is ready to be enabled, but the customer is paused.",
        "Wait for the end of the pause, or end it with `greenlight resume CUSTOMER`.",
        Mover.US,
        "docs/safety.md#back-off-after-failures",
    ),
    Reason.WITHOUT_EVIDENCE: _E(
        "LinkedIn shows REQUESTED, but no import and no callback has named it since it was last enabled.",
        "Find out how it came into the ATS database; if wanted, name the customer: `greenlight apply --customer`.",
        Mover.US,
        "docs/safety.md#on-whose-word",
    ),
    Reason.CLAIMED_TWICE: _E(
        "LinkedIn shows the same integration context under two customers' applications.",
        "Find out whose organization it is; if this is right, `greenlight tripwires lift CUSTOMER`.",
        Mover.US,
        "docs/safety.md#caps-and-tripwires",
    ),
    Reason.SUDDENLY_EMPTY: _E(
        "LinkedIn shows nothing at all any more for many customers that had something before.",
        "Look at those first; what is shown again goes on by itself, else `greenlight tripwires lift CUSTOMER`.",
        Mover.US,
        "docs/safety.md#caps-and-tripwires",
    ),
    Reason.WANTED_SET_JUMPED: _E(
        "It is ready, but so much is wanted for the first time that a scheduled run leaves it to a person.",
        "Look at `greenlight tripwires`; what is intended is let go on by `greenlight tripwires lift`.",
        Mover.US,
        "docs/safety.md#caps-and-tripwires",
    ),
    Reason.WITHDRAWN: _E(
        "A person, or the source of what is wanted, has withdrawn it: it is neither looked at nor enabled.",
        "Nothing to do. A new request or an import that names it brings it back; so does the source what it alone had "
        "withdrawn, once it has it anew.",
        Mover.NOBODY,
        "docs/interface.md#commands",
    ),
    Reason.ENABLED_BUT_WITHDRAWN: _E(
        "A person or the source has withdrawn it, and LinkedIn has it enabled: that cannot be undone from here.",
        "If it must not go on at LinkedIn, have the customer's admin switch it off, or ask LinkedIn to, for Recruiter "
        "integrations LTSATSIntegrations@linkedin.com, else your partner contact; name the organization and the type.",
        Mover.US,
        "docs/desired-state.md#what-a-sync-does",
    ),
    Reason.REJECTED_REQUEST: _E(
        "The plugin's callback named it, and LinkedIn says that there is no such thing; nothing else ever named it.",
        "No run asks about it again. If it is real, its admin requests it in the plugin again, or an import names it.",
        Mover.CUSTOMER,
        "docs/linkedin.md#the-callback",
    ),
}

_ELSEWHERE = {
    Reason(code): Explanation(*text[:2], Mover(text[2]), text[3]) for code, text in (PROVISIONING | LEFT_OUT).items()
}
EXPLANATIONS: dict[Reason, Explanation] = {reason: (_OTHERS | _ELSEWHERE)[reason] for reason in Reason}
