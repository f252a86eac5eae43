"""A report for people: a table like a plan of terraform, and the story of one customer."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from greenlight.domain.conditions import Condition
from greenlight.domain.desired import REMEDIES
from greenlight.domain.plan import Action
from greenlight.domain.reasons import EXPLANATIONS, Mover, Outcome, Reason
from greenlight.domain.recheck import recheck_by
from greenlight.domain.report import Command, Report
from greenlight.domain.report_item import ReportItem

#: A sign and a colour for each outcome; the sign says it all, so that colour is never the only carrier.
_SIGNS = {
    Outcome.ENABLED: ("+", "green"),
    Outcome.ALREADY_ENABLED: ("=", "dim"),
    Outcome.WAITING: ("~", "cyan"),
    Outcome.FAILED: ("!", "red"),
    Outcome.UNKNOWN: ("?", "magenta"),
    Outcome.HELD: ("#", "yellow"),
    Outcome.NOT_LOOKED_AT: (".", "yellow"),
}
#: Columns from which the whole table fits.
_WIDE = 140
#: The width of what is not shown on a terminal: no line is broken, so that a name can be searched for.
_UNCUT = 100_000
#: The longest line that is drawn.
LONGEST_RULE = 120
_LEGEND = "+ enabled  = in place  ~ waiting  ! failed  ? unknown  # held  . not looked at"
_ORDER = list(_SIGNS)


def print_json(document: dict[str, Any]) -> None:
    """The one JSON document on stdout, in ASCII, so that no terminal setting can spoil it."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def console_for_people(*, stderr: bool = False) -> Console:
    """A console of the terminal's width; what is piped or filed is wide instead, so that nothing is cut."""
    # A customer called :fire: is not on fire.
    console = Console(stderr=stderr, emoji=False)
    return console if console.is_terminal else Console(stderr=stderr, emoji=False, width=_UNCUT)


def table_of(*columns: str) -> Table:
    """A table that fits the console: what does not is folded, and nothing is ever cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_report(report: Report, console: Console) -> None:
    """The table, then counts, requests and what to do next."""
    wide = console.width >= _WIDE
    columns = ("", "customer", "integration", "outcome", "reason")
    table = table_of(*columns, *(("observed", "context", "whose move") if wide else ()))
    for item in sorted(report.items, key=lambda i: (i.item.customer_id, i.item.key)):
        table.add_row(*_row(item, report.command, wide))
    if report.items:
        console.print(table)
        console.print(Text(_LEGEND, style="dim"))
        console.print()
    console.print(Text(f"{_title(report)}: {report.in_words() or 'nothing is wanted'}."))
    if report.source is not None:
        console.print(plain(f"{report.source.in_words()}."))
        if report.has_trouble_at_source and (remedy := REMEDIES.get(report.source.outcome)):
            console.print(plain(remedy))
    sent = report.requests
    if report.command in (Command.PLAN, Command.APPLY):
        console.print(Text(f"Requests sent: {sent.token} token, {sent.verify} verify, {sent.enable} enable."))
    if report.changed:
        console.print(Text(f"{report.changed} changed by this run, which cannot be undone."))
    if report.command is Command.PLAN:
        _print_next(report, console)
    for line in _remedies(report.unsettled()):
        console.print(line)
    if report.database is not None:
        print_database(report.database, console)


def print_database(database: str, console: Console) -> None:
    """Which database a report was drawn from: an empty one of a mistyped address is all well too."""
    console.print(Text(f"Database: {database}", style="dim"))


def _title(report: Report) -> str:
    if report.command is Command.PLAN:
        return "Plan"
    if not report.items and not report.not_due.count:
        return "Nothing to do yet"
    return {"ok": "All well", "partial": "Partly done", "failed": "Nothing succeeded"}[report.verdict]


def _print_next(report: Report, console: Console) -> None:
    if not report.changes:
        return
    if report.price is not None:
        cost = report.price
        console.print(
            Text(f"Price of applying it: {cost.token} token, {cost.verify} verify, {cost.enable} enable requests.")
        )
    console.print(Text(f"Apply exactly this: greenlight apply {report.plan_id}", style="bold"))


def _row(item: ReportItem, command: Command, wide: bool) -> list[Text]:
    condition = item.condition
    planned = command is Command.PLAN and item.action is Action.ENABLE
    sign, colour = ("+", "green") if planned else _SIGNS[condition.outcome]
    outcome = "will be enabled" if planned else condition.outcome.value.replace("_", " ")
    cells = [
        Text(sign, style=colour),
        plain(item.item.customer_id),
        Text(item.item.key.integration_type),
        Text(outcome, style=colour),
        Text(condition.reason.value),
    ]
    if wide:
        mover = EXPLANATIONS[condition.reason].mover
        cells += [Text(item.observed.value), Text(item.item.key.integration_context), Text(mover.value)]
    return cells


def _remedies(items: Sequence[ReportItem]) -> list[Text]:
    lines = [Text()] if items else []
    for reason in dict.fromkeys(item.condition.reason for item in items):
        # One customer may have several integrations.
        who = list(dict.fromkeys(i.item.customer_id for i in items if i.condition.reason is reason))
        named = ", ".join(who[:5]) + (f" and {len(who) - 5} more" if len(who) > 5 else "")
        lines.append(plain(f"{reason}: {named}. {EXPLANATIONS[reason].remedy}"))
    return lines


def print_explanation(report: Report, attempts: dict[str, list[str]], console: Console, recheck_days: int) -> None:
    """One customer: for each integration where it is, since when, why, whose move it is and what to do.

    What is settled is looked at again within so many nights.
    """
    for item in report.items:
        condition = item.condition
        sign, colour = _SIGNS[condition.outcome]
        console.print(Text.assemble((sign, colour), " ", (str(item.item.key), "bold")))
        console.print(plain(f"    name      {item.integration_name}"))
        console.print(plain(f"    observed  {item.observed}{_at(item.observed_at)}"))
        console.print(plain(f"    reason    {condition.reason}{_since(item)}"))
        console.print(plain(f"    why       {item.message}"))
        console.print(plain(f"    move      {_mover(condition)}"))
        console.print(plain(f"    to do     {EXPLANATIONS[condition.reason].remedy}"))
        if item.is_settled and item.observed_at is not None:
            day = recheck_by(item.observed_at.date(), recheck_days)
            console.print(plain(f"    recheck   about in the night of {day}, if nights run every day"))
        if item.next_try_at is not None:
            console.print(plain(f"    next try {_at(item.next_try_at)}"))
        for line in attempts.get(str(item.item.key), []):
            console.print(plain(f"    attempt   {line}"))
        console.print()


def _mover(condition: Condition) -> str:
    mover = EXPLANATIONS[condition.reason].mover
    return {Mover.NOBODY: "nobody's", Mover.CUSTOMER: "the customer's", Mover.US: "ours", Mover.LINKEDIN: "LinkedIn's"}[
        mover
    ]


def _since(item: ReportItem) -> str:
    if item.condition_since is None or item.condition.reason is Reason.NOT_LOOKED_AT:
        return ""
    return f" since {item.condition_since:%Y-%m-%d %H:%M:%SZ}"


def _at(moment: Any) -> str:
    return f" at {moment:%Y-%m-%d %H:%M:%SZ}" if moment is not None else ", never looked at"


def plain(text: str) -> Text:
    """Foreign text made inert: no markup, no control characters."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
