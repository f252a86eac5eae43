"""The commands that documents show, and a shell in which they are typed as they stand there."""

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tests.system.programs import end, listens

ROOT = Path(__file__).parents[2]
#: What goes on until somebody ends it: "in one terminal".
_SERVES = re.compile(
    r"prefect server start|prefect worker start|greenlight (?:portal|worker|sandbox)|python -m sandbox|.*--portal$"
)
#: In which languages a block is something to type. One without a language is such a block.
_LANGUAGES = ("", "sh", "bash", "shell", "console")
#: Written from the command line's own help, which `python docs/reference.py --check` compares.
_GENERATED = ("docs/commands.md",)

#: A document, and the first line of a block there, without what is said of it.
Block: TypeAlias = tuple[str, str]
#: How the image is made and all services are started, for an engine that is not there: tests/system/images.py.
WITH_CONTAINERS: Block = ("docs/operating.md", "docker build -f deployments/Dockerfile -t greenlight .")
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Shown:
    """A block of commands in a document."""

    document: str
    lines: tuple[str, ...]

    def is_meant_by(self, block: Block) -> bool:
        return (self.document, self.lines[0].split(" #")[0].rstrip()) == block


def documents() -> list[Path]:
    folders = ("docs", "sandbox", "tests", "deployments", "changes", ".github")
    inside = (file for folder in folders for file in (ROOT / folder).rglob("*.md"))
    return sorted({*ROOT.glob("*.md"), *inside} - {ROOT / name for name in _GENERATED})


def shown_in(file: Path, root: Path = ROOT) -> Iterator[Shown]:
    """Its blocks of commands, also those within a list."""
    blocks = re.findall(r"^( *)```(\w*)\n(.*?)^\1```", file.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for _, language, text in blocks:
        if language in _LANGUAGES:
            yield Shown(file.relative_to(root).as_posix(), tuple(line.strip() for line in text.strip().splitlines()))


def lines_of(block: Block) -> tuple[str, ...]:
    (found,) = [each for each in shown_in(ROOT / block[0]) if each.is_meant_by(block)]
    return found.lines


def types(*blocks: Block) -> Callable[[Test], Test]:
    """Says of a test that it types these blocks; its terminal sees to it that it does, line by line."""

    def mark(test: Test) -> Test:
        test.__dict__["types"] = blocks
        return test

    return mark


class Terminal:
    """A shell in a folder: what a line exports, the next one has.

    `words` is what a reader puts in the place of what a document only names.
    """

    def __init__(self, folder: Path, words: Mapping[str, str] | None = None, **environment: str) -> None:
        self.folder = folder
        self._name = "terminal"
        self.words = dict(words or {})
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            **environment,
        }
        #: The lines as they stand in the document.
        self.typed = set[str]()
        self._serving: list[subprocess.Popen[bytes]] = []

    def another(self, name: str) -> "Terminal":
        """One beside it in the same folder, which what is exported here does not reach from now on."""
        other = Terminal(self.folder, self.words)
        other.environment |= self.environment
        other._name, other.typed, other._serving = name, self.typed, self._serving
        return other

    def _filled(self, line: str) -> str:
        self.typed.add(line)
        # The longest first: one may be part of another.
        for name in sorted(self.words, key=len, reverse=True):
            line = line.replace(name, self.words[name])
        assert "…" not in line.split(" #")[0], f"nothing in the place of … in {line}"
        return line

    def type(self, line: str, also: str = "") -> subprocess.CompletedProcess[str]:
        """Run a line to its end, with "yes" for whoever asks; `also` are words added to it."""
        ours, theirs = pty.openpty()
        kept = self.folder / f"{self._name}.environment"
        command = self._filled(line)
        if also:
            command = f"{command.split(' #')[0].rstrip()} {also}"
        try:
            os.write(ours, b"yes\n")
            done = subprocess.run(
                ["bash", "-c", f"{command}\ncode=$?; env -0 > {kept}; exit $code"],
                cwd=self.folder,
                env=self.environment,
                stdin=theirs,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        self.environment = dict(pair.split("=", 1) for pair in kept.read_text().split("\0") if "=" in pair)
        assert "Traceback" not in done.stdout + done.stderr, (line, done.stdout, done.stderr)
        return done

    def succeed(self, line: str, also: str = "") -> str:
        """What a line says that must end with 0, or serves from now on."""
        if _SERVES.match(line) or "&" in line.split(" #")[0].split():
            self.leave(line)
            return ""
        done = self.type(line, also)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def leave(self, line: str) -> subprocess.Popen[bytes]:
        """Run a line beside what follows."""
        command = self._filled(line).split(" #")[0].strip().removesuffix("&")
        with (self.folder / f"{len([*self.folder.glob('*.said')])}.said").open("wb") as said:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._serving.append(process)
        return process

    def wait_for(self, what: Callable[[], Any], seconds: float = 90) -> Any:
        """What this gives as soon as it is true."""
        until = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < until, self.said()
            assert self.are_serving(), self.said()
            time.sleep(0.3)
        return found

    def wait_for_port(self, port: int) -> None:
        self.wait_for(lambda: listens(port))

    def are_serving(self) -> bool:
        return all(process.poll() is None for process in self._serving)

    def said(self) -> str:
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.said")))

    def end(self, process: subprocess.Popen[bytes]) -> None:
        end(process)
        self._serving.remove(process)

    def close(self) -> None:
        for process in [*reversed(self._serving)]:
            self.end(process)


def has_parent(terminal: Terminal, client_id: str = "vendor", client_secret: str = "its-secret") -> None:
    """The file that `greenlight parent` reads."""
    file = terminal.folder / "parent.json"
    file.write_text(f'{{"client_id": "{client_id}", "client_secret": "{client_secret}"}}')
    file.chmod(0o600)
