"""Runs an image's processes as a container engine does, where none can be had: by namespaces and one chroot."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What a container has that its image has not; then the root is closed, and the first process is the entrypoint itself.
_INSIDE = r"""
set -eu
root=$1 user=$2 hosts=$3 folder=$4 tmpfs=$5 volumes=$6; shift 6
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for each in null zero full random urandom; do
    touch "$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"; mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs "$root/dev/shm"
mount --bind "$hosts" "$root/etc/hosts"
for each in $tmpfs; do mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs "$root$each"; done
for each in $volumes; do mkdir -p "$root${each#*:}"; mount --bind "${each%%:*}" "$root${each#*:}"; done
mount -o remount,ro,bind "$root"
exec chroot --userspec="$user:$user" --groups= "$root" /usr/bin/env --chdir="$folder" -i "$@"
"""

# A new network namespace has its loopback switched off: SIOCSIFFLAGS with IFF_UP | IFF_RUNNING.
_LOOPBACK = (
    "import fcntl, socket, struct\n"
    "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:\n"
    "    fcntl.ioctl(any, 0x8914, struct.pack('16sh14x', b'lo', 0x41))"
)


@dataclass
class Done:
    code: int
    out: str
    err: str


@dataclass
class Engine:
    """One image in a folder of its own, and a network that has nothing but its own loopback."""

    root: Path
    #: The image's own configuration, as `docker inspect` shows it.
    config: Mapping[str, Any]
    network: tuple[str, ...]
    folder: Path
    hosts: Sequence[str] = ()

    def inside(self, *command: str) -> list[str]:
        """A command of this machine, in that network."""
        return ["nsenter", *self.network, *command]

    def command(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        tmpfs: Sequence[str],
        volumes: Mapping[Path, str],
        *,
        entrypoint: bool,
    ) -> list[str]:
        hosts = self.folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {' '.join(self.hosts)}\n", encoding="utf-8")
        given = dict(each.split("=", 1) for each in self.config["Env"])
        given |= {"HOME": "/home/greenlight", "HOSTNAME": "container", **environment}
        mounted = " ".join(f"{here}:{there}" for here, there in volumes.items())
        return [
            *self.inside("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _INSIDE, "sh"),
            *(str(self.root), self.config["User"], str(hosts), self.config["WorkingDir"], " ".join(tmpfs), mounted),
            *(f"{name}={value}" for name, value in given.items()),
            *(self.config["Entrypoint"] if entrypoint else ()),
            *words,
        ]

    def run(
        self,
        *words: str,
        environment: Mapping[str, str] | None = None,
        tmpfs: Sequence[str] = ("/tmp",),
        volumes: Mapping[Path, str] | None = None,
        entrypoint: bool = True,
        timeout: float = 150,
    ) -> Done:
        """To its end, with the root closed and the home too, unless one of the folders opens it."""
        command = self.command(words, environment or {}, tmpfs, volumes or {}, entrypoint=entrypoint)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(
        self,
        name: str,
        *words: str,
        environment: Mapping[str, str] | None = None,
        tmpfs: Sequence[str] = ("/tmp",),
        volumes: Mapping[Path, str] | None = None,
    ) -> Iterator["Container"]:
        """Until the end of the block, where it is stopped as an engine stops it."""
        command = self.command(words, environment or {}, tmpfs, volumes or {}, entrypoint=True)
        said = self.folder / f"{name}.said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
        container = Container(process, said)
        try:
            yield container
        finally:
            with suppress(subprocess.TimeoutExpired, AssertionError):
                container.stop(20)
            process.kill()
            process.wait()

    def check(self, container: "Container", test: Sequence[str]) -> bool:
        """A health check, run beside the container's first process as an engine runs it."""
        kind, *words = test
        assert kind == "CMD"
        first = container.first()
        # Before its chroot it is still at this machine's root.
        if first is None or not os.path.samefile(f"/proc/{first}/root", self.root):
            return False
        environment = Path(f"/proc/{first}/environ").read_bytes().decode().rstrip("\0").split("\0")
        beside = ["nsenter", f"--target={first}", "--all", "--root", "--wd"]
        user = self.config["User"]
        command = [*beside, f"--setuid={user}", f"--setgid={user}", "/usr/bin/env", "-i", *environment, *words]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


@dataclass
class Container:
    process: subprocess.Popen[bytes]
    said: Path

    def text(self) -> str:
        return self.said.read_text(encoding="utf-8", errors="replace")

    def stop(self, patience: float = 60) -> int:
        """SIGTERM to its first process, and the exit code of that."""
        first = self.first()
        if first is not None:
            os.kill(first, signal.SIGTERM)
        return self.process.wait(patience)

    def first(self) -> int | None:
        """The first process of the container, which is unshare's only child."""
        with suppress(OSError):
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
            return int(children) if children else None
        return None

    def wait_for(self, ready: Any, patience: float = 90) -> None:
        until = time.monotonic() + patience
        while not ready():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < until, self.text()
            time.sleep(0.2)


@contextmanager
def own_network() -> Iterator[tuple[str, ...]]:
    """The words by which nsenter finds it."""
    holder = subprocess.Popen(
        [
            "unshare",
            "--net",
            sys.executable,
            "-c",
            f"{_LOOPBACK}\nprint('up', flush=True)\nimport time\ntime.sleep(3600)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        yield (f"--net=/proc/{holder.pid}/ns/net",)
    finally:
        holder.kill()
        holder.communicate()
