"""`keys export` and `keys restore`: all blocks in one sealed file, as a backup and to change Prefect's key."""

import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import CannotRun
from cli.quiet import quiet_prefect
from cli.render import console_for_people, plain, print_json
from cli.sealed import MIN_PASSPHRASE, SCHEMA, read_sealed, write_sealed
from greenlight.setting_values import secret_in

if TYPE_CHECKING:
    from blocks.backup import BlockCopy, Restored

PASSPHRASE = "GREENLIGHT_KEYS_PASSPHRASE"  # noqa: S105 - a variable's name


def run_export(file: str, *, as_json: bool) -> int:
    """Read all of Greenlight's blocks and write them to a new file, sealed."""
    target = Path(file)
    if target.exists():
        raise CannotRun(f"{file} exists already", "name a new file")
    if not target.parent.is_dir():
        raise CannotRun(f"{target.parent}: no such folder")
    passphrase = _passphrase(twice=True)
    quiet_prefect()
    from blocks.backup import others, read_all

    async def read() -> "tuple[list[BlockCopy], int]":
        return await read_all(), await others()

    kept, foreign = asyncio.run(read())
    if not kept:
        raise CannotRun("Prefect holds no block of Greenlight's", "is PREFECT_API_URL the right server?")
    write_sealed(target, _content(kept), passphrase)
    counts = _counts(kept)
    if as_json:
        print_json(
            {"schema": SCHEMA, "command": "keys export", "file": file, "blocks": counts, "other_blocks": foreign}
        )
        return 0
    console = console_for_people()
    console.print(plain(f"{file} has {len(kept)} blocks: {', '.join(f'{n} {slug}' for slug, n in counts.items())}."))
    console.print(plain("It opens with this passphrase alone; keep the two apart."))
    if foreign:
        console.print(plain(f"{foreign} other blocks of this server, such as a notification's, are not in it."))
    return 0


def run_restore(file: str, *, as_json: bool) -> int:
    """Save the blocks of a sealed file again. What can be read on the server is left as it is."""
    source = Path(file)
    if not source.is_file():
        raise CannotRun(f"{file}: No such file")
    passphrase = _passphrase(twice=False)
    kept = _kept(read_sealed(source, passphrase), file)
    from blocks.backup import restore_all

    def keep_too(more: "Sequence[BlockCopy]") -> None:
        by_name = {(each.kind, each.name): each for each in [*kept, *more]}
        write_sealed(source, _content(list(by_name.values())), passphrase, replace=True)

    _show(asyncio.run(restore_all(kept, keep_too)), file, as_json)
    return 0


def _show(saved: "Restored", file: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "command": "keys restore",
                "file": file,
                "written": saved.written,
                "there_already": saved.there_already,
                "removed_unreadable": saved.removed,
                "left_newer": [{"type": each.kind, "name": each.name} for each in saved.newer],
            }
        )
        return
    console = console_for_people()
    console.print(
        plain(
            f"{saved.written} blocks written, {saved.there_already} there already"
            + (f", in place of {saved.removed} that could not be read." if saved.removed else ".")
        )
    )
    if saved.newer:
        names = ", ".join(f"{each.kind}/{each.name}" for each in saved.newer[:10])
        more = f" and {len(saved.newer) - 10} more" if len(saved.newer) > 10 else ""
        console.print(plain(f"Left as they are, since they hold something else than the file: {names}{more}."))
    console.print(plain("Whether they work: greenlight doctor"))


def _passphrase(*, twice: bool) -> str:
    """From the environment or the file that it names, typed, or standard input's first line; never an argument."""
    given, file = os.environ.get(PASSPHRASE), os.environ.get(f"{PASSPHRASE}_FILE")
    if given is not None and file is not None:
        raise CannotRun(f"{PASSPHRASE} and {PASSPHRASE}_FILE are both given; keep one of them")
    if file is not None:
        try:
            given = secret_in(file)
        except ValueError as error:
            raise CannotRun(f"{PASSPHRASE} {error}") from None
    elif given is None and sys.stdin.isatty():
        given = getpass.getpass("passphrase: ")
        if twice and getpass.getpass("the same again: ") != given:
            raise CannotRun("the two passphrases differ; nothing was written")
    elif given is None:
        given = sys.stdin.readline().rstrip("\r\n")
    if len(given) < MIN_PASSPHRASE:
        raise CannotRun(
            f"the passphrase needs {MIN_PASSPHRASE} characters or more: {PASSPHRASE}, the file of {PASSPHRASE}_FILE, "
            "or the first line of standard input; one can be made with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return given


def _content(kept: "Sequence[BlockCopy]") -> Any:
    blocks = [{"type": each.kind, "name": each.name, "data": each.data} for each in kept]
    return {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "blocks": blocks}


def _kept(content: Any, file: str) -> "list[BlockCopy]":
    quiet_prefect()
    from blocks.backup import KINDS, BlockCopy

    try:
        kept = [BlockCopy(each["type"], each["name"], dict(each["data"])) for each in content["blocks"]]
        unknown = {each.kind for each in kept} - KINDS.keys()
    except (KeyError, TypeError, ValueError):
        raise CannotRun(f"{file} is not a file of `greenlight keys export`") from None
    if unknown:
        raise CannotRun(f"{file} has blocks of a type that this version does not know: {', '.join(sorted(unknown))}")
    return kept


def _counts(kept: "Sequence[BlockCopy]") -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in kept:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    return counts
