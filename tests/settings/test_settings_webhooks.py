"""Webhooks are signed or not sent: the receiver's address, and one secret or two."""

from base64 import b64encode
from pathlib import Path

import pytest

from greenlight.settings import InvalidSettings
from tests.settings.conftest import Load

URL = "https://hooks.ats.example/greenlight"
OLD, NEW = (f"whsec_{b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))


def test_none_is_no_webhooks(load: Load) -> None:
    for given in ({}, {"WEBHOOK_URL": "", "WEBHOOK_SECRET": ""}):
        settings = load(**given)
        assert (settings.webhook_url, settings.webhook_secrets) == (None, ())
    assert not settings.webhook_allow_internal


@pytest.mark.parametrize(("text", "secrets"), [(OLD, (OLD,)), (f"{NEW}, {OLD}", (NEW, OLD)), (f" {NEW} ,", (NEW,))])
def test_one_secret_or_two_the_newest_first(load: Load, text: str, secrets: tuple[str, ...]) -> None:
    settings = load(WEBHOOK_URL=URL, WEBHOOK_SECRET=text)
    assert settings.webhook_url == URL
    assert settings.webhook_secrets == secrets
    assert OLD not in repr(settings)


def test_they_may_stand_in_a_file(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"{NEW},{OLD}\n", encoding="utf-8")
    settings = load(WEBHOOK_URL=URL, WEBHOOK_SECRET_FILE=str(file))
    assert settings.webhook_secrets == (NEW, OLD)
    with pytest.raises(InvalidSettings, match="both given"):
        load(WEBHOOK_URL=URL, WEBHOOK_SECRET_FILE=str(file), WEBHOOK_SECRET=OLD)


BAD = [
    pytest.param({"WEBHOOK_URL": URL}, "WEBHOOK_URL", id="nothing is sent unsigned"),
    pytest.param({"WEBHOOK_SECRET": f"{NEW},{OLD},{OLD}"}, "WEBHOOK_SECRET", id="three secrets"),
    pytest.param({"WEBHOOK_SECRET": ","}, "WEBHOOK_SECRET", id="a comma alone"),
    pytest.param({"WEBHOOK_SECRET": OLD.removeprefix("whsec_")}, "WEBHOOK_SECRET", id="without its prefix"),
    pytest.param({"WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "WEBHOOK_SECRET", id="too short"),
    pytest.param({"WEBHOOK_SECRET": f"{OLD}!"}, "WEBHOOK_SECRET", id="no base64"),
    pytest.param(
        {"WEBHOOK_URL": "http://hooks.ats.example/", "WEBHOOK_SECRET": OLD}, "WEBHOOK_URL", id="in plain text"
    ),
    pytest.param({"WEBHOOK_URL": "hooks.ats.example", "WEBHOOK_SECRET": OLD}, "WEBHOOK_URL", id="no address"),
]


@pytest.mark.parametrize(("given", "variable"), BAD)
def test_what_cannot_be_used_is_refused(load: Load, given: dict[str, str], variable: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(**given)
    assert str(caught.value).startswith(f"GREENLIGHT_{variable} ")
    assert OLD.removeprefix("whsec_") not in str(caught.value)
