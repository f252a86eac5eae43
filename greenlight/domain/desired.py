"""What a source of what is wanted gave, and what came of it. Pure: no I/O, no clock."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.domain.tripwires import too_many

#: Entries of each kind that a report names; all are counted.
NAMED = 50


class DesiredFrom(StrEnum):
    """Where what is wanted comes from."""

    #: Greenlight's own tables: imports and callbacks.
    OWN = "own"
    SQL = "sql"
    FILE = "file"
    HTTP = "http"


class SyncOutcome(StrEnum):
    """How a sync ended."""

    APPLIED = "applied"
    #: It would have taken away too much at once: nothing was changed until a person says so.
    HELD = "held"
    #: It could not be read, or not to its end: nothing was changed.
    UNREADABLE = "unreadable"
    #: A sync that began later went on in its place.
    OVERTAKEN = "overtaken"


#: The kinds of changes, in the words of a report.
ADDED, RENAMED, WITHDRAWN, RETURNED = KINDS = ("added", "renamed", "withdrawn", "returned")
#: What the source has and does not come in: a bad row, and what a person has withdrawn.
HELD_BACK, KEPT_OUT = "held_back", "kept_out"
#: What the source has dropped and is not withdrawn yet: an enable of it is on its way.
ON_ITS_WAY = "on_its_way"


def takes_too_much(losing: int, listed: int, rows: int) -> bool:
    """Whether so much is gone from a source that it is not believed.

    `losing` customers would lose something of what the source had, of `listed` that have something of it.
    """
    return losing > 0 and (rows == 0 or too_many(losing, listed))


@dataclass(slots=True)
class SyncReport:
    """One sync: what was read, what changed, and what did not come in."""

    source: str
    outcome: SyncOutcome
    detail: str | None = None
    rows: int = 0
    customers: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    #: The first of each kind.
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Whether the sync before ended in the same way, with no fault that is new.
    known: bool = False
    #: Customers that would lose something of what the source had.
    losing: int = 0

    def note(self, kind: str, entry: dict[str, Any]) -> None:
        """Count one more of a kind, and keep it while they are few."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept = self.entries.setdefault(kind, [])
        if len(kept) < NAMED:
            kept.append(entry)

    def was_so(self, before: "SyncReport | None") -> bool:
        """Whether a sync before ended in the same way, with no fault that is new."""
        if before is None or before.outcome is not self.outcome:
            return False
        if self.outcome is SyncOutcome.HELD and self.losing > before.losing:
            return False
        if self.outcome is SyncOutcome.UNREADABLE and self.detail != before.detail:
            return False
        fewer = self.counts.get(HELD_BACK, 0) <= before.counts.get(HELD_BACK, 0)
        return fewer and self._faults() <= before._faults()

    def _faults(self) -> set[tuple[str | None, str, str]]:
        return {(e["customer_id"], e["field"], e["why"]) for e in self.entries.get(HELD_BACK, ())}

    @property
    def is_troubled(self) -> bool:
        """Whether somebody has to look into it."""
        # What overtook it may have failed, so that nobody has carried out the source's word.
        return self.outcome is not SyncOutcome.APPLIED or bool(self.counts.get(HELD_BACK))

    def in_words(self) -> str:
        """One sentence for a headline."""
        if self.outcome in (SyncOutcome.HELD, SyncOutcome.UNREADABLE):
            return f"The source {self.source} changed nothing: {self.detail}"
        said = [f"{self.counts[kind]} {kind}" for kind in KINDS if self.counts.get(kind)]
        if self.outcome is SyncOutcome.OVERTAKEN:
            said.append("then overtaken by a later sync" if said else "overtaken by a later sync")
        said = said or ["nothing new"]
        enabled = [e for e in self.entries.get(WITHDRAWN, ()) if e["reason"] == Reason.ENABLED_BUT_WITHDRAWN]
        if enabled:
            named = ", ".join(f"{e['customer_id']} ({e['reason']})" for e in enabled[:3])
            said.append(f"enabled at LinkedIn all the same: {named}{' and more' if enabled[3:] else ''}")
        if self.counts.get(HELD_BACK):
            first = self.entries[HELD_BACK][0]
            said.append(
                f"{self.counts[HELD_BACK]} faults hold their customers back, the first in row {first['line']}, "
                f"{first['field']}: {first['why']}"
            )
        return f"The source {self.source}: {', '.join(said)}"

    def as_json(self) -> dict[str, Any]:
        held = self.outcome is SyncOutcome.HELD
        return {
            "name": self.source,
            "outcome": self.outcome.value,
            "reason": Reason.SUDDENLY_EMPTY.value if held else None,
            "message": self.detail,
            "remedy": REMEDIES.get(self.outcome),
            "whose_move": "us" if self.is_troubled else "nobody",
            "rows": self.rows,
            "customers": self.customers,
            "counts": {kind: self.counts.get(kind, 0) for kind in (*KINDS, HELD_BACK, KEPT_OUT, ON_ITS_WAY)},
            **{kind: self.entries.get(kind, []) for kind in (*KINDS, HELD_BACK, KEPT_OUT, ON_ITS_WAY)},
        }

    def stored(self) -> dict[str, Any]:
        """What is kept of it beside its own columns."""
        return {"counts": self.counts, "entries": self.entries}


REMEDIES = {
    SyncOutcome.HELD: "Look at the source; if it is right, `greenlight tripwires lift --source` lets it go on.",
    SyncOutcome.OVERTAKEN: "See what came of the later sync; the next one makes good what neither has done.",
    SyncOutcome.UNREADABLE: "Mend what the message says; `greenlight doctor` tries the source and changes nothing.",
}


def explained(reason: Reason) -> dict[str, str]:
    """What a report says of a reason, as of its items."""
    known = EXPLANATIONS[reason]
    return {
        "reason": reason.value,
        "message": known.message,
        "remedy": known.remedy,
        "whose_move": known.mover.value,
    }
