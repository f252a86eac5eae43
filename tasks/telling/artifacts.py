"""What Prefect's UI shows of a run: a markdown artifact with the plan, a table with the outcome."""

import re
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from greenlight.ats.rows import Wanted
from greenlight.domain.approval import SHOWN_AT_MOST
from greenlight.domain.plan import Action, Planned
from greenlight.domain.provisioning import ProvisionReport
from greenlight.domain.reasons import EXPLANATIONS, Outcome
from greenlight.domain.report import Report, ReportItem
from tasks.parts.plan_made import PlanMade
from tasks.parts.provisioning_session import current_provisioning
from tasks.parts.retries import RECORDING
from tasks.parts.session import current
from tasks.telling.best_effort import best_effort
from tasks.telling.events import announce, announce_applications

#: The browser is what limits an artifact; the database has the rest.
MAX_ROWS = 200


@task(name="publish plan", task_run_name="publish plan", **RECORDING)
async def publish_plan(made: PlanMade, command: str, plan_id: str | None) -> None:
    """What would be enabled, all of it, and what is held, for people: in pages of what a browser takes."""
    entries, cost = [entry for _, entry in made.entries], made.price
    enables = [entry for entry in entries if entry.action is Action.ENABLE]
    held = [e for e in entries if e.action is not Action.ENABLE and e.condition.outcome is Outcome.HELD]
    # Whoever approves sees all that they say yes to; what is held fills the last page.
    sure = min(len(enables), SHOWN_AT_MOST)
    rows = [*enables, *held][: max(MAX_ROWS, -(-sure // MAX_ROWS) * MAX_ROWS)]
    pages = [rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS)] or [[]]
    missing = len(enables) + len(held) - len(rows)
    lines = [
        f"# {len(enables)} to enable, {len(entries)} looked at",
        "",
        f"Price: {cost.token} token, {cost.verify} verify and {cost.enable} enable requests. "
        "An enabled integration cannot be disabled.",
        "",
        *([f"Plan `{plan_id}`: `greenlight approve {plan_id}`, then apply it by its id."] if plan_id else []),
        f"The same again: `{command.replace('`', ' ')}`",
        "",
    ]
    if missing:
        unshown = max(0, len(enables) - len(rows))
        where = f"`greenlight plans {plan_id}` lists all" if plan_id else "the ATS database has all"
        lines += [
            f"The first {len(rows)} of {len(rows) + missing} are shown. Not shown: {unshown} that would be enabled and "
            f"{missing - unshown} that are held; {where}.",
            "",
        ]
    for number, page in enumerate(pages, 1):
        if len(pages) > 1:
            more = f"; it goes on in `reconcile-plan-{number + 1}`" if number < len(pages) else ""
            lines += [f"Page {number} of {len(pages)}{more}.", ""]
        async with best_effort("a page of the plan"):
            await acreate_markdown_artifact(
                "\n".join([*lines, *_table(page), ""]),
                key="reconcile-plan" if number == 1 else f"reconcile-plan-{number}",
                description="What the run planned, before it did anything."
                + (f" Page {number} of {len(pages)}." if len(pages) > 1 else ""),
            )
        lines = [f"# {len(enables)} to enable{f', plan `{plan_id}`' if plan_id else ''}", ""]


def _table(entries: Sequence[Planned]) -> list[str]:
    lines = ["| | customer | integration | context | reason |", "|---|---|---|---|---|"]
    for entry in entries:
        key = entry.item.key
        cells = (
            "+ enable" if entry.action is Action.ENABLE else "held",
            entry.item.customer_id,
            key.integration_type,
            key.integration_context,
            entry.condition.reason + (f": {entry.condition.detail}" if entry.condition.detail else ""),
        )
        lines.append("| " + " | ".join(cell(value) for value in cells) + " |")
    return lines


@task(name="publish outcome", task_run_name="publish outcome", **RECORDING)
async def publish_outcome(report: Report, drifted: Sequence[Wanted] = ()) -> None:
    """Every item's outcome: first what this run changed, which cannot be undone, then those that need somebody."""
    urgent = {item.item for item in report.unsettled()}
    first = sorted(report.items, key=lambda item: (not item.changed, item.item not in urgent))
    async with best_effort("the outcome"):
        await acreate_table_artifact(
            [_row(item) for item in first[:MAX_ROWS]],
            key="reconcile-outcome",
            description=" ".join([report.headline(), *_more(len(report.items))]),
        )
    session = current()
    await announce(report, session.alarms, session.announcements, drifted)


@task(name="publish applications", task_run_name="publish applications", **RECORDING)
async def publish_applications(report: ProvisionReport, key: str = "provision-outcome") -> None:
    """Every customer's child application, those that do not work yet first."""
    urgent = report.unsettled()
    rest = [item for item in report.items if item not in urgent]
    async with best_effort("the outcome"):
        await acreate_table_artifact(
            [
                {
                    "customer": cell(item.customer_id),
                    "application": cell(item.application_name or ""),
                    "outcome": item.outcome.value,
                    "reason": item.reason.value,
                    "whose move": EXPLANATIONS[item.reason].mover.value,
                    "client id": cell(item.client_id or ""),
                    "message": cell(item.message),
                }
                for item in [*urgent, *rest][:MAX_ROWS]
            ],
            key=key,
            description=" ".join([report.headline(), *_more(len(report.items))]),
        )


async def tell_drift(report: ProvisionReport) -> list[str]:
    """Announce what a look at applications has found; what of it is new, in words."""
    session = current_provisioning()
    return await announce_applications(report, session.lists, session.alarms)


def _row(item: ReportItem) -> dict[str, str]:
    return {
        "customer": cell(item.item.customer_id),
        "integration": cell(item.item.key.integration_type),
        "changed": "by this run" if item.changed else "",
        "outcome": item.condition.outcome.value,
        "reason": item.condition.reason.value,
        "whose move": EXPLANATIONS[item.condition.reason].mover.value,
        "observed": item.observed.value,
        "context": cell(item.item.key.integration_context),
        "message": cell(item.message),
    }


def _more(count: int) -> list[str]:
    return [f"The first {MAX_ROWS} of {count} are shown; the ATS database has all."] if count > MAX_ROWS else []


def cell(text: str) -> str:
    """Foreign text for a markdown or table cell: one line in which nothing is markup."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~])", r"\\\1", text) if re.search(r"[`*\[\]<>|~\\]", text) else text
