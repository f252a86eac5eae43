"""Every test of the settings begins without any: no variable of ours, and a folder without a `.env`."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.upper().startswith("GREENLIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
