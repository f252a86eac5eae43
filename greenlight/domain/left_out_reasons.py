"""What people are told of what a run left out or did not come to, by code: message, remedy, whose move, the source."""

LEFT_OUT: dict[str, tuple[str, str, str, str]] = {
    "NOT_LOOKED_AT": (
        "It has not been looked at.",
        "Run `greenlight plan` to look.",
        "us",
        "docs/life-of-an-integration.md#2-observed",
    ),
    "CUSTOMER_BUSY": (
        "Another run was at this customer all the while.",
        "Wait for that run's end, then run again; its own report says what it did.",
        "us",
        "docs/safety.md#one-run-at-a-customer-at-a-time",
    ),
    "NOT_DONE": (
        "It was planned, and the run did not come to it.",
        "Run again; if it lasts, see the run's log for what kept it from the ATS database or from LinkedIn.",
        "us",
        "docs/architecture.md#what-is-told-of-a-run",
    ),
    "RESTING": (
        "It rests after failures, so this scheduled run left it out.",
        "Nothing to do: a scheduled run tries it again when it has rested; `greenlight plan` looks at once.",
        "nobody",
        "docs/safety.md#back-off-after-failures",
    ),
    "SHARE_SPENT": (
        "This customer's share of the requests that all customers have for clicks today is spent.",
        "Nothing to do: the nightly run is not bound by it, and a new share begins at 00:00 UTC.",
        "nobody",
        "docs/safety.md#the-days-requests",
    ),
    "NOT_DUE": (
        "It is settled as ENABLED and not due for its recheck, so this scheduled run left it out.",
        "Nothing to do: a scheduled run looks at each within GREENLIGHT_RECHECK_DAYS; `greenlight plan` looks at once.",
        "nobody",
        "docs/safety.md#what-a-night-looks-at",
    ),
}
