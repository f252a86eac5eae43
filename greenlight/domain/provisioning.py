"""Where a customer's child application stands (docs/life-of-an-integration.md#0-the-customers-child-application)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from greenlight.domain.reasons import EXPLANATIONS, Reason
from greenlight.domain.report import Verdict, first_ten, verdict_of

SCHEMA = "greenlight.provision/1"
COMMAND = "provision"


class Provision(StrEnum):
    """What a run did about one customer's child application. Every customer ends in exactly one."""

    CREATED = "created"
    #: It existed at LinkedIn already and is now the customer's on record.
    ADOPTED = "adopted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    #: It is there, and LinkedIn does not let it work yet.
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProvisionRequests:
    """Requests sent: tokens of the parent and of new children, and calls of the Provisioning API."""

    token: int = 0
    provision: int = 0


@dataclass(frozen=True, slots=True)
class ProvisionItem:
    """One customer's child application with what is known of it. Never its secret."""

    customer_id: str
    customer_name: str
    client_id: str | None
    application_urn: str | None
    application_name: str | None
    js_sdk_domains: tuple[str, ...] | None
    outcome: Provision
    reason: Reason
    detail: str | None = None

    @property
    def message(self) -> str:
        message = EXPLANATIONS[self.reason].message
        return f"{message} ({self.detail})" if self.detail else message

    def as_json(self) -> dict[str, Any]:
        explanation = EXPLANATIONS[self.reason]
        document = asdict(self)
        del document["detail"]
        return {
            **document,
            "outcome": self.outcome.value,
            "reason": self.reason.value,
            "js_sdk_domains": list(self.js_sdk_domains) if self.js_sdk_domains is not None else None,
            "message": self.message,
            "remedy": explanation.remedy,
            "whose_move": explanation.mover.value,
        }


@dataclass(frozen=True, slots=True)
class ProvisionReport:
    """Every customer that a provisioning run was about."""

    run_id: str
    items: Sequence[ProvisionItem]
    requests: ProvisionRequests
    #: Applications that a run which looks at all left out, since they came by an import.
    imported: int = 0

    def counts(self) -> dict[Provision, int]:
        counts = dict.fromkeys(Provision, 0)
        for item in self.items:
            counts[item.outcome] += 1
        return counts

    def unsettled(self) -> list[ProvisionItem]:
        return [item for item in self.items if item.outcome in (Provision.FAILED, Provision.WAITING)]

    @property
    def verdict(self) -> Verdict:
        return verdict_of(len(self.unsettled()), len(self.items))

    @property
    def exit_code(self) -> int:
        """0 every application is there and works, 3 at least one is not (docs/interface.md#exit-codes)."""
        return 3 if self.unsettled() else 0

    def headline(self) -> str:
        """One sentence: how many of what, and who needs somebody (the first ten, by name)."""
        counts = [f"{count} {outcome}" for outcome, count in self.counts().items() if count]
        text = ", ".join(counts) or "every customer has its child application"
        unsettled = [f"{item.customer_id} ({item.reason})" for item in self.unsettled()]
        if unsettled:
            text += f". Not working yet: {first_ten(unsettled)}"
        if self.imported:
            text += (
                f". Of {self.imported} imported applications no API shows the domains, since LinkedIn finds only those "
                "that were made here: compare them in its developer portal"
            )
        return text + "."

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "command": COMMAND,
            "run_id": self.run_id,
            "verdict": self.verdict.value,
            "counts": {outcome.value: count for outcome, count in self.counts().items()},
            "requests": asdict(self.requests),
            "items": [item.as_json() for item in self.items],
        }
