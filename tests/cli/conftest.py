"""The command line as a process of its own, with a home of its own, against a sandbox over real HTTP."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from greenlight.ats.database import Database, make_database, open_database
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from tests.cli.documents import fits
from tests.flows.fault_world import import_file, world

#: The most talkative that a user can make it.
TALKATIVE = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_DEBUG_MODE": "true",
}

ROOT = Path(__file__).parents[2]
_OURS = re.compile(rf'File "{re.escape(str(ROOT))}/(?:cli|greenlight|tasks|flows|blocks|portal|sandbox|deployments)/')


@dataclass
class Done:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one document that was printed, which is as its published schema says and has nothing besides."""
        document = json.loads(self.out)
        fits(document)
        return document


@dataclass
class Home:
    """Runs `greenlight` as a user with this home folder would."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    linkedin: Any = None
    said: list[str] = field(default_factory=list)

    def environment(self, **settings: str) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **{name: os.environ[name] for name in ("LANG", "SYSTEMROOT") if name in os.environ},
            # No test may ask the real one, whatever it leaves out.
            "GREENLIGHT_LINKEDIN_API_URL": "http://127.0.0.1:9",
            "GREENLIGHT_LINKEDIN_TOKEN_URL": "http://127.0.0.1:9/oauth/v2/accessToken",
            **self.settings,
            **settings,
        }

    def run(self, *arguments: str, stdin: str = "", **settings: str) -> Done:
        command = [sys.executable, "-c", "from cli.app import main; main()", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**settings),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return Done(done.returncode, done.stdout, done.stderr)

    def tracebacks(self) -> list[str]:
        """Those that were shown and go through our own code, but for the debug log that Prefect was asked for."""
        frames = r"[ |+]*(?:Exception Group )?Traceback \(most recent call last\):\n(?:[ \t|+].*\n)+"
        text, found, debug = "\n".join(["", *self.said]), list[str](), False
        # From the beginning of a line: a debug log has lines so long that it would take minutes else.
        for one in re.finditer(rf"^(.*)\n({frames})", text, re.MULTILINE):
            # One that led to another stands where the other does.
            before = text[max(0, one.start() - 200) : one.start()]
            led = re.search(r"(above exception was .*|another exception occurred:)\s*$", before)
            debug = debug if led else "| DEBUG" in one[1]
            if _OURS.search(one[2]) and not debug:
                found.append(one[2])
        return found

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="module")
def town_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose settings point at a sandbox with one fault per customer; the customers are not imported yet."""
    folder = tmp_path_factory.mktemp("home")
    app = create_app(world())
    with serving_in_thread(app) as address:
        settings = {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
            "GREENLIGHT_HTTP_TIMEOUT_SECONDS": "1",
            "GREENLIGHT_SETTLE_SECONDS": "1",
            "GREENLIGHT_RETRY_DELAYS_SECONDS": "0.1,0.1",
        }
        home = Home(folder, settings, app.state.sandbox)
        home.file("customers.jsonl", import_file())
        yield home


Here = Callable[..., Done]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs a command line in this process, in a folder of its own: that takes no second."""
    monkeypatch.chdir(tmp_path)
    for name, value in Home(tmp_path).environment(PREFECT_API_URL="http://127.0.0.1:9/api").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GREENLIGHT_DATABASE_URL", f"sqlite:///{tmp_path / 'g.db'}")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    make_database(f"sqlite:///{tmp_path / 'g.db'}").close()
    (tmp_path / "c.csv").write_text("customer_id,customer_name\nacme,Acme\n")

    def go(*arguments: str, **settings: str) -> Done:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = run(arguments)
        return Done(code, *capsys.readouterr())

    return go


@pytest.fixture
def here_database(here: Here) -> Iterator[Database]:  # pyright: ignore[reportUnusedParameter]
    """The database that `here` runs with."""
    database = open_database(os.environ["GREENLIGHT_DATABASE_URL"])
    yield database
    database.close()
