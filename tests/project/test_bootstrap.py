"""dev.py: whom it refuses, and when it makes .venv again."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dev


def test_it_parses_on_old_pythons_so_that_they_see_the_refusal() -> None:
    ast.parse(Path(dev.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13), (3, 15, 0), (4, 0, 0)])
def test_a_python_out_of_range_is_refused_in_one_sentence(version: tuple[int, ...]) -> None:
    sentence = dev.refusal(version)
    assert f"this is Python {version[0]}.{version[1]}" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 0), (3, 14, 9)])
def test_a_python_in_range_is_taken(version: tuple[int, ...]) -> None:
    assert dev.refusal(version) == ""


def test_the_stamp_follows_lock_project_and_interpreter(tmp_path: Path) -> None:
    lock, project = tmp_path / "requirements.lock", tmp_path / "pyproject.toml"
    lock.write_text("a==1\n")
    project.write_text("[project]\n")
    seen = [dev.fingerprint(lock, project, "/usr/bin/one")]
    assert dev.fingerprint(lock, project, "/usr/bin/one") == seen[0]

    seen.append(dev.fingerprint(lock, project, "/usr/bin/other"))
    lock.write_text("a==2\n")
    seen.append(dev.fingerprint(lock, project, "/usr/bin/one"))
    project.write_text("[project]\nname = 'b'\n")
    seen.append(dev.fingerprint(lock, project, "/usr/bin/one"))
    assert len(set(seen)) == 4


@pytest.fixture
def in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """dev.py looking at an empty folder, with installers that only make the interpreter's file."""
    venv = tmp_path / ".venv"
    monkeypatch.setattr(dev, "VENV", venv)
    monkeypatch.setattr(dev, "TOOLS", tmp_path / ".tools")
    monkeypatch.setattr(dev, "VENV_PYTHON", venv / "python")
    monkeypatch.setattr(dev, "STAMP", venv / ".stamp")
    monkeypatch.setattr(dev, "find_uv", lambda: "uv")

    def make_venv(*_: object) -> None:
        venv.mkdir(exist_ok=True)
        (venv / "python").touch()

    monkeypatch.setattr(dev, "install_with_uv", make_venv)
    monkeypatch.setattr(dev, "install_with_pip", make_venv)
    return venv


def test_a_finished_venv_is_left_alone(in_a_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.setup()
    assert dev.is_ready()
    monkeypatch.setattr(dev, "find_uv", lambda: pytest.fail("nothing is to be installed"))
    dev.setup()


def test_a_half_made_venv_is_made_again(in_a_copy: Path) -> None:
    in_a_copy.mkdir()
    (in_a_copy / "python").touch()
    assert not dev.is_ready()
    dev.setup()
    assert dev.is_ready()


@pytest.mark.parametrize("kind", ["missing", "folder", "link"])
def test_whatever_stands_in_the_place_of_venv_goes(in_a_copy: Path, kind: str) -> None:
    target = in_a_copy.parent / "elsewhere"
    target.mkdir()
    if kind == "folder":
        (in_a_copy / "bin").mkdir(parents=True)
    elif kind == "link":
        in_a_copy.symlink_to(target)
    dev.remove_venv()
    assert not os.path.lexists(in_a_copy)
    assert target.exists()


def test_a_stopped_setup_leaves_no_stamp(in_a_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    dev.setup()
    finished = dev.fingerprint()
    monkeypatch.setattr(dev, "fingerprint", lambda: "after a change of the lock")
    monkeypatch.setattr(dev, "install_with_uv", stop)
    with pytest.raises(KeyboardInterrupt):
        dev.setup()
    monkeypatch.setattr(dev, "fingerprint", lambda: finished)
    assert not dev.is_ready()


def test_pip_takes_over_where_uv_fails(
    in_a_copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "install_with_uv", lambda _: "no such index")
    dev.setup()
    assert dev.is_ready()
    assert "trying pip" in capsys.readouterr().err


def test_when_both_fail_both_are_heard(in_a_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "install_with_uv", lambda _: "no such index")
    monkeypatch.setattr(dev, "install_with_pip", lambda: "no such host")
    with pytest.raises(dev.SetupError, match=r"(?s)no such index.*no such host"):
        dev.setup()
    assert not dev.is_ready()


def test_uv_is_not_looked_for_when_it_is_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_NO_UV", "1")
    monkeypatch.setattr(dev, "attempt", lambda *_: pytest.fail("nothing is to be run"))
    assert dev.find_uv() is None


def test_the_bare_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in ("setup", "demo", "test", "check", "lock", "run"))


def fails() -> str:
    return "line 7 is wrong"


def cannot() -> None:
    raise dev.SetupError("There is no uv.")


@pytest.mark.parametrize(
    ("step", "passes", "line"),
    [
        (lambda: None, True, "types    ok\n"),
        (fails, False, "types    FAILED\nline 7 is wrong\n"),
        (cannot, True, "types    skipped: There is no uv.\n"),
    ],
)
def test_a_check_is_told_in_one_line_and_its_failure_in_full(
    step: Callable[[], str | None], passes: bool, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.verdict("types", step) is passes
    assert capsys.readouterr().err == line


def test_a_quiet_command_is_heard_only_when_it_fails() -> None:
    assert dev.attempt(sys.executable, "-c", "print('busy')") is None
    assert dev.attempt(sys.executable, "-c", "import sys; print('broken'); sys.exit(3)") == "broken"
    assert dev.attempt(sys.executable, "-c", "import sys; sys.exit(3)")
    assert dev.attempt("no-such-command-anywhere")


def test_a_command_takes_over_with_its_own_exit_code() -> None:
    takes_over = "import dev, sys; dev.become([sys.executable, '-c', 'import sys; sys.exit(7)'])"
    root = Path(dev.__file__).parent
    assert subprocess.run([sys.executable, "-c", takes_over], cwd=root, check=False).returncode == 7


def test_a_command_that_is_nowhere_is_named() -> None:
    with pytest.raises(dev.SetupError, match="no-such-command-anywhere"):
        dev.become(["no-such-command-anywhere"])
