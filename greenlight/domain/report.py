"""The report of a run, as other programs read it: `greenlight.report/1` (docs/interface.md#the-report)."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from greenlight.domain.conditions import WORTH_REPEATING, Condition
from greenlight.domain.desired import SyncReport
from greenlight.domain.plan import Action, Item, RequestTotals
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.recheck import NotDue
from greenlight.domain.report_item import ReportItem
from greenlight.domain.status import Status

SCHEMA = "greenlight.report/1"


class Command(StrEnum):
    PLAN = "plan"
    APPLY = "apply"
    STATUS = "status"
    EXPLAIN = "explain"
    #: What a customer has just requested in the plugin.
    REQUEST = "request"


class Verdict(StrEnum):
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"


def verdict_of(unsettled: int, total: int) -> Verdict:
    """Computed from items and from nothing else: so many of them need somebody."""
    if not unsettled:
        return Verdict.OK
    return Verdict.FAILED if unsettled == total else Verdict.PARTIAL


def first_ten(names: Sequence[str], most: int = 10) -> str:
    """The first ten of them, or as many as are to be named, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@dataclass(frozen=True, slots=True)
class Report:
    """Items, and everything that follows from them: counts, verdict, exit code."""

    command: Command
    items: Sequence[ReportItem]
    run_id: str | None = None
    plan_id: str | None = None
    requests: RequestTotals = field(default_factory=RequestTotals)
    #: What applying would cost; plans only.
    price: RequestTotals | None = None
    #: The database that it was drawn from, without a secret.
    database: str | None = None
    #: When the run began; None is no run.
    began: datetime | None = None
    not_due: NotDue = field(default_factory=NotDue)
    #: Items that a scheduled run found to be ENABLED no more.
    drifted: Sequence[ReportItem] = ()
    #: What the run's sync with the source of what is wanted gave, if it made one.
    source: SyncReport | None = None

    def counts(self) -> dict[Outcome, int]:
        counts = dict.fromkeys(Outcome, 0)
        for item in self.items:
            counts[item.condition.outcome] += 1
        return counts

    def told(self) -> dict[str, int]:
        """How many of what, in words, each item once; a plan begins with what it would enable."""
        plans, counts = self.command is Command.PLAN and bool(self.items), self.counts()
        for item in self.items if plans else ():
            counts[item.condition.outcome] -= item.action is Action.ENABLE
        told = {outcome.value.replace("_", " "): count for outcome, count in counts.items() if count}
        return {"to enable": self.changes} | told if plans else told

    def in_words(self) -> str:
        """What `told` gives as a line, and how many besides were not due; nothing where nothing is wanted."""
        told = ", ".join(f"{count} {what}" for what, count in self.told().items())
        return "; ".join(filter(None, (told, self.not_due.in_words())))

    def with_drift(self, enabled_before: Collection[Item]) -> "Report":
        """The same, knowing what was ENABLED before the run looked."""
        lost = [i for i in self.items if i.item in enabled_before and i.observed is not Status.ENABLED]
        return replace(self, drifted=lost)

    def unsettled(self) -> list[ReportItem]:
        """Items that somebody has to look into; a never-looked-at item is one only where the run was to look."""
        looks = self.command in (Command.PLAN, Command.APPLY, Command.REQUEST)
        return [i for i in self.items if i.in_doubt or _is_unsettled(i.condition, looks)]

    def is_known_trouble(self) -> bool:
        """Whether all that is unsettled was so before the run, for the same reason, and none of it kept it from work.

        Somebody has been told then; the exit code goes on saying it.
        """
        began, unsettled = self.began, self.unsettled()
        if self.source is not None and self.source.is_troubled and not self.source.known:
            return False
        troubled = bool(unsettled) or self.has_trouble_at_source
        return began is not None and troubled and all(_is_known(entry, began) for entry in unsettled)

    def dropped(self) -> list[ReportItem]:
        """Of an approved plan's enables, those that no longer were what was approved when it was applied."""
        applies_plan = self.command is Command.APPLY and self.plan_id is not None
        return [item for item in self.items if applies_plan and item.action is Action.NONE]

    @property
    def verdict(self) -> Verdict:
        """What is known to be well and was not due counts among all."""
        verdict = verdict_of(len(self.unsettled()), len(self.items) + self.not_due.count)
        return Verdict.PARTIAL if verdict is Verdict.OK and self.has_trouble_at_source else verdict

    @property
    def has_trouble_at_source(self) -> bool:
        return self.source is not None and self.source.is_troubled

    @property
    def changes(self) -> int:
        """Items that an apply would enable, or tried to."""
        return sum(item.action is Action.ENABLE for item in self.items)

    @property
    def changed(self) -> int:
        """Items that this run's own enables brought further; none of them can be undone."""
        return sum(item.changed for item in self.items)

    def headline(self) -> str:
        """How many of what; who needs somebody (the first ten, by name); and what waits for others, by reason."""
        text = self.in_words() or "nothing is wanted"
        if self.changed:
            text += f"; {self.changed} changed by this run"
        if self.source is not None:
            text += f". {self.source.in_words()}"
        if drifted := [f"{i.item.customer_id} ({i.condition.reason})" for i in self.drifted]:
            text += f". No longer enabled at LinkedIn: {first_ten(drifted)}"
        if dropped := [f"{i.item.customer_id} ({i.condition.reason})" for i in self.dropped()]:
            text += f". Dropped since the plan: {first_ten(dropped)}"
        for mover, waits in _WAITS.items():
            theirs = [i for i in self.unsettled() if EXPLANATIONS[i.condition.reason].mover is mover]
            if mover is Mover.US:
                between = [i for i in theirs if i.condition.reason is Reason.NOT_THE_API]
                theirs = [i for i in theirs if i not in between]
                if between:
                    text += f". {_IN_BETWEEN}: {'; '.join(_by_reason(between))}"
            if theirs and mover is Mover.US:
                text += f". {waits}: {first_ten([f'{i.item.customer_id} ({i.condition.reason})' for i in theirs])}"
            elif theirs:
                text += f". {waits}: {'; '.join(_by_reason(theirs))}"
        return text + "."

    @property
    def exit_code(self) -> int:
        """0 nothing left for us, 2 a plan with changes, 3 an item is unsettled (docs/interface.md#exit-codes)."""
        if self.command is Command.PLAN and self.changes:
            return 2
        return 3 if self.unsettled() or self.has_trouble_at_source else 0

    def as_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "command": self.command.value,
            "run_id": self.run_id,
            "plan_id": self.plan_id,
            "database": self.database,
            "verdict": self.verdict.value,
            "changed": self.changed,
            "counts": {outcome.value: count for outcome, count in self.counts().items()},
            "requests": asdict(self.requests),
            "items": [item.as_json() for item in self.items],
        }
        if self.price is not None:
            document["price"] = asdict(self.price)
        if self.not_due.count:
            document["not_due"] = self.not_due.as_json()
        if self.source is not None:
            document["source"] = self.source.as_json()
        return document


