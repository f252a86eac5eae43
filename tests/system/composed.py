"""compose.yaml as Compose reads it: its variables filled in, its services in what the engine here runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.system.engine import Container, Done, Engine

FILE = Path(__file__).parents[2] / "deployments" / "compose.yaml"

# What stands outside that network is met at an address inside: by its socket, or by a port and under a certificate.
_RELAY = """
import asyncio, ssl, sys
port, behind, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
if context:
    context.load_cert_chain(certificate)
async def pump(reader, writer):
    while some := await reader.read(65536):
        writer.write(some)
        await writer.drain()
    writer.close()
async def meet(reader, writer):
    if "/" in behind:
        there, here = await asyncio.open_unix_connection(behind)
    else:
        there, here = await asyncio.open_connection("127.0.0.1", int(behind))
    await asyncio.gather(pump(reader, here), pump(there, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(meet, "127.0.0.1", port, ssl=context) as server:
        print("up", flush=True)
        await server.serve_forever()
asyncio.run(main())
"""


def read_services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Its services: `${NAME:?}` must be given, `${NAME:-otherwise}` may be."""

    def value(found: re.Match[str]) -> str:
        name, kind, otherwise = found.groups()
        assert kind == "-" or variables.get(name), f"{name} is not given"
        return variables.get(name) or otherwise

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: filled(each) for name, each in part.items()}
        if isinstance(part, list):
            return [filled(each) for each in part]
        return re.sub(r"\$\{(\w+):([?-])([^}]*)\}", value, part) if isinstance(part, str) else part

    return filled(yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"])


@dataclass
class Composed:
    engine: Engine
    services: Mapping[str, dict[str, Any]]
    #: What an operator adds by an override file.
    added: Mapping[str, str]
    folder: Path

    def _how(self, name: str) -> dict[str, Any]:
        service = self.services[name]
        volumes = dict[Path, str]()
        for each in service.get("volumes", ()):
            volume, there = each.split(":")
            here = self.folder / volume
            if not here.exists():
                here.mkdir()
                # A new volume belongs to whom its folder in the image belongs to.
                owner = (self.engine.root / there.lstrip("/")).stat()
                os.chown(here, owner.st_uid, owner.st_gid)
            volumes[here] = there
        environment = {**service.get("environment", {}), **self.added}
        return {"environment": environment, "tmpfs": service["tmpfs"], "volumes": volumes}

    def up(self, name: str) -> AbstractContextManager[Container]:
        return self.engine.running(name, *self.services[name]["command"], **self._how(name))

    def run(self, name: str, *words: str, also: Mapping[Path, str] | None = None) -> Done:
        """`docker compose run --rm`: another command, or its own, in the surroundings of a service."""
        how = self._how(name)
        how["volumes"] |= also or {}
        return self.engine.run(*(words or self.services[name]["command"]), **how)

    def leave_out(self, name: str, *variables: str) -> None:
        """As an operator takes them out of the file."""
        for each in variables:
            del self.services[name]["environment"][each]

    def healthy(self, name: str, container: Container) -> bool:
        """Its health check, in the container itself."""
        return self.engine.check(container, self.services[name]["healthcheck"]["test"])


@contextmanager
def relayed(engine: Engine, port: int, behind: str, certificate: Path | None = None) -> Iterator[None]:
    """That socket, or that port of the same network, at another port of the network and there under a certificate."""
    command = engine.inside(sys.executable, "-c", _RELAY, str(port), behind, str(certificate or ""))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as relay:
        assert relay.stdout is not None
        try:
            assert relay.stdout.readline() == b"up\n"
            yield
        finally:
            relay.kill()
