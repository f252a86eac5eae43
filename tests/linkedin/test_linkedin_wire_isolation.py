"""What one customer's request leaves behind for the next, and where a request may not be led."""

from pathlib import Path

import httpx
import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.errors import LinkedInError, Unclear
from tests.linkedin.raw_server import TOKEN_ANSWER, a_client, a_wire, answer, listening
from tests.linkedin.stage import ACME, AWLI, NAME, OWN, Stage, body_of

REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})
COOKIES = "set-cookie: bcookie=v2; Path=/; Max-Age=99999\r\nset-cookie: lidc=x; Domain=localhost\r\n"


async def baking(request: bytes) -> tuple[bytes, bool]:
    """LinkedIn, which sets cookies on every answer."""
    return answer(TOKEN_ANSWER if b"/oauth/" in request else REQUESTED, headers=COOKIES), True


async def test_cookies_are_neither_kept_nor_sent() -> None:
    # By name: a jar that keeps no cookies of bare addresses would pass for one that keeps none.
    async with listening(baking) as server, a_client(server.url.replace("127.0.0.1", "localhost")) as (enabler, _):
        for _ in range(2):
            assert await enabler.verify(ACME, [AWLI]) == {AWLI: Observation(Status.REQUESTED)}
        assert len(server.requests) == 3
        assert [b"cookie" in request.lower() for request in server.requests] == [False] * 3


async def test_cookies_are_not_kept_with_a_transport_of_the_tests_either() -> None:
    """httpx has a cookie jar of its own, above every transport."""
    stage = Stage()
    stage.look.mock(
        side_effect=lambda _: httpx.Response(200, content=REQUESTED, headers=[("set-cookie", "bcookie=v2; Path=/")])
    )
    await stage.verify()
    await stage.verify()
    assert ["cookie" in call.request.headers for call in stage.look.calls] == [False, False]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed_and_no_authorization_goes_elsewhere(status: str) -> None:
    async with listening(baking) as elsewhere:

        async def lead_away(request: bytes) -> tuple[bytes, bool]:
            if b"/oauth/" in request:
                return answer(TOKEN_ANSWER), True
            return answer(REQUESTED, status, f"location: {elsewhere.url}/v2/atsIntegrations\r\n"), True

        async with listening(lead_away) as server, a_client(server.url) as (enabler, _):
            [seen] = (await enabler.verify(ACME, [AWLI])).values()
            assert isinstance(seen, Unclear)
            assert seen.reason is Reason.NOT_THE_API
            assert f"leads to {elsewhere.url.removeprefix('http://')}" in (seen.detail or "")
            with pytest.raises(Unclear):
                await enabler.enable(ACME, AWLI, NAME)
            assert len(server.requests) == 3
        assert (elsewhere.connections, elsewhere.requests) == (0, [])


async def test_a_redirect_of_the_token_request_takes_the_secret_nowhere() -> None:
    async with listening(baking) as elsewhere:

        async def lead_away(_: bytes) -> tuple[bytes, bool]:
            return answer(TOKEN_ANSWER, "307 Temporary", f"location: {elsewhere.url}/oauth/v2/accessToken\r\n"), True

        async with listening(lead_away) as server, a_client(server.url) as (enabler, _):
            [seen] = (await enabler.verify(ACME, [AWLI])).values()
            assert isinstance(seen, LinkedInError)
            assert seen.reason is Reason.NOT_THE_API
            assert len(server.requests) == 1
        assert elsewhere.connections == 0


async def test_the_environments_proxies_and_passwords_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy in somebody's shell would read every secret; a .netrc would replace the bearer token."""
    async with listening(baking) as proxy, listening(baking) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password else\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        async with a_client(server.url) as (enabler, _):
            assert await enabler.verify(ACME, [AWLI]) == {AWLI: Observation(Status.REQUESTED)}
        assert (proxy.connections, len(server.requests)) == (0, 2)
        assert b"authorization" not in server.requests[0].lower()
        assert b"authorization: bearer raw-t0ken" in server.requests[1].lower()


async def test_an_answer_is_told_with_its_headers_whatever_their_case() -> None:
    async def throttled(_: bytes) -> tuple[bytes, bool]:
        return answer(b"{}", "429 Slow down", "RETRY-AFTER: 7\r\n"), True

    async with listening(throttled) as server, a_wire() as wire:
        got = await wire.exchange("GET", server.url)
        assert (got.status, got.headers.get("retry-after"), got.body) == (429, "7", b"{}")
