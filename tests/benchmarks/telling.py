"""The figures of many runs as lines for people: per customer, the median of the rounds, and how far they lay apart."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

_HEAD = (
    f"{'':<18}{'customers/s':>22}{'CPU ms':>8}{'server':>8}{'SQL':>7}{'writes':>8}{'hops':>7}{'MB':>6}\n"
    f"{'':<18}{'median (min..max)':>22}{'a customer, and of Prefect':>30}{'':>14}{'most':>7}\n"
)


def table(measured: Sequence[dict[str, Any]]) -> str:
    """All of it; times in milliseconds, memory in megabytes."""
    lines: list[str] = []
    for latency, customers in dict.fromkeys((run["latency"], run["customers"]) for run in measured):
        here = [run for run in measured if (run["latency"], run["customers"]) == (latency, customers)]
        busy = f"{min(run['load'] for run in here):.1f} to {max(run['load'] for run in here):.1f}"
        lines.append(f"\n{customers} customers, far end at {latency * 1000:g} ms, load average {busy}\n{_HEAD}")
        works = dict.fromkeys((run["who"], run["work"]) for run in here)
        for who, work in works:
            runs = [run for run in here if (run["who"], run["work"]) == (who, work)]
            lines.append(_line(who if work == "apply" else f"{who}, {work}", runs))
            lines += _stages(runs)
        lines += _ratios(here)
    return "".join(lines)


def _line(name: str, runs: Sequence[dict[str, Any]]) -> str:
    rates = [run["customers"] / run["seconds"] for run in runs]
    spread = f"{statistics.median(rates):.1f} ({min(rates):.1f}..{max(rates):.1f})"
    return (
        f"{name:<18}{spread:>22}{1000 * _each(runs, 'cpu'):>8.2f}{1000 * _each(runs, 'server_cpu'):>8.2f}"
        f"{_each(runs, 'statements'):>7.1f}{_each(runs, 'writes'):>8.2f}{_each(runs, 'hops'):>7.1f}"
        f"{statistics.median(run['memory_most'] for run in runs):>6.0f}\n"
    )


def _each(runs: Sequence[dict[str, Any]], what: str) -> float:
    return statistics.median(run.get(what, 0) / run["customers"] for run in runs)


def _stages(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    for name in runs[0]["stages"]:
        stage = [{**run["stages"].get(name, {}), "customers": run["customers"]} for run in runs]
        seconds = f"{statistics.median(run.get('seconds', 0.0) for run in stage):.2f} s"
        yield (
            f"    {name:<14}{seconds:>22}{1000 * _each(stage, 'cpu'):>8.2f}{'':>8}"
            f"{_each(stage, 'statements'):>7.1f}{_each(stage, 'writes'):>8.2f}{_each(stage, 'hops'):>7.1f}\n"
        )


def _ratios(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How many times as fast Greenlight is, round by round, so that what the machine does beside it cancels out."""
    rates = {(run["who"], run["round"]): run["customers"] / run["seconds"] for run in runs if run["work"] == "apply"}
    for other in dict.fromkeys(who for who, _ in rates if who != "greenlight"):
        ratios = [
            rate / rates[other, number]
            for (who, number), rate in rates.items()
            if who == "greenlight" and (other, number) in rates
        ]
        if ratios:
            spread = f"from {min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} rounds"
            yield f"greenlight / {other}: median {statistics.median(ratios):.3f}, {spread}\n"
