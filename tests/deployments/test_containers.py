"""The image and compose.yaml: only commands and settings that exist, and no secret."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields

from cli.app import app
from greenlight.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deployments"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
#: Laid over it where several processes of Prefect's server run.
SERVERS: dict[str, Any] = yaml.safe_load((FOLDER / "servers.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MORE: dict[str, dict[str, Any]] = {f"servers: {name}": service for name, service in SERVERS["services"].items()}
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "greenlight"}

OURS_TOO = OURS | {name: service for name, service in MORE.items() if service["image"] == "greenlight"}

#: Prefect reads the first from the environment alone (prefect/server/utilities/encryption.py), the other is of
#: prefect_redis, whose settings are its own.
NOT_SETTINGS = {"PREFECT_SERVER_ENCRYPTION_KEY", "PREFECT_REDIS_MESSAGING_HOST"}


def commands() -> list[list[str]]:
    last = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    every = [*(service["command"] for service in OURS_TOO.values()), *map(yaml.safe_load, last)]
    return [list(words) for words in dict.fromkeys(map(tuple, every))]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_command_exists(command: list[str]) -> None:
    if command[0] == "greenlight":
        parsed, _, _ = app.parse_args(command[1:], exit_on_error=False, print_error=False)
        assert parsed.__name__ == command[1]
    else:
        services = ["prefect", "server", "services"]
        assert command[:3] in (["prefect", "server", "start"], ["prefect", "worker", "start"], services)


def known_settings() -> set[str]:
    prefect = set(_get_settings_fields(PrefectSettings)) | NOT_SETTINGS
    aliases = {alias.upper() for alias in _aliases(PrefectSettings)}
    return prefect | aliases | {(PREFIX + name).upper() for name in Settings.model_fields}


def _aliases(model: Any) -> set[str]:
    found: set[str] = set()
    for field in model.model_fields.values():
        choices = getattr(field.validation_alias, "choices", ())
        found |= {choice for choice in choices if isinstance(choice, str)}
        if hasattr(field.annotation, "model_fields"):
            found |= _aliases(field.annotation)
    return found


@pytest.mark.parametrize("service", OURS_TOO)
def test_every_setting_exists(service: str) -> None:
    """A name that is misspelt would be ignored."""
    assert set(OURS_TOO[service]["environment"]) - known_settings() == set()


def test_servers_that_run_together_have_what_one_alone_has_and_one_of_them_has_the_services() -> None:
    alone, services = SERVICES["prefect"], SERVERS["services"]["prefect-services"]
    together = SERVERS["services"]["prefect"]["environment"].items()
    for name, value in together:
        if value.startswith("prefect_redis."):
            assert importlib.util.find_spec(value) is not None, name
    assert together <= services["environment"].items()
    assert "--no-services" in SERVERS["services"]["prefect"]["command"]
    # Lease storage apart, what both read is the same; the rest is for whoever answers requests.
    both = alone["environment"].keys() & services["environment"].keys() - dict(together).keys()
    assert {name: alone["environment"][name] for name in both} == {name: services["environment"][name] for name in both}
    assert {
        name for name in alone["environment"] if "_SERVICES_" in name or name.endswith(("_KEY", "_URL"))
    } - both == {"PREFECT_UI_API_URL"}


def test_a_worker_that_helps_takes_no_more_at_once_than_it_is_told() -> None:
    """Without a limit the first one that asks would take all helpers of a run, on one machine."""
    command = SERVICES["helper-worker"]["command"]
    assert int(command[command.index("--limit") + 1]) > 0
    pools = {
        words[words.index("--pool") + 1] for words in (one["command"] for one in OURS.values()) if "--pool" in words
    }
    assert pools == {"greenlight", "greenlight-helpers"}


def test_no_secret_is_written_down() -> None:
    secret = re.compile(r"PASSWORD|AUTH|KEY|DATABASE\w*_URL")
    for service in (*SERVICES.values(), *MORE.values()):
        for name, value in service.get("environment", {}).items():
            assert not secret.search(name) or "${" in value, name
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|AUTH|_KEY)", DOCKERFILE, re.MULTILINE)
    assert not [file for file in FOLDER.rglob("*.y*ml") if re.search(r"hooks\.slack|://\w+:\w+@", file.read_text())]


def test_the_image_runs_as_nobody_special_and_installs_only_what_is_locked() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["10001"]
    assert "--uid 10001" in DOCKERFILE
    installs = re.findall(r"pip install (.*)$", DOCKERFILE, re.MULTILINE)
    assert len(installs) == 2
    assert all("--no-deps" in line for line in installs)
    assert "--require-hashes" in installs[0]
    assert "/readyz" in DOCKERFILE


def test_only_the_portal_and_the_prefect_page_are_reachable_and_from_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_runs_writes_nowhere_but_where_it_is_let() -> None:
    assert "PREFECT_SERVER_UI_STATIC_DIRECTORY=/tmp/" in DOCKERFILE, "Prefect's server writes its pages into its code"
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert "/tmp" in service["tmpfs"], name
        home = "/home/greenlight"
        assert home in service["tmpfs"] or any(each.endswith(f":{home}") for each in service["volumes"]), name


def test_a_company_brings_its_own_index_and_certificates() -> None:
    """In the stage from which both others come, so that building and running trust the same."""
    base, build, runs = DOCKERFILE.split("FROM ")[1:]
    assert "COPY deployments/certificates /usr/local/share/ca-certificates/" in base
    assert "update-ca-certificates" in base
    assert all(name in base for name in ("PIP_CERT=", "SSL_CERT_FILE=", "GREENLIGHT_CA_FILE="))
    assert (build.startswith("base AS build"), runs.startswith("base\n")) == (True, True)
    assert "ARG PIP_INDEX_URL" in build
    assert "PIP_INDEX_URL" not in runs, "an address may carry a password"
