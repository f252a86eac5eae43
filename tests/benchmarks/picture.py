"""Cost over size as an SVG: how fast each is, and what a customer costs, however many customers there are."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 360, 240
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 44, 112, 44
#: Told apart by everybody, and on paper by their dashes.
_STYLES = {
    "bare": ("#555555", ""),
    "greenlight": ("#0072b2", ""),
    "greenlight, again": ("#0072b2", "5 3"),
    "naive": ("#d55e00", ""),
}
_Run = dict[str, Any]


def picture(measured: Sequence[_Run]) -> str:
    """A panel of customers a second for each latency, and two of what a customer and a run cost without any wait."""
    latencies = sorted({run["latency"] for run in measured})
    least = [run for run in measured if run["latency"] == latencies[0]]
    of_prefect = [run for run in least if run["who"] != "bare"]
    panels = [
        _Panel(
            f"customers a second, far end at {latency * 1000:g} ms",
            [run for run in measured if run["latency"] == latency],
            lambda run: run["customers"] / run["seconds"],
        )
        for latency in latencies
    ]
    panels.append(_Panel("CPU of the run, ms a customer", least, lambda run: 1000 * run["cpu"] / run["customers"]))
    panels.append(
        _Panel(
            "CPU of Prefect's server, ms a customer",
            of_prefect,
            lambda run: max(0.01, 1000 * run["server_cpu"] / run["customers"]),
        )
    )
    panels.append(_Panel("memory, MB at most", least, lambda run: run["memory_most"]))
    across = 2
    down = math.ceil(len(panels) / across)
    drawn = "".join(
        f'<g transform="translate({number % across * _WIDTH},{number // across * _HEIGHT})">{panel.draw()}</g>'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across * _WIDTH} {down * _HEIGHT}" '
        f'width="{across * _WIDTH}" height="{down * _HEIGHT}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/>{drawn}</svg>\n'
    )


class _Panel:
    """One figure over the number of customers, both by powers of ten."""

    def __init__(self, title: str, runs: Sequence[_Run], figure: Callable[[_Run], float]) -> None:
        self._title = title
        self._lines: dict[str, dict[int, list[float]]] = {}
        for run in runs:
            name = run["who"] if run["work"] == "apply" else f"{run['who']}, {run['work']}"
            self._lines.setdefault(name, {}).setdefault(run["customers"], []).append(figure(run))
        values = [value for line in self._lines.values() for rounds in line.values() for value in rounds]
        self._sizes = sorted({size for line in self._lines.values() for size in line})
        # Half a power of ten on either side of a single size, so that there is an axis at all.
        low, high = self._sizes[0], self._sizes[-1]
        self._x = (math.log10(low) - (low == high) / 2, math.log10(high) + (low == high) / 2)
        self._y = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9))

    def draw(self) -> str:
        return f'<text x="12" y="22" font-size="12">{escape(self._title)}</text>' + "".join(
            [*self._axes(), *self._curves()]
        )

    def _at(self, size: float, value: float) -> tuple[float, float]:
        wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        x = (math.log10(size) - self._x[0]) / (self._x[1] - self._x[0])
        y = (math.log10(value) - self._y[0]) / max(1, self._y[1] - self._y[0])
        return _LEFT + wide * x, _HEIGHT - _BOTTOM - high * y

    def _axes(self) -> Iterator[str]:
        for power in range(self._y[0], self._y[1] + 1):
            _, y = self._at(self._sizes[0], 10.0**power)
            yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555555">{10.0**power:,g}</text>'
        for size in self._sizes:
            x, _ = self._at(size, 10.0 ** self._y[0])
            y = _HEIGHT - _BOTTOM + 16
            yield f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="#555555">{size:,}</text>'
        x = (_LEFT + _WIDTH - _RIGHT) / 2
        yield f'<text x="{x}" y="{_HEIGHT - 12}" text-anchor="middle" fill="#555555">customers</text>'

    def _curves(self) -> Iterator[str]:
        """The medians, and a bar from the least to the most of the rounds."""
        labels: list[tuple[float, str, str]] = []
        for name, line in self._lines.items():
            colour, dashes = _STYLES.get(name, ("#000000", "2 2"))
            points = [self._at(size, statistics.median(line[size])) for size in sorted(line)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield (
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{dashes}"/>'
            )
            for size, rounds in line.items():
                (x, low), (_, high) = self._at(size, min(rounds)), self._at(size, max(rounds))
                _, middle = self._at(size, statistics.median(rounds))
                yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>'
                yield f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="3" fill="{colour}"/>'
            labels.append((points[-1][1], name, colour))
        lowest = 0.0
        for y, name, colour in sorted(labels):
            # Two lines that end at the same height still have a label each.
            lowest = max(y, lowest + 13)
            yield f'<text x="{_WIDTH - _RIGHT + 10}" y="{lowest + 4:.1f}" fill="{colour}">{escape(name)}</text>'
