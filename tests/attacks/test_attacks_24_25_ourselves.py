"""Attacks 24 and 25: packages that are not the locked ones, and the act that cannot be undone."""

import hashlib
import os
import pty
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dev
from flows.backfill import backfill
from flows.plan import plan
from flows.reconcile import reconcile
from flows.request import What
from sandbox.app import create_app
from sandbox.server import serving_in_thread
from tests.cli.conftest import Home
from tests.flows.fault_world import Case, import_file, world
from tests.flows.test_flow_backfill import crowd

ENABLED = ("enabled", "ENABLED", "ENABLED")
CROWD = tuple(Case(f"c{number}", "an ordinary customer", ENABLED) for number in range(5))


def _wheel(folder: Path) -> str:
    """A package of one file, made here; its hash."""
    name, info = "greenlight_canary-1.0-py3-none-any.whl", "greenlight_canary-1.0.dist-info"
    folder.mkdir()
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr("greenlight_canary.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greenlight-canary\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{info}/RECORD", f"greenlight_canary.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.fixture(params=["uv", "pip"])
def installing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str | None]:
    """dev.py's own installer on a lock of one package, which it can only find in a folder: no network."""
    venv = tmp_path / ".venv"
    for name, value in {"VENV": venv, "VENV_PYTHON": venv / "bin" / "python", "LOCK": tmp_path / "a.lock"}.items():
        monkeypatch.setattr(dev, name, value)
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "wheels"))
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE", "PIP_NO_CACHE_DIR"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    if request.param == "uv":
        uv = dev.find_uv()
        if uv is None:
            pytest.skip("there is no uv on this machine")

    def install(lock: str) -> str | None:
        (tmp_path / "a.lock").write_text(lock)
        return dev.install_with_uv(uv) if request.param == "uv" else dev.install_with_pip()

    return install


@pytest.mark.skipif(os.name == "nt", reason="the places of files differ")
def test_attack_24_an_altered_lock_installs_nothing(installing: Callable[[str], str | None], tmp_path: Path) -> None:
    """A package that is not byte for byte the locked one, or that has no hash at all, is refused by both installers."""
    good = _wheel(tmp_path / "wheels")

    def there() -> bool:
        return any((tmp_path / ".venv").rglob("greenlight_canary.py"))

    for hashes in (f" --hash=sha256:{'0' * 64}", f" --hash=sha256:{good[:-1]}{'0' if good[-1] != '0' else '1'}", ""):
        refusal = installing(f"greenlight-canary==1.0{hashes}\n")
        assert refusal is not None
        assert "hash" in refusal.lower()
        assert not there()
    installing(f"greenlight-canary==1.0 --hash=sha256:{good}\n")
    assert there(), "with the right hash it is installed, so it was the hash that was refused"


async def test_attack_25_a_run_enables_no_more_than_it_may(town: Any) -> None:
    """The breaker: what is over the cap is held and named, and LinkedIn hears nothing of it."""
    async with town(world(CROWD)) as there:
        await there.bring_in(import_file(CROWD))
        report = there.report(await reconcile(What.APPLY, max_changes=2, return_state=True))
        assert sum(count["received"] for count in there.enables().values()) == 2
        reasons = [item.condition.reason.value for item in report.items]
        assert sorted(reasons) == ["ENABLED"] * 2 + ["HELD_BY_CAP"] * 3
        assert report.exit_code == 3


async def test_attack_25_a_backfill_plans_unless_it_is_told_to_apply(town: Any, tmp_path: Any) -> None:
    """The default of whatever is about many customers at once is to look."""
    start, text = crowd(8)
    file = tmp_path / "migrated.jsonl"
    file.write_text(text)
    async with town(start) as there:
        await backfill(file=str(file), return_state=True)
        await plan(return_state=True)
        assert "verify" in there.operations()
        assert "enable" not in there.operations()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_attack_25_the_question_names_customers_and_count(home: Home) -> None:
    """Without a terminal it needs --yes; at one, only `yes` goes on, after the table of whom it is about."""
    app = create_app(world(CROWD))
    with serving_in_thread(app) as address:
        home.settings |= {
            "GREENLIGHT_LINKEDIN_API_URL": address,
            "GREENLIGHT_LINKEDIN_TOKEN_URL": f"{address}/oauth/v2/accessToken",
        }
        home.file("c.jsonl", import_file(CROWD))
        assert home.run("import", "c.jsonl").code == 0
        silent = home.run("apply")
        assert silent.code == 1
        assert "--yes" in silent.err
        assert app.state.sandbox.log == []
        code, said = _at_a_terminal(home, "apply", answer="y\n")
        assert "enable" not in [entry.operation for entry in app.state.sandbox.log]
    assert code == 1
    assert "Enable 5 integrations? An enabled integration cannot be disabled." in said
    assert "not confirmed; nothing was enabled" in said
    question = said.index("Enable 5 integrations?")
    assert all(case.id in said[:question] for case in CROWD)


def _at_a_terminal(home: Home, *arguments: str, answer: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=home.folder,
            env=home.environment(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(theirs)
        keyboard.write(answer.encode())
        said, _ = process.communicate(timeout=150)
    return process.returncode, said
