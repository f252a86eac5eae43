"""All customers over time as one picture: a bar per run, a colour and a place per status, the oldest request above."""

import asyncio
import base64
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import acreate_markdown_artifact

from greenlight.ats.fleet import Snapshot
from greenlight.domain.status import Status
from tasks.parts.resources import current_resources, now
from tasks.parts.retries import RECORDING
from tasks.telling.best_effort import best_effort

#: Bars that fit the width of the page.
MOST_BARS = 60

#: The picture's size and margins, in its own units.
_WIDTH, _HEIGHT, _TOP, _LEFT, _EDGE = 640, 300, 74, 44, 16
#: On a dark card of its own it is read on a light page as on a dark one. Told apart by place and legend, not by colour
#: alone, from the bottom; what nobody has seen yet is nobody's alarm, so it is the one without a colour.
_CARD, _TEXT = "#24292f", "#f0f3f6"
_COLOURS = {
    Status.ENABLED: "#3fb950",
    Status.PARTNER_READY: "#d29922",
    Status.REQUESTED: "#58a6ff",
    Status.NOT_REQUESTED: "#8b949e",
    Status.UNKNOWN: "#4b535d",
}
#: Heads of columns that wrap, so that seven of them fit.
_WORDS = {
    Status.ENABLED: "enabled",
    Status.PARTNER_READY: "partner ready",
    Status.REQUESTED: "requested",
    Status.NOT_REQUESTED: "not requested",
    Status.UNKNOWN: "not known",
}


@task(name="publish fleet", task_run_name="publish fleet", **RECORDING)
async def publish_fleet() -> None:
    """Put on record how everything stands, and draw it with what was before; every figure is from the ATS database."""
    fleet = current_resources().fleet
    await asyncio.to_thread(fleet.take, now())
    history = await asyncio.to_thread(fleet.history, MOST_BARS)
    async with best_effort("the fleet's picture"):
        await acreate_markdown_artifact(_page(history), key="fleet-picture", description=_sentence(history[-1]))
        await acreate_markdown_artifact(
            figures(history),
            key="fleet-figures",
            description="How many integrations LinkedIn showed in each status after each run, newest first.",
        )


def _page(history: Sequence[Snapshot]) -> str:
    """The picture as markdown; Prefect's own page for an image writes out its whole address under it."""
    newest, picture = history[-1], base64.b64encode(draw(history).encode()).decode()
    return "\n".join(
        [
            f"# {_total(newest)} integrations",
            "",
            f"![A bar for each run, newest on the right](data:image/svg+xml;base64,{picture})",
            "",
            "A bar for each run, the newest on the right. The figures are in the artifact `fleet-figures`, "
            "who is behind them in `reconcile-outcome`.",
            "",
        ]
    )


def draw(history: Sequence[Snapshot]) -> str:
    """An SVG of these snapshots, at least one, oldest first."""
    tallest = max(map(_total, history)) or 1
    step = (_WIDTH - _LEFT - _EDGE) / len(history)
    plot = _HEIGHT - _TOP - 40
    newest = history[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="14" fill="{_TEXT}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="{_CARD}"/>',
        f'<text x="{_LEFT - 8}" y="{_TOP + 12}" text-anchor="end">{tallest}</text>'
        f'<text x="{_LEFT - 8}" y="{_TOP + plot}" text-anchor="end">0</text>',
    ]
    for place, (status, colour) in enumerate(_COLOURS.items()):
        x, y = _LEFT + place % 3 * 190, 14 + place // 3 * 24
        parts.append(f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}" stroke="{_TEXT}"/>')
        parts.append(f'<text x="{x + 22}" y="{y + 12}">{newest.counts[status]} {_WORDS[status]}</text>')
    for number, snapshot in enumerate(history):
        base = float(_TOP + plot)
        for status, colour in _COLOURS.items():
            height = plot * (count := snapshot.counts[status]) / tallest
            base -= height
            parts.append(
                f'<rect x="{_LEFT + number * step:.1f}" y="{base:.1f}" width="{max(step - 2, 1):.1f}" '
                f'height="{height:.1f}" fill="{colour}"><title>{count} {_WORDS[status]}</title></rect>'
            )
    places = ((newest, "end", _WIDTH - _EDGE), (history[0], "start", _LEFT))
    for snapshot, anchor, x in places[: len(history)]:
        when = f"{snapshot.taken_at:%Y-%m-%d %H:%M} UTC"
        parts.append(f'<text x="{x}" y="{_HEIGHT - 14}" text-anchor="{anchor}">{when}</text>')
    return "".join([*parts, "</svg>"])


def _total(snapshot: Snapshot) -> int:
    return sum(snapshot.counts.values())


def _sentence(newest: Snapshot) -> str:
    counts = ", ".join(f"{newest.counts[status]} {_WORDS[status]}" for status in _COLOURS if newest.counts[status])
    return f"{counts or 'Nothing is wanted'}; oldest request: {_age(newest)}."


def figures(history: Sequence[Snapshot]) -> str:
    """The same as a table, newest first."""
    heads = ("when (UTC)", "all", *(_WORDS[status] for status in _COLOURS), "oldest request")
    head = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    rows = [
        f"| {s.taken_at:%Y-%m-%d %H:%M} | {_total(s)} | "
        + " | ".join(str(s.counts[status]) for status in _COLOURS)
        + f" | {_age(s)} |"
        for s in reversed(history)
    ]
    return "\n".join([*head, *rows])


def _age(snapshot: Snapshot) -> str:
    if snapshot.oldest_request_at is None:
        return "none"
    hours = (snapshot.taken_at - snapshot.oldest_request_at).total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
