"""Attacks 17 and 18: the file of a migration, and what somebody opens in a spreadsheet."""

import ast
import json
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from flows.backfill import backfill
from flows.plan import plan
from flows.request import BackfillRequest, What
from greenlight.ats.tables import Customer
from tests.cli.conftest import Home
from tests.flows.fault_world import Case, import_file, world
from tests.flows.test_flow_backfill import crowd

ROOT = Path(__file__).parents[2]
HEADER = (
    "customer_id,customer_name,client_id,client_secret,"
    "integration_context,integration_type,tenant_type,integration_name"
)
SECRET = "s3cr3t-canary"
GOOD = f"acme,Acme,app1,{SECRET},urn:li:organization:1,APPLY_WITH_LINKEDIN,JOBS,"
#: Larger than any memory should hold, and costs no disk.
HUGE = 2 * 1024**3


def _text(*lines: str, encoding: str = "utf-8", header: str = HEADER) -> Callable[[Path], None]:
    return lambda path: path.write_bytes("\n".join([header, *lines]).encode(encoding)) and None


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE)


def _pipe(path: Path) -> None:
    target = path.with_suffix(".pipe")
    os.mkfifo(target)
    path.symlink_to(target)


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to the password file": (lambda path: path.symlink_to("/etc/passwd"), "1: header: "),
    "a link that leaves the folder": (lambda path: path.symlink_to("../" * 30 + "etc/passwd"), "1: header: "),
    "a named pipe": (os.mkfifo, "1: file: is a named pipe"),
    "a link to a named pipe": (_pipe, "1: file: is a named pipe"),
    "a link to /dev/zero": (lambda path: path.symlink_to("/dev/zero"), "1: file: is a device"),
    "a link to itself": (lambda path: path.symlink_to(path), "1: file: cannot be read"),
    "a folder": (Path.mkdir, "1: file: is a directory"),
    "two gigabytes": (_sparse, "1: file: is larger than 32 MiB"),
    "UTF-16 that does not say so": (_text(GOOD, encoding="utf-16-le"), "1: file: is UTF-16"),
    "semicolons under a line that says commas": (
        _text(GOOD.replace(",", ";"), header="sep=,\n" + HEADER.replace(",", ";")),
        "1: header: is divided by semicolons",
    ),
    "a quote that is left open": (_text('acme,"Acme' + GOOD[9:], GOOD), "2: row: "),
    "a value over two lines": (_text(GOOD.replace(",Acme,", ',"Ac\nme",')), "2: customer_name: holds a line break"),
    "a row twice": (_text(GOOD, GOOD), "3: "),
    "columns that are missing": (_text("acme,Acme", header="customer_id,customer_name"), "1: header: has no column"),
    "another column with a secret": (_text(GOOD + f",{SECRET}", header=HEADER + ",password"), "1: header: "),
    "a good row before a bad one": (_text(GOOD, GOOD.replace("acme", "b").replace("organization", "person")), "3: "),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("make", "why"), FILES.values(), ids=FILES.keys())
async def test_attack_17_a_hostile_file_of_a_backfill(
    town: Any, tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """Bounded in time and memory, told by row, all or nothing; and nothing of its content is quoted."""
    file = tmp_path / "migrated.csv"
    make(file)
    start, _ = crowd(1)
    async with town(start) as there:
        started = time.monotonic()
        tracemalloc.start()
        request = BackfillRequest(file=str(file), what=What.APPLY)
        state: Any = await backfill(**dict(request), return_state=True)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert time.monotonic() - started < 20
        assert peak < 64 * 1024**2
        assert state.is_failed()
        error = await state.aresult(raise_on_failure=False)
        assert f"migrated.csv:{why}" in str(error) or f"migrated.csv:1: header: {why}" in str(error)
        assert SECRET not in str(error)
        assert "root:" not in str(error), "a file that is none of ours is not read out"
        assert there.operations() == []
        with there.database.reading() as session:
            assert session.exec(select(Customer)).all() == [], "all or nothing"


def test_attack_17_a_path_that_climbs_is_a_path_like_any_other(home: Home) -> None:
    """Whoever types the command may read what they may read; a file of another kind is refused, unquoted."""
    done = home.run("import", "../../../../../../../../etc/passwd")
    assert done.code == 1
    assert "etc/passwd:1: header: is missing" in done.err
    assert "root:" not in done.err


def test_attack_18_nothing_of_ours_writes_csv() -> None:
    """There is no export: reports are JSON, tables in Prefect or text, so there is nothing to prefix.

    Whoever adds an export meets this case, and has to prefix cells that begin like a formula.
    """
    writers = set()
    for room in ("cli", "flows", "tasks", "blocks", "portal", "greenlight"):
        for file in (ROOT / room).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            names |= {name.rpartition(".")[2] for name in names if not name.endswith(".writer")}
            names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
            if names & {"csv.writer", "DictWriter", "to_csv", "openpyxl", "xlsxwriter"}:
                writers.add(file.relative_to(ROOT).as_posix())
    # The demo's own import file, of ids that stand in its source, read by the command after it.
    assert writers <= {"cli/demo_world.py"}


FORMULAS = ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", '=HYPERLINK("http://evil.example","x")']


def test_attack_18_a_formula_in_a_name_stays_text_in_every_output(home: Home) -> None:
    """JSON keeps it as the text it is, in quotes, and no output has it at the beginning of a comma-separated line."""
    rows = []
    for number, formula in enumerate(FORMULAS):
        row = json.loads(import_file((Case(f"c{number}", "", ("", "", ""), credentials=False),)))
        rows.append(json.dumps(row | {"customer_id": formula, "customer_name": formula, "integration_name": formula}))
    home.file("c.jsonl", "\n".join(rows))
    assert home.run("import", "c.jsonl").code == 0
    document = home.run("status", "--json").json()
    assert {item["customer_id"] for item in document["items"]} == set(FORMULAS)
    shown = home.run("status").out
    for formula in FORMULAS:
        assert formula in shown
        assert f"{formula}," not in shown


async def test_attack_18_a_formula_in_an_artifact_is_one_cell_of_markdown(town: Any) -> None:
    """A table that is copied out of Prefect's UI is text with bars: the cell is whole, and no cell is added."""
    cases = (Case("plain", "", ("", "", "")),)
    row = json.loads(import_file(cases))
    async with town(world(cases)) as there:
        await there.bring_in(json.dumps(row | {"customer_id": FORMULAS[0]}))
        table = (await there.artifacts(await plan(return_state=True)))["reconcile-plan"]
    (line,) = [line for line in table.splitlines() if line.startswith("| + enable |")]
    assert "=cmd\\|" in line
    assert "| =cmd|" not in line
