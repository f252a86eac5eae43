"""Every test of the settings begins without any: no variable of ours, and a folder without a `.env`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from greenlight.settings import Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.upper().startswith("GREENLIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load with exactly these variables."""

    def with_variables(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(f"GREENLIGHT_{name}", value)
        return load_settings()

    return with_variables
