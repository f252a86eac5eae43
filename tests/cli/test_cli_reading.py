"""What people read: help in groups, what to do first, counts that add up, and tables that nothing is cut from."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App
from rich.console import Console

from cli.app import app
from cli.render import print_report, table_of
from greenlight.ats.database import Database
from greenlight.ats.runs import Runs
from greenlight.domain.report import Command
from greenlight.domain.selection import Selection
from tests.ats.world import bring_in, customer
from tests.cli.conftest import Here, Home

GROUPS = ["Set up", "Look", "Enable", "Customers", "Serve", "Keep", "This program"]


def commands(of: App) -> list[App]:
    """All commands below, subcommands too."""
    found: list[App] = []
    for name in of:
        if not name.startswith("-"):
            found += [of[name], *commands(of[name])]
    return found


def test_help_lists_commands_in_groups_and_no_defaults_that_say_nothing(here: Here) -> None:
    shown = here("--help").out
    assert re.findall(r"^╭─ ([^─]+) ─", shown, re.MULTILINE) == GROUPS
    for name in ("plan", "apply", "import", "doctor", "pause", "sandbox", "rotate"):
        assert "[default:" not in here(name, "--help").out, name


def test_every_command_takes_json() -> None:
    """Those that have others below leave it to them."""
    for command in commands(app):
        if command.default_command is not None:
            found = [name for argument in command.assemble_argument_collection() for name in argument.names]
            assert "--json" in found, command.name


def test_status_of_an_empty_database_says_what_to_do_first(here: Here, here_database: Database) -> None:
    shown = here("status").out
    assert "All well" not in shown
    assert "`greenlight import FILE`" in shown
    assert "`greenlight provision --new ID=NAME`" in shown
    bring_in(here_database, customer("acme", types=()))
    assert "`greenlight link CUSTOMER`" in here("status").out


@pytest.mark.parametrize("width", [60, 80, 140, 300])
def test_a_report_fits_the_terminal_and_nothing_is_cut(here: Here, here_database: Database, width: int) -> None:
    names = ["x" * 60, "acme-with-a-rather-long-name"]
    bring_in(here_database, *map(customer, names))
    report, written = Runs(here_database).known(Command.STATUS, Selection()), io.StringIO()
    print_report(report, Console(file=written, width=width))
    shown = written.getvalue()
    assert max(map(len, shown.splitlines()[:8])) <= width
    assert "…" not in shown
    assert shown.count("x") >= 60


def test_what_is_piped_has_each_row_on_one_line(here: Here, here_database: Database) -> None:
    """However long: an identifier can be searched for."""
    name = "y" * 110
    bring_in(here_database, customer(name))
    (row,) = [line for line in here("status").out.splitlines() if name in line]
    assert "APPLY" in row
    assert row.rstrip().endswith("us"), row


def test_no_column_of_any_table_is_cut() -> None:
    assert {column.overflow for column in table_of("a", "b").columns} == {"fold"}
    rooms = (Path(__file__).parents[2] / "cli").glob("*.py")
    assert [file.name for file in rooms if re.search(r"[^_]Table\(", file.read_text(encoding="utf-8"))] == ["render.py"]


def test_completion_is_installed_for_the_shell(home: Home) -> None:
    """By the process itself, since it looks at the shell that it runs under."""
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'greenlight'; from cli.app import main; main()"]
    done = subprocess.run(
        [*program, "--install-completion"],
        env=home.environment(SHELL="/bin/bash"),
        cwd=home.folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = home.folder / ".local/share/bash-completion/completions/greenlight"
    assert "withdraw" in written.read_text()
