"""All customers over time as one picture: a bar per run, a colour and a place per status, the oldest request above."""

import asyncio
import base64
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact

from greenlight.ats.fleet import Snapshot
from greenlight.domain.status import Status
from tasks.parts.retries import RECORDING
from tasks.parts.session import current, now
from tasks.telling.best_effort import best_effort

#: Bars that fit the width of the page.
MOST_BARS = 60

#: The picture's size and margins, in its own units.
_WIDTH, _HEIGHT, _TOP, _LEFT = 960, 360, 40, 60
#: From the bottom; told apart by place and legend, not by colour alone.
_COLOURS = {
    Status.ENABLED: "#1a7f37",
    Status.PARTNER_READY: "#bf8700",
    Status.REQUESTED: "#0969da",
    Status.NOT_REQUESTED: "#8c959f",
    Status.UNKNOWN: "#cf222e",
}


@task(name="publish fleet", task_run_name="publish fleet", **RECORDING)
async def publish_fleet() -> None:
    """Put on record how everything stands, and draw it with what was before; every figure is from the ATS database."""
    fleet = current().fleet
    await asyncio.to_thread(fleet.take, now())
    history = await asyncio.to_thread(fleet.history, MOST_BARS)
    picture = base64.b64encode(draw(history).encode()).decode()
    async with best_effort("the fleet's picture"):
        await acreate_image_artifact(
            image_url=f"data:image/svg+xml;base64,{picture}", key="fleet-picture", description=_sentence(history[-1])
        )
        await acreate_markdown_artifact(_table(history), key="fleet-figures", description="The same as figures.")


def draw(history: Sequence[Snapshot]) -> str:
    """An SVG of these snapshots, oldest first."""
    tallest = max((sum(s.counts.values()) for s in history), default=0) or 1
    step = (_WIDTH - _LEFT) / max(len(history), 1)
    plot = _HEIGHT - _TOP - 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="4" y="{_TOP + 10}">{tallest}</text><text x="4" y="{_TOP + plot}">0</text>',
    ]
    for place, (status, colour) in enumerate(_COLOURS.items()):
        x = _LEFT + place * 150
        parts.append(f'<rect x="{x}" y="10" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="20">{status}</text>')
    for number, snapshot in enumerate(history):
        base = float(_TOP + plot)
        for status, colour in _COLOURS.items():
            height = plot * snapshot.counts[status] / tallest
            base -= height
            parts.append(
                f'<rect x="{_LEFT + number * step:.1f}" y="{base:.1f}" width="{max(step - 2, 1):.1f}" '
                f'height="{height:.1f}" fill="{colour}"><title>{snapshot.counts[status]} {status}</title></rect>'
            )
    for snapshot, anchor, x in ((history[0], "start", _LEFT), (history[-1], "end", _WIDTH)):
        when = f"{snapshot.taken_at:%Y-%m-%d %H:%M} UTC"
        parts.append(f'<text x="{x}" y="{_HEIGHT - 16}" text-anchor="{anchor}">{when}</text>')
    return "".join([*parts, "</svg>"])


def _sentence(newest: Snapshot) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in newest.counts.items() if count) or "nothing is wanted"
    return f"{counts}; oldest request: {_age(newest)}."


def _table(history: Sequence[Snapshot]) -> str:
    head = ["| when | " + " | ".join(Status) + " | oldest request |", "|---" * (len(Status) + 2) + "|"]
    rows = [
        f"| {s.taken_at:%Y-%m-%d %H:%M} | " + " | ".join(str(s.counts[status]) for status in Status) + f" | {_age(s)} |"
        for s in reversed(history)
    ]
    return "\n".join([*head, *rows])


def _age(snapshot: Snapshot) -> str:
    if snapshot.oldest_request_at is None:
        return "none"
    hours = (snapshot.taken_at - snapshot.oldest_request_at).total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
