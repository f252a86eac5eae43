"""The way out: a proxy, a CA of one's own, and a sentence of its own for each step that can fail."""

import asyncio
import base64
import ssl
from pathlib import Path

import pytest

from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation, Status
from greenlight.domain.way import Way
from greenlight.linkedin.calls import Calls
from greenlight.linkedin.errors import LinkedInError, Refused
from greenlight.linkedin.integrations import Enabler
from greenlight.linkedin.oauth import RequestCounts, Tokens
from greenlight.linkedin.transport import NoAnswer
from tests.linkedin.networks import certificates, proxying, serving_context
from tests.linkedin.raw_server import TOKEN_ANSWER, a_wire, answer, listening
from tests.linkedin.stage import ACME, AWLI, OWN, SECRET, body_of

HOST = "api.linkedin.test"
REQUESTED = body_of(results={OWN: {"onboardingStatus": "REQUESTED"}})


async def linkedin(request: bytes) -> tuple[bytes, bool]:
    return answer(TOKEN_ANSWER if b"/oauth/" in request else REQUESTED), True


async def failure(way: Way, url: str = f"https://{HOST}/v2", seconds: float = 3) -> NoAnswer:
    async with a_wire(seconds, way) as wire:
        with pytest.raises(NoAnswer) as caught:
            await wire.exchange("GET", url, headers={"Authorization": "Bearer t0ken"})
    told = str(caught.value)
    assert told.isprintable()
    assert not any(secret in told for secret in ("t0ken", "s3cret", "/v2"))
    return caught.value


async def look(way: Way, base: str = f"https://{HOST}") -> object:
    async with a_wire(3, way) as wire:
        counts = RequestCounts()
        enabler = Enabler(Calls(wire, Tokens(wire, f"{base}/oauth/v2/accessToken", counts), counts), base)
        return (await enabler.verify(ACME, [AWLI]))[AWLI]


async def test_through_a_proxy_and_under_a_ca_of_the_companys_own(tmp_path: Path) -> None:
    """The name is the proxy's to resolve; it sees a host, and neither a secret nor a token."""
    ca, server_file = certificates(tmp_path, HOST)
    async with listening(linkedin, serving_context(server_file)) as server, proxying(server.port) as proxy:
        way = Way(proxy.url.replace("//", "//me:s3c%2Fret@"), ca_file=str(ca))
        assert await look(way) == Observation(Status.REQUESTED)
        credentials = base64.b64encode(b"me:s3c/ret").decode()
        for head in proxy.heads:
            assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")
            assert f": Basic {credentials}\r\n" in head
            assert not any(secret in head for secret in (SECRET, "raw-t0ken", "Bearer"))
        for request in server.requests:
            assert b"proxy-authorization" not in request.lower()


@pytest.mark.parametrize("no_proxy", [(), ("127.0.0.1",), ("*",)])
async def test_loopback_is_never_asked_through_it(no_proxy: tuple[str, ...]) -> None:
    async with listening(linkedin) as server, proxying(server.port) as proxy:
        assert await look(Way(proxy.url, no_proxy), server.url) == Observation(Status.REQUESTED)
        assert proxy.heads == []


async def test_past_the_proxy_where_the_settings_say_so() -> None:
    async with proxying(9) as proxy:
        found = await failure(Way(proxy.url, ("invalid",)), "https://linkedin.invalid/v2")
        assert "linkedin.invalid" in str(found)
        assert proxy.heads == []


async def test_a_ca_of_ones_own_is_trusted_beside_the_public_ones(tmp_path: Path) -> None:
    ca, server_file = certificates(tmp_path, "127.0.0.1")
    async with listening(linkedin, serving_context(server_file)) as server:
        assert await look(Way(ca_file=str(ca)), server.url) == Observation(Status.REQUESTED)


