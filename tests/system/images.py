"""The image of deployments/Dockerfile, built by buildah on a base that is made here, since no registry may be reached.

REQUIRE_IMAGE=1 makes an image that cannot be had a failure. One that our Dockerfile fails to build always is.
"""

import json
import os
import shlex
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from tests.system.documents import WITH_CONTAINERS, lines_of
from tests.system.programs import WHERE

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "debootstrap", "unshare", "nsenter", "chroot", "timeout", "git")
# The stand-in for python:3.12-slim: Debian with its own Python and what the Dockerfile takes for granted there.
_SUITE, _PACKAGES = "bookworm", "python3,python3-venv,ca-certificates"
_INDEX = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")


class NoImage(Exception):
    """There is nothing here to build it with. The text says why."""


@dataclass(frozen=True)
class Image:
    root: Path
    #: As `docker inspect` shows it.
    config: Mapping[str, Any]
    #: Each command that made it.
    history: str
    size: int


def bounded(seconds: int, *command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """With all its children ended when its time is up; what it says in one text."""
    return subprocess.run(
        ["timeout", "--kill-after=10", str(seconds), *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _needed(seconds: int, *command: str) -> str:
    done = bounded(seconds, *command)
    if done.returncode != 0:
        said = " ".join(done.stdout.strip().splitlines()[-2:])[-300:]
        raise NoImage(f"{Path(command[0]).name} ended with {done.returncode} here: {said}")
    return done.stdout.strip()


def _look_around() -> None:
    """Raises NoImage where a program or a right is missing."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=WHERE) is None]
    if missing:
        raise NoImage(f"this machine has no {', '.join(missing)}")
    if os.geteuid() != 0:
        raise NoImage("building and running it without an engine takes root")
    spaces = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc")
    _needed(30, *spaces, "mount", "-t", "tmpfs", "tmpfs", "/mnt")


def _base() -> Path:
    """The base's files, made once a machine and kept in this user's cache folder."""
    kept = user_cache_path("greenlight-tests") / "-".join(("image-base", _SUITE, *_PACKAGES.split(",")))
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="making-", ignore_cleanup_errors=True) as folder:
            made = Path(folder) / "root"
            _needed(400, "debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(made))
            (made / "usr/bin/python").symlink_to("python3")
            for each in ("var/cache/apt", "var/lib/apt/lists"):
                shutil.rmtree(made / each, ignore_errors=True)
            # Another process may have made it meanwhile.
            with suppress(OSError):
                made.rename(kept)
    return kept


def _machines_certificates() -> Path | None:
    """Whom this machine trusts for its package index."""
    named = (os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))
    files = (*filter(None, named), "/etc/ssl/certs/ca-certificates.crt", ssl.get_default_verify_paths().openssl_cafile)
    return next((Path(file) for file in files if Path(file).is_file()), None)


def _machines_index() -> str:
    """The package index that this machine is configured for, or nothing for the usual one."""
    named = next(filter(None, (os.environ.get(name) for name in _INDEX)), "")
    if named or shutil.which("pip") is None:
        return named
    asked = subprocess.run(["pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def make_context(folder: Path, company: Path) -> Path:
    """A clean clone as it is now, with a company's CA, and with files that must stay out. Raises NoImage."""
    if not (ROOT / ".git").exists():
        raise NoImage("this is no git checkout, so what would be cloned is not known")
    context = folder / "context"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, context / name)
    trusted = context / "deployments" / "certificates"
    shutil.copy(company, trusted / "company.crt")
    if machine := _machines_certificates():
        shutil.copy(machine, trusted / "machine.crt")
    for name in (".env", "deployments/.env", "greenlight/.env"):
        (context / name).write_text("PASSWORD=CANARY\n", encoding="utf-8")
    return context


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._words = ["buildah", "--root", str(folder / "images"), "--runroot", str(folder / "run")]

    def __call__(self, seconds: int, *words: str) -> str:
        return _needed(seconds, *self._words, *words)

    def take_base(self) -> None:
        """Raises NoImage where this machine cannot do what a build does."""
        base = _base()
        try:
            container = self(60, "from", "scratch")
        except NoImage:
            # Overlays are refused on top of some file systems; whole copies work on all.
            self._words += ["--storage-driver", "vfs"]
            container = self(60, "from", "scratch")
        self(300, "add", container, str(base), "/")
        self(60, "run", "--isolation", "chroot", container, "--", "python", "-m", "venv", "--help")
        self(300, "commit", "--quiet", container, "base")
        self(60, "rm", container)

    def build(self, context: Path, *words: str) -> subprocess.CompletedProcess[str]:
        base = ["--pull-never", "--from", "localhost/base", "--isolation", "chroot", "--network", "host"]
        docker, build, *documented = shlex.split(lines_of(WITH_CONTAINERS)[0], comments=True)
        assert (docker, build) == ("docker", "build")
        return bounded(600, *self._words, "bud", *base, "--format", "docker", *words, *documented, folder=context)

    def reaches_an_index(self, context: Path) -> str:
        """Nothing where a container here reaches it with this machine's own configuration, or what pip says."""
        trusted = _machines_certificates()
        container = self(60, "from", "localhost/base")
        mounted = ["--volume", f"{trusted}:/trusted.crt:ro"] if trusted else []
        index = ["--index-url", index] if (index := _machines_index()) else []
        pip = " ".join(["/tmp/v/bin/pip", "download", "-q", "--no-deps", "-d", "/tmp", *index, "hatchling"])
        script = f"python -m venv /tmp/v && {pip}{' --cert /trusted.crt' if trusted else ''}"
        command = ["run", "--isolation", "chroot", *mounted, container, "--", "sh", "-c", script]
        done = bounded(120, *self._words, *command, folder=context)
        return "" if done.returncode == 0 else " ".join(done.stdout.split())[-300:]

    def image(self, context: Path) -> Image:
        index = ["--build-arg", f"PIP_INDEX_URL={index}"] if (index := _machines_index()) else []
        done = self.build(context, *index)
        if done.returncode != 0:
            if why := self.reaches_an_index(context):
                raise NoImage(f"no package index is reached from within a container: {why}")
            raise AssertionError(f"deployments/Dockerfile is not built:\n{done.stdout[-4000:]}")
        seen = json.loads(self(60, "inspect", "--type", "image", "greenlight"))
        (listed,) = json.loads(self(60, "images", "--json", "localhost/greenlight"))
        root = self(60, "mount", self(60, "from", "greenlight"))
        history = json.dumps([seen["History"], seen["OCIv1"]])
        return Image(Path(root), seen["Docker"]["config"], history, _bytes(listed["size"]))

    def close(self) -> None:
        bounded(60, *self._words, "umount", "--all")
        bounded(60, *self._words, "rm", "--all")
        shutil.rmtree(self._folder, ignore_errors=True)


def _bytes(text: str) -> int:
    number, unit = text.split()
    return int(float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])


@contextmanager
def a_builder() -> Iterator[Builder]:
    """One that has the base. Raises NoImage."""
    _look_around()
    builder = Builder(Path(tempfile.mkdtemp(prefix="greenlight-image-")))
    try:
        builder.take_base()
        yield builder
    finally:
        builder.close()
