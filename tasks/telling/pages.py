"""What Prefect's UI shows of a run, as markdown: it wraps to the width that is there, and is read on dark as on light.

Customers by id and by name. Every count of a page adds up to what was looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from greenlight.domain.approval import SHOWN_AT_MOST
from greenlight.domain.plan import Action, Item, Planned, RequestTotals
from greenlight.domain.provisioning import ProvisionItem, ProvisionReport
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.report import Command, Report, ReportItem

#: The browser is what limits an artifact; the database has the rest.
MAX_ROWS = 200

_OURS, _THEIRS = "Needs somebody here", "Waits for others, or passes by itself"
#: What there is to click in place of a command.
_CLICKS = {
    Reason.READY_TO_ENABLE: "Approve and apply a plan, or run *manual* (flow *reconcile*) with `what` = `apply`.",
    Reason.HELD_BY_CAP: "If so many enables are intended, run it again, or with a larger `max_changes`.",
    Reason.NOT_LOOKED_AT: "Run *manual* (flow *reconcile*), which looks and enables nothing unless told to apply.",
}


def plan_pages(
    entries: Sequence[Planned], names: Mapping[str, str], price: RequestTotals, plan_id: str | None, *, applying: bool
) -> list[str]:
    """What would be enabled, all of it, and what is held: in pages of what a browser takes."""
    enables = [entry for entry in entries if entry.action is Action.ENABLE]
    held = [e for e in entries if e.action is not Action.ENABLE and e.condition.outcome is Outcome.HELD]
    # Whoever approves sees all that they say yes to; what is held fills the last page.
    sure = min(len(enables), SHOWN_AT_MOST)
    rows = [*enables, *held][: max(MAX_ROWS, -(-sure // MAX_ROWS) * MAX_ROWS)]
    parts = [rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS)] or [[]]
    lines = [f"# {len(enables)} to enable, {len(entries)} looked at", "", *_next(enables, plan_id, applying=applying)]
    others = Counter(entry.condition.outcome for entry in entries if entry.action is not Action.ENABLE)
    lines += [
        f"Of {len(entries)} looked at: {_counted({'to enable': len(enables)} | _words(others))}. "
        "All of them are in the artifact `reconcile-outcome` of the same run.",
        "",
    ]
    if enables:
        lines += [
            f"Enabling costs {price.token} token, {price.verify} verify and {price.enable} enable requests. "
            "An enabled integration cannot be disabled.",
            "",
        ]
    if missing := len(enables) + len(held) - len(rows):
        unshown = max(0, len(enables) - len(rows))
        where = f"`greenlight plans {plan_id}` lists all" if plan_id else "the ATS database has all"
        lines += [
            f"The first {len(rows)} of {len(rows) + missing} are shown. Not shown: {unshown} that would be enabled and "
            f"{missing - unshown} that are held; {where}.",
            "",
        ]
    pages = list[str]()
    for number, part in enumerate(parts, 1):
        if len(parts) > 1:
            more = f"; it goes on in `{plan_key(number + 1)}`" if number < len(parts) else ""
            lines += [f"Page {number} of {len(parts)}{more}.", ""]
        pages.append("\n".join([*lines, *_planned(part, names), ""]))
        lines = [f"# {len(enables)} to enable{f', plan `{plan_id}`' if plan_id else ''}", ""]
    return pages


def plan_key(number: int) -> str:
    """The artifact of this page of a plan, from 1."""
    return "reconcile-plan" if number == 1 else f"reconcile-plan-{number}"


def _next(enables: Sequence[Planned], plan_id: str | None, *, applying: bool) -> list[str]:
    if applying:
        what = f"This run applies the approved plan `{plan_id}`" if plan_id else "This run goes on to enable these"
        return [f"{what}; what became of each is in its artifact `reconcile-outcome`.", ""]
    if not enables:
        return [f"There is nothing to approve in plan `{plan_id}`.", ""] if plan_id else []
    count = f", and {len(enables)} as `enables`" if len(enables) > SHOWN_AT_MOST else ""
    return [
        "**Nothing is enabled yet.** If the list below is right, under *Deployments*:",
        "",
        "1. open **stored-plan** (flow *approve*), *Run*, *Custom run*; fill in this plan's id and your name" + count,
        "2. then open **approved-plan** (flow *apply*), *Run*, *Custom run*; fill in the same id",
        "",
        f"Plan `{plan_id}`",
        "",
    ]


def _planned(entries: Sequence[Planned], names: Mapping[str, str]) -> list[str]:
    if not entries:
        return []
    return [
        *_head("", "customer", "name", "integration", "why"),
        *(
            _row(
                "+ enable" if entry.action is Action.ENABLE else "held",
                entry.item.customer_id,
                names.get(entry.item.customer_id, ""),
                _integration(entry.item),
                "" if entry.action is Action.ENABLE else _why(entry.condition.reason, entry.condition.detail),
            )
            for entry in entries
        ),
    ]


def outcome_page(report: Report) -> str:
    """Every item's outcome: first what this run changed, which cannot be undone, then those that need somebody."""
    plans = report.command is Command.PLAN
    changed = [item for item in report.items if item.changed]
    lost = [item for item in report.drifted if not item.changed]
    unsettled = [item for item in report.unsettled() if not item.changed and item not in lost]
    ready = [item for item in report.items if plans and item.action is Action.ENABLE and item not in unsettled]
    ours = [item for item in unsettled if _mover(item) is Mover.US]
    theirs = [item for item in unsettled if _mover(item) is not Mover.US]
    shown = {item.item for item in (*changed, *lost, *ready, *unsettled)}
    rest = [item for item in report.items if item.item not in shown]
    of_these = _counted(_words(Counter(item.condition.outcome for item in changed)))
    lines = [
        f"# {len(changed)} changed by this run",
        "",
        f"Of {len(report.items)} looked at: {_counted(report.told())}."
        + (f" Of the {len(changed)} changed: {of_these}; none of it can be undone." if changed else ""),
        "",
    ]
    if left_out := report.not_due.in_words():
        lines += [f"Besides, {left_out}: settled as ENABLED, each is looked at again in its turn.", ""]
    if report.source is not None:
        lines += [f"{cell(report.source.in_words())}.", ""]
    left = MAX_ROWS
    for title, items in (
        ("Changed by this run", changed),
        ("No longer enabled at LinkedIn", lost),
        ("To enable, once the plan is approved and applied", ready),
        (_OURS, ours),
        (_THEIRS, theirs),
        ("Nothing to do here", rest),
    ):
        some, left = items[:left], left - min(left, len(items))
        lines += _section(title, len(items), [_outcome(item) for item in some], ("now", "integration"))
        if title == _OURS:
            lines += _remedies(item.condition.reason for item in some)
    return "\n".join([*lines, *_more(len(report.items))])


