"""What enabling costs by Greenlight's apply flow, beside a bare loop that sends the same requests.

`python tests/benchmarks/apply.py [--quick]`; tests/benchmarks/README.md says what the figures are. Loopback only.
"""

import argparse
import dataclasses
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cli.quiet import quiet_prefect

quiet_prefect()

from cli.serving import stoppable  # noqa: E402 - Prefect reads its settings on import
from tests.benchmarks.contestants import Order  # noqa: E402
from tests.benchmarks.far_end import counts, far_end  # noqa: E402
from tests.benchmarks.picture import picture  # noqa: E402
from tests.benchmarks.setting_up import Databases, databases, prefect_server, settings_of  # noqa: E402
from tests.benchmarks.telling import table  # noqa: E402

_ROOT = Path(__file__).parents[2]


def once(who: str, order: Order, latency: float, ats: Databases) -> dict[str, dict[str, Any]]:
    """One contestant from nothing enabled to everything enabled, and what that cost, by the work it did."""
    with far_end(latency) as address, ats.filled(order.customers) as url:
        asked = dataclasses.replace(order, address=address)
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.contestants", who],
            input=json.dumps(dataclasses.asdict(asked)),
            stdout=subprocess.PIPE,
            env=settings_of(url, address, order.connections),
            cwd=_ROOT,
            text=True,
            check=True,
        )
        there = counts(address)
    costs: dict[str, dict[str, Any]] = json.loads(done.stdout)
    if there["violations"] or there["enabled"] != costs["apply"].get("laps", 1) * order.customers + 1:
        raise RuntimeError(f"{who} did not do its work: {there}")
    costs["apply"]["far_end_cpu"] = there["cpu"]
    for cost in costs.values():
        cost |= {"customers": order.customers, "load": os.getloadavg()[0]}
    return costs


def measure(given: argparse.Namespace, pid: int, ats: Databases) -> Iterator[dict[str, Any]]:
    """Every contestant in turns; whoever comes first must not always be the same."""
    for latency in given.latency:
        for customers in given.customers:
            for number in range(given.rounds):
                order = Order(customers, "", given.connections, pid, given.profile)
                turn = number % len(given.contestants)
                for who in given.contestants[turn:] + given.contestants[:turn]:
                    sys.stderr.write(f"{who}: {customers} customers, {latency:g} s, round {number + 1}\n")
                    for work, cost in once(who, order, latency, ats).items():
                        yield {"who": who, "work": work, "latency": latency, "round": number + 1, **cost}


def _numbers(kind: Any) -> Any:
    return lambda text: [kind(part) for part in text.split(",")]


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=_numbers(int), default=[200, 2000])
    parser.add_argument("--latency", type=_numbers(float), default=[0.0, 0.1], help="seconds until the far end answers")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--contestants", type=_numbers(str), default=["bare", "greenlight", "naive"])
    parser.add_argument("--quick", action="store_true", help="200 customers, no latency, one round")
    clocks = ["cpu", "wall"]
    parser.add_argument("--profile", choices=clocks, default="", help="say on stderr where Greenlight's time goes")
    parser.add_argument("--picture", type=Path, help="an SVG of the cost over the number of customers")
    parser.add_argument("--json", action="store_true", help="one document with every run instead of the table")
    parsed = parser.parse_args(given)
    if parsed.quick:
        parsed.customers, parsed.latency, parsed.rounds, parsed.contestants = [200], [0.0], 1, ["bare", "greenlight"]
    return parsed


def main() -> None:
    given = arguments(sys.argv[1:])
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    measured: list[dict[str, Any]] = []
    with stoppable(), tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        with databases(given.database, Path(folder)) as ats, prefect_server(max(given.customers)) as pid:
            # Each as it comes: what was measured until Ctrl-C is told as well.
            measured.extend(measure(given, pid, ats))
    if not measured:
        return
    if given.picture is not None:
        given.picture.write_text(picture(measured))
    if given.json:
        machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
        asked = {name: value for name, value in vars(given).items() if name != "picture"}
        json.dump({"machine": machine, "arguments": asked, "runs": measured}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(table(measured))


if __name__ == "__main__":
    main()
