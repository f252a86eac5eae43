"""Secrets in a file: sealed under a passphrase, never in clear on disk.

One JSON object: `schema`, `salt` (base64) and `sealed`, a Fernet token under scrypt(passphrase, salt).
"""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from cli.errors import CannotRun
from greenlight.private import write_whole

SCHEMA = "greenlight.keys/1"
#: Enough that nobody guesses it at leisure, with the file in hand.
MIN_PASSPHRASE = 20
#: 10,000 customers take about 5 MB.
_MOST_BYTES = 100_000_000
#: Random bytes, so that the same passphrase seals two files with two keys.
_SALT_BYTES = 16


def write_sealed(file: Path, content: Any, passphrase: str, *, replace: bool = False) -> None:
    """Write JSON content, readable by its owner alone and durable on return. Raises CannotRun, and then wrote nothing.

    A file that is there already is left alone unless `replace`, which swaps it in one step.
    """
    if file.exists() and not replace:
        raise CannotRun(f"{file} exists already", "name a new file")
    salt = secrets.token_bytes(_SALT_BYTES)
    token = Fernet(_key(passphrase, salt)).encrypt(json.dumps(content).encode())
    document = {"schema": SCHEMA, "salt": base64.b64encode(salt).decode(), "sealed": token.decode()}

    def can_be_read_again(part: Path) -> None:
        if read_sealed(part, passphrase) != content:
            raise CannotRun(f"{file}: what was written cannot be read again; is the disk in order?")

    try:
        write_whole(file, json.dumps(document).encode("ascii"), replace=replace, check=can_be_read_again)
    except OSError as error:
        raise CannotRun(f"{file}: {error.strerror or 'cannot be written'}") from None


def read_sealed(file: Path, passphrase: str) -> Any:
    """The content of a sealed file. Raises CannotRun, whose text quotes nothing of it."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CannotRun(f"{file}: {error.strerror or 'cannot be read'}") from None
    try:
        if len(text) > _MOST_BYTES:
            raise ValueError
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError
        salt, token = base64.b64decode(document["salt"], validate=True), document["sealed"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CannotRun(f"{file} is not a file of `greenlight keys export`") from None
    try:
        return json.loads(Fernet(_key(passphrase, salt)).decrypt(token))
    except (InvalidToken, ValueError):
        raise CannotRun(f"{file} cannot be opened: another passphrase, or the file was changed") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    # About 0.1 s and 64 MB a guess.
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=2**16, r=8, p=1, maxmem=2**27, dklen=32)
    return base64.urlsafe_b64encode(key)
