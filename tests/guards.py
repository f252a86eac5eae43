"""Every guard on what cannot be undone: where it stands, what the code says without it, and the tests that fall then.

`tests/mutate.py` takes them out one by one; `docs/safety.md` lists them.
"""

from dataclasses import dataclass

from greenlight.ats.gate import GUARDS as OF_THE_GATE

GATE = "tests/ats/test_ats_gate.py"
BEGIN = "tests/ats/test_ats_beginning.py"


@dataclass(frozen=True, slots=True)
class Guard:
    """`old` stands once in `file`, and `new` in its place is the code without the guard."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def without(self, code: str) -> str:
        if code.count(self.old) != 1:
            raise ValueError(f"{self.file} does not hold {self.old!r} once")
        return code.replace(self.old, self.new)


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


GUARDS = [
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
        "await self._attempts.writer.join(self._attempts.begin_all, intent)",
        "0",
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
        "greenlight/ats/store.py",
        "                if row.observed_at is None or row.observed_at <= asked_at or is_ahead(row.observed_at, now):",
        "                if True:",
        ("tests/ats/test_ats_looks.py", "tests/ats/test_ats_order.py"),
    ),
    Guard(
        "a sleeper's late look changes nothing that a newer one has shown",
        "greenlight/ats/attempts.py",
        "if row.observed_at is not None and row.observed_at > now and not is_ahead(row.observed_at, written_at):",
        "if False:",
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
        "greenlight/ats/store.py",
        "row.observed_at <= asked_at or is_ahead(row.observed_at, now):",
        "row.observed_at <= asked_at:",
        ("tests/ats/test_ats_looks.py", "tests/ats/test_ats_order.py"),
    ),
    Guard(
        "a look under an application that the customer has no more is no evidence",
        "greenlight/ats/store.py",
        "                if not is_the_customers_own(session, row, look.client_id):",
        "                if False:",
        ("tests/ats/test_ats_looks.py",),
    ),
    Guard(
        "an attempt that somebody has settled is not ended once more",
        "greenlight/ats/attempts.py",
        "            if attempt.closed_at is not None:",
        "            if False:",
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
        "greenlight/ats/holds.py",
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
        "a plan is used once",
        "greenlight/ats/plans.py",
        "    if plan.used_by_run is not None and plan.used_by_run != run_id:",
        "    if False:",
        ("tests/ats/test_ats_plan_use.py",),
    ),
    Guard(
        "a plan expires",
        "greenlight/ats/plans.py",
        "    if plan.expires_at is None or plan.expires_at <= now:",
        "    if False:",
        ("tests/ats/test_ats_plan_use.py",),
    ),
    Guard(
        "a plan is applied by approval alone",
        "greenlight/ats/plans.py",
        "            if approved is None:",
        "            if False:",
        ("tests/ats/test_ats_plan_use.py",),
    ),
    Guard(
        "an approval ends",
        "greenlight/ats/plans.py",
        "            if approved.expires_at <= now:",
        "            if False:",
        ("tests/ats/test_ats_plan_use.py",),
    ),
    Guard(
        "what could not be shown is not approved without saying how many",
        "greenlight/ats/plans.py",
        "            if enables is None and count > approval.SHOWN_AT_MOST:",
        "            if False:",
        ("tests/ats/test_ats_plans.py",),
    ),
    Guard(
        "where two persons are wanted, who approved a plan does not apply it",
        "greenlight/ats/plans.py",
        "            if approvers is Approvers.ANOTHER and (",
        "            if False and (",
        ("tests/ats/test_ats_plans.py",),
    ),
    Guard(
        "what was approved under another application is left out",
        "greenlight/ats/plans.py",
        "if planned.client_id != client_id]",
        "if False]",
        ("tests/ats/test_ats_plan_use.py",),
    ),
    Guard(
        "the cap of a run",
        "greenlight/domain/plan.py",
        "        elif enables >= policy.max_changes:",
        "        elif False:",
        ("tests/domain/test_domain_plan.py",),
    ),
    Guard(
        "a schedule enables at most half of what is wanted",
        "greenlight/domain/tripwires.py",
        "return min(max_changes, max(SHARE_AT_LEAST, wanted * SHARE_PERCENT // 100))",
        "return max_changes",
        ("tests/domain/test_domain_tripwires.py",),
    ),
    Guard(
        "a pause holds what is planned",
        "greenlight/domain/tripwires.py",
        "        elif item.customer_id in facts.paused:",
        "        elif False:",
        ("tests/domain/test_domain_tripwires.py",),
    ),
    Guard(
        "many that turn empty at once are an alarm",
        "greenlight/domain/tripwires.py",
        "            found |= together",
        "            pass",
        ("tests/domain/test_domain_tripwires.py",),
    ),
    Guard(
        "a wanted set that jumps is an alarm",
        "greenlight/domain/tripwires.py",
        "return known > 0 and new >= JUMP_AT_LEAST and new * 100 >= known * JUMP_PERCENT",
        "return False",
        ("tests/domain/test_domain_tripwires.py",),
    ),
    Guard(
        "one customer at a time: a lease that somebody holds is not taken",
        "greenlight/ats/locks.py",
        ".where(theirs, free)",
        ".where(theirs)",
        ("tests/ats/test_ats_locks.py",),
    ),
    Guard(
        "the credentials of a provisioned application are not replaced by a file",
        "greenlight/ats/registry.py",
        "if held is not None and who not in replace and made.get(who, held[0]) != held[0]:",
        "if False:",
        ("tests/ats/test_ats_registry.py",),
    ),
    Guard(
        "a client id belongs to one customer",
        "greenlight/ats/registry.py",
        "    if holder is not None:\n",
        "    if False:\n",
        ("tests/ats/test_ats_registry.py",),
    ),
]
