"""Everything a fresh clone needs, with nothing but a Python: `python3 dev.py demo`, `python3 dev.py test`."""

import argparse
import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

OLDEST, TOO_NEW = (3, 11), (3, 15)


def refusal(version):
    """The sentence for a Python that cannot run this project, or nothing."""
    if OLDEST <= tuple(version[:2]) < TOO_NEW:
        return ""
    have = ".".join(str(part) for part in version[:2])
    return f"greenlight needs Python 3.11 to 3.14, and this is Python {have}: start dev.py with another one."


# Said before the rest is read: an older Python can parse what follows, but not run its annotations.
if __name__ == "__main__" and refusal(sys.version_info):
    sys.exit(refusal(sys.version_info))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
TOOLS = ROOT / ".tools"
LOCK = ROOT / "requirements.lock"
# Both locks, and what is in each beside the dependencies; the image's has none of the tools.
LOCKS = {
    LOCK: ("--group", "dev"),
    ROOT / "deployments" / "requirements.lock": ("--extra=xlsx", "--extra=redis", "--group", "build", "-c", str(LOCK)),
}
STAMP = VENV / ".stamp"
# The one version whose way of writing the lock is the one in the repository.
UV = "uv==0.13.9"
# Inside an activated .venv this is the Python it was made from: the .venv must never be remade from itself.
PYTHON = getattr(sys, "_base_executable", None) or sys.executable

#: A file's tests share servers and stay together; in the order of the files, since the short ones are the last.
SIDE_BY_SIDE = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]

COMMANDS = """\
commands:
  setup              make .venv from requirements.lock, and again when that has changed
  demo [ARGS...]     the whole story against a sandbox on this machine (greenlight demo ARGS...)
  test [--all]       a sample of all tests, in minutes (--seed=new or N: another), or all, in an hour
  test ARGS...       pytest ARGS... in one process
  check              formatting, lint, types, layers, generated docs, lock: a line for each
  docs               the documentation as a site, in site/index.html
  mutate [WORDS...]  take the guards out one by one: does each one's test fall?
  lock               write requirements.lock again after a change of the dependencies in pyproject.toml
  run COMMAND...     anything inside .venv, as in: python3 dev.py run greenlight status

Every command but lock does the setup first where it is needed. DEV_NO_UV=1 installs with pip alone.
"""


class SetupError(Exception):
    """What cannot be done here, said in one sentence."""


def say(text: str) -> None:
    sys.stderr.write(text.rstrip() + "\n")
    sys.stderr.flush()


def environment() -> dict[str, str]:
    """The user's own, with .venv first."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    # uv trusts whom the machine trusts, as behind a company's proxy, and never fetches an interpreter.
    uv = {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1"), "UV_PYTHON_DOWNLOADS": "never"}
    return {**os.environ, **uv, "PATH": path, "VIRTUAL_ENV": str(VENV)}


def attempt(*command: str | Path) -> str | None:
    """Runs a command without a word; all it said where it failed, and nothing where it did not."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: S603 - the words are written in this file
            words,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return f"{words[0]}: {error}"
    return None if done.returncode == 0 else done.stdout.strip() or f"{words[0]} ended with {done.returncode}"


def become(words: list[str]) -> int:
    """Hand the terminal over, so that signals and the exit code are the command's own."""
    program = shutil.which(words[0], path=environment()["PATH"])
    if program is None:
        raise SetupError(f"There is no command {words[0]} in .venv or on the PATH.")
    if os.name != "nt":
        os.execve(program, words, environment())  # noqa: S606 - as the user typed it
    return subprocess.call([program, *words[1:]], env=environment())  # noqa: S603 - as the user typed it


def fingerprint(lock: Path = LOCK, project: Path = ROOT / "pyproject.toml", python: str = PYTHON) -> str:
    """What .venv was made from; its own place counts, because the scripts inside name it."""
    digest = hashlib.sha256()
    for part in (lock.read_bytes(), project.read_bytes(), os.path.realpath(python), sys.version, str(VENV)):
        digest.update(hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest())
    return digest.hexdigest()


