"""Other people's programs around Greenlight: nginx, Caddy, tinyproxy, PgBouncer."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "proxies.md"
WHERE = "/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin:/opt/homebrew/bin"


def program(name: str) -> str:
    """Its path. The test is skipped where it is not installed."""
    found = shutil.which(name, path=WHERE)
    if found is None:
        pytest.skip(f"no {name}")
    return found


def block_of(language: str) -> str:
    """The documented configuration, as it stands there."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return block


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, f"{old} is not in the documented block"
        text = text.replace(old, new)
    return text


def free_port(host: str = "127.0.0.1") -> int:
    with socket.create_server((host, 0)) as probe:
        return probe.getsockname()[1]


def own_address() -> str:
    """An address of this machine that is not the loopback's, by which no proxy is left out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with suppress(OSError):
            # Nothing is sent: the kernel only says from where it would be.
            probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    if address.startswith(("127.", "0.")):
        pytest.skip("this machine has no address but the loopback's")
    return address


@contextmanager
def running(
    *command: str, cwd: Path, ready: Callable[[], bool], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program with all its children, until the end of the block; what it says is in `NAME.said`."""
    said = cwd / f"{Path(command[0]).name}.said"
    env = environment or {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=env
        )
    try:
        give_up = time.monotonic() + 30
        while not ready():
            assert process.poll() is None, said.read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < give_up, said.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.05)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """It and all its children: asked first, and killed where that takes them too long."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


@contextmanager
def nginx(folder: Path, servers: str, at: tuple[str, int]) -> Iterator[Path]:
    """nginx with these server blocks, one of which listens there; yields its access log."""
    log = folder / "access.log"
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n    access_log {log};\n{temporary}{servers}\n}}\n",
        encoding="utf-8",
    )
    command = (program("nginx"), "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf")
    with running(*command, cwd=folder, ready=lambda: listens(at[1], at[0])):
        yield log


@contextmanager
def caddy(folder: Path, site: str, port: int) -> Iterator[None]:
    ours = "{\n    admin off\n    auto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(ours + site, encoding="utf-8")
    command = (program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")
    with running(*command, cwd=folder, ready=lambda: listens(port)):
        yield


@contextmanager
def tinyproxy(folder: Path, user: str, password: str) -> Iterator[int]:
    """A CONNECT proxy that wants a password; yields its port, and its log is `tinyproxy.log`."""
    port = free_port()
    file = folder / "tinyproxy.conf"
    file.write_text(
        f'Port {port}\nListen 127.0.0.1\nTimeout 60\nLogFile "{folder}/tinyproxy.log"\nLogLevel Connect\n'
        f"MaxClients 50\nBasicAuth {user} {password}\n",
        encoding="utf-8",
    )
    with running(program("tinyproxy"), "-d", "-c", str(file), cwd=folder, ready=lambda: listens(port)):
        yield port


@contextmanager
def pgbouncer(folder: Path, address: str = "", pem: Path | None = None) -> Iterator[int]:
    """One that gives each transaction another one of two connections to the server whose socket is in that folder.

    Yields its port; its own socket is in the same folder, and with a certificate it takes TLS alone at that address.
    """
    port = free_port(address) if address else 6432
    encrypted = ""
    if pem is not None:
        own = folder / "pgbouncer.pem"
        own.write_bytes(pem.read_bytes())
        shutil.chown(own, "nobody")
        encrypted = f"client_tls_sslmode = require\nclient_tls_cert_file = {own}\nclient_tls_key_file = {own}\n"
    file = folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n* = host={folder} port=5432 user=postgres\n[pgbouncer]\nlisten_addr = {address}\n"
        f"unix_socket_dir = {folder}\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n{encrypted}"
        f"default_pool_size = 2\nlogfile = {folder}/pgbouncer.log\nuser = nobody\n",
        encoding="utf-8",
    )
    there = folder / f".s.PGSQL.{port}"
    # One that was killed leaves it behind.
    there.unlink(missing_ok=True)
    with running(program("pgbouncer"), str(file), cwd=folder, ready=there.exists):
        yield port