def applications_page(report: ProvisionReport) -> str:
    """Every customer's child application, those that do not work yet first."""
    unsettled = report.unsettled()
    ours = [item for item in unsettled if EXPLANATIONS[item.reason].mover is Mover.US]
    theirs = [item for item in unsettled if item not in ours]
    rest = [item for item in report.items if item not in unsettled]
    counts = {outcome.value: count for outcome, count in report.counts().items()}
    lines = [f"# {len(report.items)} applications", ""]
    lines += [f"Of {len(report.items)}: {_counted(counts)}." if report.items else "No customer was concerned.", ""]
    left = MAX_ROWS
    for title, items in ((_OURS, ours), (_THEIRS, theirs), ("Works", rest)):
        some, left = items[:left], left - min(left, len(items))
        lines += _section(title, len(items), [_application(item) for item in some], ("now", "application"))
        if title == _OURS:
            lines += _remedies(item.reason for item in some)
    return "\n".join([*lines, *_more(len(report.items))])


def _mover(item: ReportItem) -> Mover:
    return EXPLANATIONS[item.condition.reason].mover


def _outcome(item: ReportItem) -> str:
    doubt = "not known yet, " if item.in_doubt else ""
    said = "" if item.condition.reason is Reason.READY_TO_ENABLE else f": {item.message}"
    now = f"{doubt}{item.condition.reason}{said}"
    return _row(item.item.customer_id, item.customer_name, now, _integration(item.item))


def _application(item: ProvisionItem) -> str:
    what = " ".join(filter(None, (item.application_name, item.client_id and f"client id {item.client_id}")))
    return _row(item.customer_id, item.customer_name, f"{item.outcome}, {item.reason}: {item.message}", what or "none")


def _section(title: str, count: int, rows: Sequence[str], heads: tuple[str, str]) -> list[str]:
    if not count:
        return []
    fewer = f"The first {len(rows)} are shown." if rows else "None of them is shown."
    more = [fewer, ""] if len(rows) < count else []
    return [f"## {title}: {count}", "", *more, *([*_head("customer", "name", *heads), *rows, ""] if rows else [])]


def _remedies(reasons: Iterable[Reason]) -> list[str]:
    found = list(dict.fromkeys(reasons))
    lines = [f"- `{reason}`: {_CLICKS.get(reason, EXPLANATIONS[reason].remedy)}" for reason in found]
    return ["What to do:", "", *lines, ""] if lines else []


def _integration(item: Item) -> str:
    return f"{item.key.integration_type} {item.key.integration_context}"


def _why(reason: Reason, detail: str | None) -> str:
    return f"{reason}: {detail}" if detail else reason.value


def _words(counts: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value.replace("_", " "): count for outcome, count in counts.items()}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"


def _more(count: int) -> list[str]:
    return [f"The first {MAX_ROWS} of {count} are shown; the ATS database has all.", ""] if count > MAX_ROWS else []


def _head(*titles: str) -> list[str]:
    return [f"| {' | '.join(titles)} |".replace("|  |", "| |"), "|" + "---|" * len(titles)]


def _row(*values: str) -> str:
    return "| " + " | ".join(cell(value) for value in values) + " |"


def cell(text: str) -> str:
    """Foreign text for a markdown or table cell: one line in which nothing is markup."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~])", r"\\\1", text) if re.search(r"[`*\[\]<>|~\\]", text) else text