#: Planned, and nothing is on record of what became of it.
_NOT_DONE = Condition(Outcome.FAILED, Reason.NOT_DONE)
_IN_DOUBT = Condition(Outcome.UNKNOWN, Reason.OUTCOME_UNKNOWN)


def as_of_run(entry: ReportItem, command: Command, *, ours: bool, in_doubt: bool) -> ReportItem:
    """What this run did about it, which what is known of it now does not tell alone.

    `ours` says that an enable of this run took effect, `in_doubt` that one is still open.
    """
    entry, known = replace(entry, in_doubt=in_doubt, changed=ours), entry.condition
    if known.reason is Reason.ENABLED:
        # Another run may have looked at it meanwhile: whether it was this run that enabled it, the attempts tell.
        return replace(entry, condition=replace(known, outcome=Outcome.ENABLED if ours else Outcome.ALREADY_ENABLED))
    planned = command in (Command.APPLY, Command.REQUEST) and entry.action is Action.ENABLE
    if planned and known.reason is Reason.READY_TO_ENABLE:
        return replace(entry, condition=_IN_DOUBT if in_doubt else _NOT_DONE)
    return entry


def at_rest(known: Condition, until: datetime) -> Condition:
    """The condition of an item that a scheduled run left alone; what is ours to mend stays named for what it is."""
    when = f"until {until.astimezone(UTC):%Y-%m-%d %H:%MZ}"
    if EXPLANATIONS[known.reason].mover is Mover.US:
        words = f"not tried in this run, rests {when}"
        return replace(known, detail=f"{known.detail}; {words}" if known.detail else words)
    return Condition(Outcome.NOT_LOOKED_AT, Reason.RESTING, f"{when}; its last try ended {known.reason}")


#: How an unsettled item is said, by whose move it is; only ours needs somebody here.
_WAITS = {
    Mover.US: "Needs somebody",
    Mover.LINKEDIN: "Waits for LinkedIn",
    Mover.CUSTOMER: "Waits for the customer",
    Mover.NOBODY: "Passes by itself",
}
#: One trouble of the network, and of no customer that meets it.
_IN_BETWEEN = "Somebody in between answered for LinkedIn"
#: Customers of one reason that are named; more are counted, since an outage is one thing and not hundreds.
_NAMED = 3


def _by_reason(items: Sequence[ReportItem]) -> list[str]:
    said: list[str] = []
    for reason in dict.fromkeys(i.condition.reason for i in items):
        customers = dict.fromkeys(i.item.customer_id for i in items if i.condition.reason is reason)
        if len(customers) <= _NAMED:
            said.append(", ".join(f"{customer} ({reason})" for customer in customers))
        else:
            said.append(f"{reason}: {len(customers)} customers")
        ends = [i.next_try_at for i in items if i.next_try_at is not None and i.condition.reason is reason]
        if reason is Reason.RESTING and ends:
            said[-1] += f", the first until {min(ends).astimezone(UTC):%Y-%m-%d %H:%MZ}"
    return said


_UNSETTLED = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.HELD})


def _is_unsettled(condition: Condition, looks: bool) -> bool:
    if condition.outcome is Outcome.NOT_LOOKED_AT:
        return looks or condition.reason is not Reason.NOT_LOOKED_AT
    return condition.outcome in _UNSETTLED


#: What keeps a run from its work is told each time, as is what waits for a person's yes.
_NEVER_KNOWN = WORTH_REPEATING | {Reason.CUSTOMER_BUSY, Reason.NOT_DONE}


def _is_known(entry: ReportItem, began: datetime) -> bool:
    known, since = entry.condition, entry.condition_since
    if known.reason is Reason.RESTING:
        return True
    stays = known.outcome is Outcome.FAILED or known.reason is Reason.CONFIRMED_NOT_SHOWN
    if entry.in_doubt or not stays or known.reason in _NEVER_KNOWN:
        return False
    return since is not None and since < began
