"""The image's entrypoint: Prefect's secrets from files, JSON lines for its log, and no word of a secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).resolve().parents[2] / "deployments" / "entrypoint"
SECRETS = (
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_ENCRYPTION_KEY",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
)
AWKWARD = "user:p$(id) \"'`\\ #% word"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is the image's")


def begin(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [str(ENTRYPOINT), *command], env=given, capture_output=True, text=True, timeout=60, check=False
    )


def environment_of(**variables: str) -> dict[str, str]:
    done = begin(sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_what_its_file_holds(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a secret"
    file.write_bytes(f"{AWKWARD}\r\n".encode())
    found = environment_of(**{f"{name}_FILE": str(file)})
    assert found[name] == AWKWARD
    assert f"{name}_FILE" not in found
    assert environment_of(**{name: AWKWARD})[name] == AWKWARD


@pytest.mark.parametrize(
    "content", [None, "", "\n", "\r\n", "a folder"], ids=["no file", "empty", "blank", "of DOS", "a folder"]
)
def test_a_file_that_says_nothing_is_told(tmp_path: Path, content: str | None) -> None:
    """Docker makes a folder of a file that is not there, and an empty password is one that everybody knows."""
    file = tmp_path / "secret"
    if content == "a folder":
        file.mkdir()
    elif content is not None:
        file.write_text(content, encoding="utf-8")
    done = begin("true", PREFECT_API_KEY_FILE=str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"PREFECT_API_KEY_FILE names {file}, which cannot be read or is empty; mend the path\n"


def test_two_words_are_one_too_many(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(AWKWARD, encoding="utf-8")
    done = begin("true", PREFECT_API_KEY_FILE=str(file), PREFECT_API_KEY="another-CANARY")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "both given" in done.stderr
    assert "CANARY" not in done.stderr


def test_the_command_is_the_process_itself_and_ends_as_it_does() -> None:
    """A stop signal reaches it, not a shell before it."""
    assert begin("sh", "-c", "exit 7").returncode == 7
    command = [str(ENTRYPOINT), sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0].strip() == str(process.pid)


def test_prefects_processes_log_as_json_where_it_is_asked_for(tmp_path: Path) -> None:
    says = "from prefect.logging.loggers import get_logger; get_logger('x').warning('said %s', 1)"
    set_up = f"from prefect.logging.configuration import setup_logging; setup_logging(); {says}"
    variables = {"GREENLIGHT_LOG_FORMAT": "json", "PYTHONPATH": str(ENTRYPOINT.parents[1]), "HOME": str(tmp_path)}
    done = begin(sys.executable, "-c", set_up, **variables)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "prefect.x", "said 1")
