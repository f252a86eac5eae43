"""Guards of webhooks: to whom they go, and that their order stays."""

from tests.guards.guard import Guard

WEBHOOKS = [
    Guard(
        "a webhook goes to no address inside the network unless allowed",
        "greenlight/webhooks/sending.py",
        "        if is_internal(str(to[0])) and not self._allow_internal:",
        "        if False:",
        ("tests/webhooks",),
    ),
    Guard(
        "a webhook follows no redirect",
        "greenlight/webhooks/sending.py",
        "allow_redirects=False",
        "allow_redirects=True",
        ("tests/webhooks",),
    ),
    Guard(
        "a webhook waits for the one before it of the same customer",
        "greenlight/ats/webhooks.py",
        "col(table.next_try_at) <= now, free, ~before)",
        "col(table.next_try_at) <= now, free)",
        ("tests/ats/test_ats_webhooks.py",),
    ),
    Guard(
        "a webhook that another worker is sending is not sent",
        "greenlight/ats/webhooks.py",
        "    free = or_(col(table.claimed_until).is_(None), col(table.claimed_until) <= now)",
        "    free = col(table.id) > 0",
        ("tests/ats/test_ats_webhooks.py",),
    ),
    Guard(
        "what came of a webhook is written by whoever has it",
        "greenlight/ats/webhooks.py",
        "                if row.claimed_by != self._owner:",
        "                if False:",
        ("tests/ats/test_ats_webhooks.py",),
    ),
]