async def test_each_step_that_fails_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    """Ten ways in which a network can be cut, ten sentences; each names the host that it is about."""
    said: dict[str, str] = {}

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)
        writer.close()

    async def eager(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def cut(_: bytes) -> tuple[bytes, bool]:
        return b"", False

    async def half(_: bytes) -> tuple[bytes, bool]:
        return answer(b"{}")[:-1], False

    async def smtp(_: bytes) -> tuple[bytes, bool]:
        return b"220 mail ready\r\n\r\n", False

    (tmp_path / "old").mkdir()
    (tmp_path / "other").mkdir()
    ca, server_file = certificates(tmp_path, HOST, "127.0.0.1")
    old_ca, old = certificates(tmp_path / "old", "127.0.0.1", days_ago=30)
    other_ca, other = certificates(tmp_path / "other", "login.corp")
    said["name"] = str(await failure(Way(), "https://no-such-name.invalid/v2"))
    async with listening(linkedin) as plain:
        pass
    said["refused"] = str(await failure(Way(), plain.url + "/v2"))
    said["proxy refused"] = str(await failure(Way(plain.url)))
    async with listening(linkedin, serving_context(server_file)) as server:
        said["not trusted"] = str(await failure(Way(), server.url + "/v2"))
        async with proxying(server.port, "407 Proxy Authentication Required") as proxy:
            said["407"] = str(await failure(Way(proxy.url, ca_file=str(ca))))
        async with proxying(server.port, "403 Forbidden") as proxy:
            said["proxy's no"] = str(await failure(Way(proxy.url, ca_file=str(ca))))
    async with listening(linkedin, serving_context(old)) as server:
        said["out of date"] = str(await failure(Way(ca_file=str(old_ca)), server.url + "/v2"))
    async with listening(linkedin, serving_context(other)) as server:
        said["another's"] = str(await failure(Way(ca_file=str(other_ca)), server.url + "/v2"))
    async with listening(cut) as server:
        said["cut"] = str(await failure(Way(), server.url + "/v2"))
    async with listening(half) as server:
        said["half"] = str(await failure(Way(), server.url + "/v2"))
    async with listening(smtp) as server:
        said["not HTTP"] = str(await failure(Way(), server.url + "/v2"))
    talker = await asyncio.start_server(eager, "127.0.0.1", 0)
    port = talker.sockets[0].getsockname()[1]
    said["speaks no TLS"] = str(await failure(Way(), f"https://127.0.0.1:{port}/v2"))
    talker.close()
    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    said["slow handshake"] = str(await failure(Way(), f"https://127.0.0.1:{port}/v2", seconds=0.3))
    said["no answer"] = str(await failure(Way(), f"http://127.0.0.1:{port}/v2", seconds=0.3))
    listener.close()
    assert len(set(said.values())) == len(said), said
    for step, words in {
        "name": "the name no-such-name.invalid is not known here",
        "speaks no TLS": "no TLS with 127.0.0.1: no version of TLS in common, or what answers speaks none",
        "refused": f"no connection to 127.0.0.1:{plain.port}: refused",
        "proxy refused": f"no connection to the proxy 127.0.0.1:{plain.port}: refused",
        "not trusted": "the certificate shown for 127.0.0.1 is not trusted: unable to get local issuer certificate",
        "407": "the proxy asks for a user and a password, or for others (HTTP 407)",
        "proxy's no": "the proxy does not let this through (HTTP 403 Forbidden)",
        "out of date": "the certificate shown for 127.0.0.1 is not trusted: certificate has expired",
        "another's": "the certificate shown for 127.0.0.1 is not trusted: IP address mismatch",
        "cut": "the connection to 127.0.0.1 was closed before any answer",
        "half": "the answer of 127.0.0.1 was cut off",
        "not HTTP": "the answer of 127.0.0.1 is not HTTP",
        "slow handshake": "no connection to 127.0.0.1 in time",
        "no answer": "no answer within 0.3 s",
    }.items():
        assert said[step].startswith(words), (step, said[step])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_server_of_an_old_tls(tmp_path: Path) -> None:
    _, server_file = certificates(tmp_path, "127.0.0.1")
    context = serving_context(server_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listening(linkedin, context) as server:
        told = str(await failure(Way(), server.url + "/v2"))
    assert told == "no TLS with 127.0.0.1: closed in the handshake, maybe for its version of TLS"


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("407 Proxy Authentication Required", Reason.NOT_THE_API),
        ("403 Forbidden", Reason.NOT_THE_API),
        ("502 Bad Gateway", Reason.LINKEDIN_UNAVAILABLE),
    ],
)
async def test_a_proxys_no_is_not_linkedins(says: str, reason: Reason) -> None:
    async with proxying(9, says) as proxy:
        seen = await look(Way(proxy.url))
        assert isinstance(seen, Refused)
        assert (seen.reason, seen.worth_repeating) == (reason, True)
        assert (seen.detail or "").startswith("token endpoint: the proxy ")
        # Also where the token is had past the proxy.
        async with listening(linkedin) as server, a_wire(3, Way(proxy.url)) as wire:
            counts = RequestCounts()
            tokens = Tokens(wire, f"{server.url}/oauth/v2/accessToken", counts)
            with pytest.raises(LinkedInError) as caught:
                await Enabler(Calls(wire, tokens, counts), f"https://{HOST}").enable(ACME, AWLI, "Name")
        # It let nothing through, so nothing can have landed.
        assert isinstance(caught.value, Refused)
        assert caught.value.reason is reason
