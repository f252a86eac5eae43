"""requirements.lock: complete, hashed, and what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DIRECT = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]


def entries() -> list[str]:
    """One string for each pin, with its hashes."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins() -> dict[str, str]:
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", entry) for entry in entries()]
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


@pytest.mark.parametrize("wanted", DIRECT)
def test_every_direct_dependency_is_pinned_as_asked(wanted: str) -> None:
    requirement = Requirement(wanted)
    version = pins().get(canonicalize_name(requirement.name))
    assert version is not None, f"{wanted} is not locked: python3 dev.py lock"
    assert requirement.specifier.contains(version, prereleases=True)


def test_every_pin_is_exact_and_carries_hashes() -> None:
    loose = [entry[:80] for entry in entries() if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)]
    assert loose == []


def test_the_lock_says_nothing_of_where_packages_come_from() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index|--find-links|://", text)
