"""Guards of the gate and of what goes into the ledger."""

from greenlight.ats.gate import GUARDS as OF_THE_GATE
from tests.guards.guard import Guard

GATE = "tests/ats/test_ats_gate.py"
BEGIN = "tests/ats/test_ats_beginning.py"


def _of_the_gate() -> list[Guard]:
    return [
        Guard(
            f"gate: {guard.says}",
            "greenlight/ats/gate.py",
            "guarded = picked.where(*(guard.allows(intents) for guard in GUARDS))",
            f"guarded = picked.where(*(guard.allows(intents) for guard in GUARDS if guard.says != {guard.says!r}))",
            (GATE,),
        )
        for guard in OF_THE_GATE
        # The index behind it, which is among the guards below, lets no second one in either.
        if guard.says != "an attempt is open"
    ]


LEDGER = [
    *_of_the_gate(),
    Guard(
        "at most one attempt is open, also for two at the same moment",
        "greenlight/ats/migrations/versions/0001_the_first_tables.py",
        '        unique=True,\n        sqlite_where=sa.text("closed_at IS NULL")',
        '        unique=False,\n        sqlite_where=sa.text("closed_at IS NULL")',
        ("tests/ats/test_ats_migrations.py", "tests/ats/test_ats_tables.py"),
    ),
    Guard(
        "the intent is written before the request leaves",
        "greenlight/reconcile/enable.py",
        "await lease.begin(*parts, patient=False)",
        "0, *await lease.begin(*parts[1:], patient=False)",
        ("tests/reconcile",),
    ),
    Guard(
        "a look is good for five minutes",
        "greenlight/ats/gate.py",
        "FRESH_FOR = timedelta(minutes=5)",
        "FRESH_FOR = timedelta(days=1)",
        (BEGIN,),
    ),
    Guard(
        "an enable is not sent late",
        "greenlight/reconcile/enable.py",
        "lambda: self._clock() <= leaves_by",
        "lambda: True",
        ("tests/reconcile",),
    ),
    Guard(
        "a look proves nothing while the request may still land",
        "greenlight/ats/rows.py",
        "settled=asked_at >= attempt.settles_at",
        "settled=True",
        (BEGIN,),
    ),
    Guard(
        "a confirmed enable is never taken for without effect",
        "greenlight/domain/conditions.py",
        "    if confirmed or not settled or seen.status is Status.UNKNOWN:",
        "    if not settled or seen.status is Status.UNKNOWN:",
        (BEGIN, "tests/domain/test_domain_settlements.py"),
    ),
    Guard(
        "only a refusal of LinkedIn's own ends an attempt without a look",
        "greenlight/domain/conditions.py",
        "return self.exit is Exit.UNCLEAR or self.reason in",
        "return self.reason in",
        ("tests/domain/test_domain_settlements.py",),
    ),
    Guard(
        "a look under one application settles nothing that was sent under another",
        "greenlight/ats/rows.py",
        "    if attempt.client_id == client_id:\n",
        "    if True:\n",
        ("tests/ats/test_ats_ending.py",),
    ),
    Guard(
        "a look that was asked for before the intent says nothing of it",
        "greenlight/ats/rows.py",
        "    if attempt is None or attempt.opened_at > asked_at:",
        "    if attempt is None:",
        ("tests/ats/test_ats_ending.py", "tests/ats/test_ats_looks.py"),
    ),
    Guard(
        "an older look changes nothing that a newer one has shown",
        "greenlight/ats/looks.py",
        "            if row.observed_at is None or row.observed_at <= asked_at or is_ahead(row.observed_at, made.now):",
        "            if True:",
        ("tests/ats/test_ats_looks.py", "tests/ats/test_ats_order.py"),
    ),
    Guard(
        "a sleeper's late look changes nothing that a newer one has shown",
        "greenlight/ats/findings.py",
        "if row.observed_at is not None and row.observed_at > now and not is_ahead(",
        "if False and not is_ahead(",
        ("tests/ats/test_ats_ending.py", "tests/ats/test_ats_looks.py"),
    ),
    Guard(
        "what is committed to SQLite is on the disk",
        "greenlight/ats/engines.py",
        '"synchronous=FULL"',
        '"synchronous=OFF"',
        ("tests/ats/test_ats_tables.py",),
    ),
    Guard(
        "a look from the future gives way",
        "greenlight/ats/looks.py",
        "row.observed_at <= asked_at or is_ahead(row.observed_at, made.now):",
        "row.observed_at <= asked_at:",
        ("tests/ats/test_ats_looks.py", "tests/ats/test_ats_order.py"),
    ),
    Guard(
        "a look under an application that the customer has no more is no evidence",
        "greenlight/ats/looks.py",
        "            if not chunk.is_the_customers_own(row, look.client_id):",
        "            if False:",
        ("tests/ats/test_ats_looks.py",),
    ),
    Guard(
        "an attempt that somebody has settled is not ended once more",
        "greenlight/ats/findings.py",
        "    if attempt is None or attempt.id != ending.attempt_id:",
        "    if attempt is None:",
        ("tests/ats/test_ats_ending.py",),
    ),
    Guard(
        "a block that holds another client id is not used",
        "greenlight/reconcile/observe.py",
        "    if credentials.client_id != entry.client_id:",
        "    if False:",
        ("tests/reconcile",),
    ),
    Guard(
        "a warrant is used up by its effect",
        "greenlight/ats/rows.py",
        "        row.effect_at = asked_at",
        "        pass",
        (BEGIN,),
    ),
    Guard(
        "a plan's and a person's word is good for one run",
        "greenlight/ats/warrants.py",
        "        or_(col(Warrant.run_id).is_(None), col(Warrant.run_id) == run_id),\n",
        "",
        (GATE,),
    ),
    Guard(
        "what has turned empty is kept, whoever looks next",
        "greenlight/ats/rows.py",
        "        row.vanished_at, row.vanished_from = asked_at, row.observed\n",
        "        pass\n",
        ("tests/ats/test_ats_holds.py",),
    ),
    Guard(
        "a hold ends by a person's word or when what was seen is back",
        "greenlight/ats/emptied.py",
        "        if row.observed in EFFECT or not active:",
        "        if True:",
        ("tests/ats/test_ats_holds.py",),
    ),
    Guard(
        "what is held is not acted on when it is requested",
        "greenlight/ats/requests.py",
        "    return or_(by_a_run, held_by_a_guard())",
        "    return by_a_run",
        ("tests/ats/test_ats_holds.py",),
    ),
    Guard(
        "what another run has found out since a plan was made stands over the plan",
        "greenlight/ats/store.py",
        "                if id in known and condition(row) != known[id]:",
        "                if False:",
        ("tests/reconcile/test_reconcile_busy.py",),
    ),
    Guard(
        "who is kept out of a customer writes over nothing that the other run has found out",
        "greenlight/ats/attempts.py",
        "            if row.reason in (Reason.READY_TO_ENABLE, Reason.CUSTOMER_BUSY):",
        "            if True:",
        ("tests/reconcile/test_reconcile_busy.py",),
    ),
    Guard(
        "an enable waits for no connection behind looks",
        "greenlight/linkedin/calls.py",
        'urgent=call.operation == "enable"',
        "urgent=False",
        ("tests/linkedin/test_linkedin_urgent.py",),
    ),
    Guard(
        "an intent is written when its request may leave soon, and does not age in a queue",
        "greenlight/reconcile/enable.py",
        "        async with self._sending:\n            now",
        "        if True:\n            now",
        ("tests/reconcile",),
    ),
    Guard(
        "of two intents for one integration in one transaction one is let through",
        "greenlight/ats/attempts.py",
        "                    answers[place] = opened.get(id) or refused[id]",
        "                    answers[:] = [opened.get(intent.wanted.id, answers[place]) for intent in intents]",
        ("tests/ats/test_ats_beginning.py",),
    ),
]
