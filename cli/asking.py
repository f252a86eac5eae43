"""Asking a person before what cannot be undone, on standard error: standard output is the command's own."""

import sys

from rich.console import Console

from cli.render import plain
from greenlight.errors import RefusedByRule


def confirm(question: str, *, alone: str, declined: str) -> None:
    """Return on a person's y. Raises RefusedByRule: `alone` without a terminal, `declined` on another answer."""
    if not sys.stdin.isatty():
        raise RefusedByRule(alone, "add --yes, or run it at a terminal")
    Console(stderr=True, emoji=False).print(plain(f"{question} [y/N] "), end="")
    if sys.stdin.readline().strip().lower() != "y":
        raise RefusedByRule(f"not confirmed: {declined}", "answer y, or add --yes")
