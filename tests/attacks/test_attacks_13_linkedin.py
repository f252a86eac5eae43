"""Attack 13: being led to another machine, by an address, by a redirect, or by the environment."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from flows.reconcile import reconcile
from flows.request import What
from greenlight.linkedin.oauth import Credentials, RequestCounts, Tokens
from greenlight.linkedin.transport import Wire
from greenlight.settings import InvalidSettings, load_settings
from sandbox.world import Fault
from tests.cli.conftest import Home
from tests.flows.fault_world import Case, import_file, world
from tests.linkedin.raw_server import TOKEN_ANSWER, answer, listening

ADDRESSES = {
    "plain http": "http://api.linkedin.com",
    "a file": "file:///etc/passwd",
    "a cloud's metadata service": "http://169.254.169.254/latest/meta-data",
    "the same inside IPv6": "http://[::ffff:169.254.169.254]",
    "one decimal number": "http://2130706433",
    "a user that looks like the host": "http://127.0.0.1@evil.example",
    "a user over https": "https://api.linkedin.com@evil.example",
    "a name that begins like loopback": "http://127.0.0.1.evil.example",
    "every interface": "http://0.0.0.0",
    "a private network": "http://10.0.0.1",
}


@pytest.mark.parametrize("variable", ["GREENLIGHT_LINKEDIN_API_URL", "GREENLIGHT_LINKEDIN_TOKEN_URL"])
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_attack_13_an_address_elsewhere_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    """The settings are the only source of addresses: https, or plain http to this very machine."""
    monkeypatch.setenv(variable, address)
    with pytest.raises(InvalidSettings, match=variable) as refused:
        load_settings()
    assert address not in str(refused.value)


def test_attack_13_nothing_is_sent_before_the_refusal(home: Home) -> None:
    """The command ends with a sentence; no server of Prefect's is started and no request is made."""
    done = home.run("apply", "--yes", GREENLIGHT_LINKEDIN_API_URL="http://169.254.169.254/")
    assert done.code == 1
    assert "GREENLIGHT_LINKEDIN_API_URL" in done.err
    assert not (home.folder / ".prefect").exists()


def _leading_to(url: str, on: str, status: int) -> tuple[Fault, ...]:
    return (Fault.model_validate({"on": on, "fault": "redirect", "status": status, "location": url, "times": None}),)


async def test_attack_13_no_redirect_is_followed_and_no_token_goes_elsewhere(town: Any) -> None:
    """A redirect to an inner address would carry the Authorization there; here it is an answer that says nothing."""

    async def elsewhere(_: bytes) -> tuple[bytes, bool]:
        return answer(TOKEN_ANSWER), True

    async with listening(elsewhere) as inner:
        cases = tuple(
            Case(
                f"by-{on}-{status}",
                "a redirect",
                ("failed", "", ""),
                _leading_to(inner.url, on, status),
            )
            for on in ("token", "verify", "enable")
            for status in (302, 307)
        )
        async with town(world(cases)) as there:
            await there.bring_in(import_file(cases))
            report = there.report(await reconcile(What.APPLY, return_state=True))
            assert {count["effective"] for count in there.enables().values()} == {0}
        assert (inner.connections, inner.requests) == (0, [])
    assert report.counts()["enabled"] == 0
    assert {item.condition.outcome.value for item in report.items} <= {"failed", "unknown"}


async def test_attack_13_the_environments_proxies_are_not_asked(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in somebody's shell would read every secret on its way."""

    async def proxy(_: bytes) -> tuple[bytes, bool]:
        return answer(json.dumps({"access_token": "stolen", "expires_in": 1800}).encode()), True

    cases = (Case("plain", "an ordinary customer", ("enabled", "ENABLED", "ENABLED")),)
    async with listening(proxy) as thief, town(world(cases)) as there:
        await there.bring_in(import_file(cases))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, thief.url)
            monkeypatch.setenv(name.lower(), thief.url)
        # Prefect's own client does ask the environment.
        monkeypatch.setenv("NO_PROXY", "127.0.0.1/api,localhost")
        settings = load_settings()
        wire = Wire(5)
        try:
            held = Credentials(cases[0].client_id, SecretStr(cases[0].secret))
            token = await Tokens(wire, settings.linkedin_token_url, RequestCounts()).get(held)
        finally:
            await wire.aclose()
        assert token in there.linkedin.tokens
        assert thief.connections == 0