def is_ready() -> bool:
    return VENV_PYTHON.exists() and STAMP.is_file() and STAMP.read_text() == fingerprint()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two terminals may start at once: the second waits, and then finds the work done."""
    TOOLS.mkdir(exist_ok=True)
    with open(TOOLS / "setup.lock", "w") as handle:
        if fcntl:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def find_uv() -> str | None:
    """uv from the PATH, or fetched beside the project, or none where pip has to do."""
    if os.environ.get("DEV_NO_UV", "") not in ("", "0"):
        return None
    fetched = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    # Asked for its version, because a version manager's stand-in may be on the PATH without a uv behind it.
    for candidate in (shutil.which("uv"), fetched):
        if candidate and not attempt(candidate, "--version"):
            return str(candidate)
    say("fetching uv ...")
    # A folder of our own is allowed even where a distribution guards its Python against pip.
    attempt(PYTHON, "-m", "pip", "install", "--quiet", "--upgrade", "--target", TOOLS, UV)
    return None if attempt(fetched, "--version") else str(fetched)


def install(*steps: tuple[str | Path, ...]) -> str | None:
    """Runs the steps up to the first that fails, and tells what that one said."""
    return next(filter(None, (attempt(*step) for step in steps)), None)


def remove_venv() -> None:
    """By hand, because uv clears no half-made folder."""
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)


def install_with_uv(uv: str) -> str | None:
    remove_venv()
    into = ("--python", VENV_PYTHON)
    # Where Python may not keep bytecode, every later start would compile Prefect anew.
    compiled = ["--compile-bytecode"] if os.environ.get("PYTHONDONTWRITEBYTECODE") else []
    return install(
        (uv, "venv", "--python", PYTHON, VENV),
        (uv, "pip", "sync", *into, *compiled, "--require-hashes", LOCK),
        (uv, "pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", ROOT),
    )


def install_with_pip() -> str | None:
    if importlib.util.find_spec("ensurepip") is None:
        return f"{PYTHON} has no ensurepip: install your system's python3-venv package, or uv."
    remove_venv()
    pip = (VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    return install(
        (PYTHON, "-m", "venv", VENV),
        (*pip, "--require-hashes", "--requirement", LOCK),
        (*pip, "--no-build-isolation", "--editable", ROOT),
    )


def setup() -> None:
    if is_ready():
        return
    with alone():
        if is_ready():
            return
        # Gone first: a run that is stopped half-way must not leave a finished look behind.
        STAMP.unlink(missing_ok=True)
        uv = find_uv()
        failure = None
        if uv:
            say("installing the locked packages into .venv with uv ...")
            failure = install_with_uv(uv)
            if failure:
                say("uv could not do it; trying pip, which may know another package index ...")
        if not uv or failure:
            say("installing the locked packages into .venv with pip (about a minute) ...")
            pip_failure = install_with_pip()
            if pip_failure:
                raise SetupError("\n".join(["The setup failed.", *filter(None, (failure, pip_failure))]))
        STAMP.write_text(fingerprint())
        say(".venv is ready.")


def compile_locks(targets: dict[Path, Path]) -> str | None:
    """Writes each lock into its target; the pins already there stay where they still fit."""
    uv = find_uv()
    if uv is None:
        raise SetupError("The lock is uv's work, which is not on the PATH and was not fetched.")
    style = ("--quiet", "--generate-hashes", "--no-header", "--no-annotate")
    compile = (uv, "pip", "compile", "--universal", "--python-version", "3.11", "--python", PYTHON)
    tries = (attempt(*compile, *style, *LOCKS[lock], "-o", targets[lock], "pyproject.toml") for lock in LOCKS)
    return next(filter(None, tries), None)


def check_lock() -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        again = {lock: Path(folder) / f"{number}.lock" for number, lock in enumerate(LOCKS)}
        for lock, copy in again.items():
            shutil.copyfile(lock, copy)
        failure = compile_locks(again)
        if failure is None and any(copy.read_bytes() != lock.read_bytes() for lock, copy in again.items()):
            return "a requirements.lock does not follow from pyproject.toml: run `python3 dev.py lock`."
        return failure


def verdict(name: str, step: Callable[[], str | None]) -> bool:
    """Says how one check went; one that cannot be made here is no failure."""
    try:
        failure = step()
    except SetupError as reason:
        failure, word = None, f"skipped: {reason}"
    else:
        word = f"FAILED\n{failure}" if failure else "ok"
    say(f"{name:<8} {word}")
    return not failure


def check() -> int:
    steps: dict[str, Callable[[], str | None]] = {
        "format": lambda: attempt(BIN / "ruff", "format", "--check", "."),
        "lint": lambda: attempt(BIN / "ruff", "check", "."),
        "types": lambda: attempt(BIN / "basedpyright", "--pythonpath", VENV_PYTHON),
        "layers": lambda: attempt(BIN / "lint-imports", "--no-logo"),
        "docs": lambda: attempt(VENV_PYTHON, ROOT / "docs" / "reference.py", "--check"),
        "lock": check_lock,
    }
    return 1 if [name for name, step in steps.items() if not verdict(name, step)] else 0


def wanted_tests(words: list[str]) -> list[str]:
    """What pytest is told: where nothing is named, that a sample is wanted, unless --all takes that back."""
    return [*SIDE_BY_SIDE, "--sample", *words] if all(w.startswith(("--all", "--seed=")) for w in words) else words


def main(arguments: list[str]) -> int:
    as_written = argparse.RawDescriptionHelpFormatter
    names = ("setup", "demo", "test", "check", "docs", "mutate", "lock", "run")
    parser = argparse.ArgumentParser("dev.py", "%(prog)s COMMAND ...", __doc__, COMMANDS, formatter_class=as_written)
    parser.add_argument("command", choices=names, help=argparse.SUPPRESS)
    if not arguments:
        parser.print_help()
        return 0
    # Only the first word is ours: `dev.py test --help` is a question to pytest.
    command, rest = parser.parse_args(arguments[:1]).command, arguments[1:]
    if command in ("setup", "check", "lock") and rest:
        parser.parse_args(rest if rest[0] in ("-h", "--help") else arguments)
    if command == "run" and not rest:
        parser.error("run needs the command to run")
    if command == "lock":
        failure = compile_locks({lock: lock for lock in LOCKS})
        say(f"{failure}\nThe locks are not written." if failure else "The locks are written.")
        return 1 if failure else 0
    setup()
    if command in ("setup", "check"):
        return check() if command == "check" else 0
    if command != "run":
        os.chdir(ROOT)
    programs = {"demo": ["greenlight", "demo"], "docs": ["mkdocs", "build"], "mutate": ["python", "-m", "tests.mutate"]}
    words = ["python", "-m", "pytest", *wanted_tests(rest)]
    return become(words if command == "test" else [*programs.get(command, ()), *rest])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as trouble:
        sys.exit(str(trouble))
    except KeyboardInterrupt:
        sys.exit(130)
