"""Guards of the HTTP API: whose call does something, and that it does it once."""

from tests.guards.guard import Guard

ACCESS, KEYS, REPEATING, TRANSACTIONS = (
    "tests/api/test_api_access.py",
    "tests/ats/test_ats_api_keys.py",
    "tests/api/test_api_repeating.py",
    "tests/api/test_api_transactions.py",
)
_OPENS_NOTHING = "            if row is None or not same or row.revoked_at is not None:"

API = [
    Guard(
        "an API key does what its scopes name and nothing else",
        "portal/api/access.py",
        "        if scope not in caller.scopes:",
        "        if False:",
        (ACCESS, "tests/api/test_api_writing.py"),
    ),
    Guard(
        "an API key is known by all of it and not by its public part",
        "greenlight/ats/api_keys.py",
        _OPENS_NOTHING,
        "            if row is None or row.revoked_at is not None:",
        (KEYS,),
    ),
    Guard(
        "a revoked API key opens nothing",
        "greenlight/ats/api_keys.py",
        _OPENS_NOTHING,
        "            if row is None or not same:",
        (ACCESS, KEYS),
    ),
    Guard(
        "an API key that is over opens nothing",
        "greenlight/ats/api_keys.py",
        "            if row.expires_at is not None and row.expires_at <= now:",
        "            if False:",
        (ACCESS, KEYS),
    ),
    Guard(
        "an Idempotency-Key answers no other call",
        "greenlight/ats/idempotency.py",
        "    if row.digest != asked.digest:",
        "    if False:",
        (REPEATING,),
    ),
    Guard(
        "a call that is sent again under one Idempotency-Key does nothing more",
        "greenlight/ats/idempotency.py",
        "                if before is not None:",
        "                if False:",
        (REPEATING,),
    ),
    Guard(
        "what a call changes is not there without its answer",
        "greenlight/ats/idempotency.py",
        "with self._database.together() as done, self._database.writing() as session:",
        "done = lambda: None\n            with self._database.writing() as session:",
        (TRANSACTIONS,),
    ),
    Guard(
        "a call changes nothing of a customer that has left meanwhile",
        "greenlight/ats/idempotency.py",
        "    present(session, asked.customer_id)",
        "    _ = asked.customer_id",
        (TRANSACTIONS,),
    ),
    Guard(
        "of a customer that has left no answer to a call is kept",
        "greenlight/ats/withdrawals.py",
        "            session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.customer_id) == customer_id))\n",
        "",
        (TRANSACTIONS,),
    ),
    Guard(
        "a link is not kept with the answer to its call",
        "portal/api/writing.py",
        'return Answered(201, {"link_id": new_link_id(), "at": int(context.seconds())})',
        "link_id, at = new_link_id(), int(context.seconds())\n            "
        "token = context.links.as_of(at).issue(id, link_id)\n            "
        'return Answered(201, {"link_id": link_id, "at": at, "link": token})',
        (REPEATING,),
    ),
    Guard(
        "an API key ends and changes no person's pause",
        "greenlight/ats/pauses.py",
        "    if row is not None and row.until > now and not row.owner.startswith(over):",
        "    if False:",
        ("tests/api/test_api_pauses.py",),
    ),
    Guard(
        "for a customer that has left no application is asked for any more",
        "greenlight/ats/withdrawals.py",
        "            for table in (Pause, ProvisioningRequest):",
        "            for table in (Pause,):",
        ("tests/api/test_api_writing.py",),
    ),
    Guard(
        "nothing that was under way is put on record for a customer that has left",
        "greenlight/ats/present.py",
        "    if customer.forgotten_at is not None:",
        "    if False:",
        ("tests/ats/test_ats_forgotten.py", "tests/tasks/realtime/test_tasks_provisioning.py"),
    ),
    Guard(
        "no secret of a customer that has left is kept",
        "greenlight/reconcile/under_lease.py",
        "                await forget()",
        "                pass",
        ("tests/tasks/realtime/test_tasks_provisioning.py",),
    ),
    Guard(
        "a customer that is back has no application that works until its secret is there again",
        "greenlight/ats/candidates.py",
        "    if held is None or held.secret_deleted_at is not None:",
        "    if held is None:",
        ("tests/api/test_api_writing.py",),
    ),
    Guard(
        "nobody leaves while more of it is written",
        "greenlight/ats/registering.py",
        "session.exec(query.with_for_update()):",
        "session.exec(query):",
        ("tests/ats/test_ats_forgotten.py",),
    ),
]
