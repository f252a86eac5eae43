"""The locks, everybody's and the image's: complete, hashed, and what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
TOOLS = [each for each in GROUPS["dev"] if isinstance(each, str)]
DIRECT = [*PROJECT["project"]["dependencies"], *GROUPS["build"], *TOOLS]
OF_THE_IMAGE = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"]["xlsx"],
    *PROJECT["project"]["optional-dependencies"]["redis"],
    *GROUPS["build"],
]
EVERYBODYS, IMAGES = "requirements.lock", "deployments/requirements.lock"
LOCKS = pytest.mark.parametrize("lock", [EVERYBODYS, IMAGES])


def entries(lock: str) -> list[str]:
    """One string for each pin, with its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: str) -> dict[str, str]:
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", entry) for entry in entries(lock)]
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


ASKED = [*((EVERYBODYS, wanted) for wanted in DIRECT), *((IMAGES, wanted) for wanted in OF_THE_IMAGE)]


@pytest.mark.parametrize(("lock", "wanted"), ASKED)
def test_every_direct_dependency_is_pinned_as_asked(lock: str, wanted: str) -> None:
    requirement = Requirement(wanted)
    version = pins(lock).get(canonicalize_name(requirement.name))
    assert version is not None, f"{wanted} is not locked: python3 dev.py lock"
    assert requirement.specifier.contains(version, prereleases=True)


def test_the_image_has_what_was_tested_and_none_of_the_tools() -> None:
    assert pins(IMAGES).items() <= pins(EVERYBODYS).items()
    tools = {canonicalize_name(Requirement(each).name) for each in TOOLS}
    wanted = {canonicalize_name(Requirement(each).name) for each in OF_THE_IMAGE}
    assert tools - wanted
    assert pins(IMAGES).keys() & (tools - wanted) == set()


@LOCKS
def test_every_pin_is_exact_and_carries_hashes(lock: str) -> None:
    loose = [entry[:80] for entry in entries(lock) if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)]
    assert loose == []


@LOCKS
def test_the_lock_says_nothing_of_where_packages_come_from(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index|--find-links|://", text)
