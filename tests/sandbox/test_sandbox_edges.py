"""Over real HTTP: right answers in other dress, and pages of whoever stands in between."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sandbox.app import create_app
from sandbox.edges import Variation
from sandbox.faults import Fault
from sandbox.server import serving
from sandbox.world import Parent, World, WorldError, parse_world
from tests.sandbox.partner import AWLI, NOWHERE, SECRET, Partner, by_key, read_key, small_world

DENIED = "<!DOCTYPE html><title>Access Denied</title><h1>Access Denied</h1><p>Reference 18.2f.1</p>\n"
OPERATIONS = ("token", "verify", "enable")
PAGES = [200, 400, 401, 403, 404, 405, 407, 451, 502, 999]


@asynccontextmanager
async def served(*faults: Fault, **settings: Any) -> AsyncIterator[Partner]:
    app = create_app(small_world(*faults, **settings))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
        yield Partner(http, app.state.sandbox)


async def send(partner: Partner, operation: str) -> httpx.Response:
    if operation != "token" and not partner.token:
        await partner.log_in()
    return await {"token": partner.ask_token, "verify": partner.verify, "enable": partner.enable}[operation]()


async def raw(partner: Partner) -> tuple[httpx.Headers, bytes]:
    """A verify as it came over the wire, though no compression was asked for."""
    headers = partner.bearer | {"Accept-Encoding": "identity"}
    query = {f"ids[0].{name}": value for name, value in _parts(AWLI)}
    async with partner.http.stream("GET", "/v2/atsIntegrations", params=query, headers=headers) as answer:
        return answer.headers, b"".join([part async for part in answer.aiter_raw()])


def _parts(key: tuple[str, str, str, str]) -> list[tuple[str, str]]:
    return list(zip(("integrationContext", "integrationType", "tenantType", "dataProvider"), key, strict=True))


def varied(*how: Variation, on: str = "verify", **more: Any) -> Fault:
    return Fault.model_validate({"on": on, "fault": "varied", "how": how, "times": None, **more})


class TestVariations:
    @pytest.mark.parametrize("as_fault", [True, False])
    @pytest.mark.parametrize(
        ("how", "coding", "decode"),
        [
            ("gzip", "gzip", gzip.decompress),
            ("deflate", "deflate", zlib.decompress),
            ("raw_deflate", "deflate", lambda body: zlib.decompress(body, -zlib.MAX_WBITS)),
            ("bom", None, lambda body: body.removeprefix(b"\xef\xbb\xbf")),
            ("content_type", None, bytes),
            ("header_case", None, bytes),
        ],
    )
    async def test_of_the_whole_body(self, how: Variation, coding: str | None, decode: Any, as_fault: bool) -> None:
        settings: dict[str, Any] = {} if as_fault else {"answers_varied": [how]}
        async with served(*([varied(how)] if as_fault else []), **settings) as partner:
            await partner.log_in()
            headers, body = await raw(partner)
            assert headers.get("content-encoding") == coding
            assert body != decode(body) or coding is None
            assert by_key(json.loads(decode(body))["results"]) == {AWLI: {"onboardingStatus": "REQUESTED"}}
            assert body.startswith(b"\xef\xbb\xbf") == (how == "bom")
            assert (b"Content-Length" in dict(headers.raw)) == (how == "header_case")
            kind = headers["content-type"]
            assert kind == ("Application/JSON; Charset=UTF-8" if how == "content_type" else "application/json")

    async def test_two_codings_one_on_the_other(self) -> None:
        async with served(varied("deflate", "gzip")) as partner:
            await partner.log_in()
            headers, body = await raw(partner)
            assert headers["content-encoding"] == "deflate, gzip"
            assert json.loads(zlib.decompress(gzip.decompress(body)))["errors"] == {}

    async def test_a_bomb_is_small_on_the_wire(self) -> None:
        async with served(varied("gzip", bytes=20_000_000)) as partner:
            await partner.log_in()
            _, body = await raw(partner)
            assert len(body) < 30_000
            assert len(gzip.decompress(body)) == 20_000_000

    @pytest.mark.parametrize("operation", ["verify", "enable"])
    @pytest.mark.parametrize(("how", "shown"), [("null_errors", None), ("no_errors", "absent"), ("statuses", {})])
    async def test_of_the_maps(self, how: Variation, shown: Any, operation: str) -> None:
        async with served(varied(how, on=operation)) as partner:
            body = (await send(partner, operation)).json()
            assert body.get("errors", "absent") == shown
            code = 200 if operation == "verify" else 204
            statuses = {read_key(text): value for text, value in body.get("statuses", {}).items()}
            assert statuses == ({AWLI: code} if how == "statuses" else {})
            assert body["results"].keys() == body["statuses"].keys() if how == "statuses" else True
            assert list(by_key(body["results"])) == [AWLI]

    @pytest.mark.parametrize("how", ["null_errors", "no_errors"])
    async def test_what_stands_in_errors_stays_there(self, how: Variation) -> None:
        fault = Fault(on="enable", fault="no_record", place="errors")
        async with served(fault, answers_varied=[how]) as partner:
            await partner.log_in()
            assert by_key((await partner.enable(NOWHERE)).json()["errors"])[NOWHERE]["status"] == 404

    @pytest.mark.parametrize("expires_in", [0, None, 1_800_000, "1800", "absent"])
    async def test_a_token_of_unknown_life_is_a_good_token(self, expires_in: Any) -> None:
        odd = {"fault": "no_expiry"} if expires_in == "absent" else {"fault": "bad_expiry", "expires_in": expires_in}
        async with served(Fault.model_validate({"on": "token", **odd})) as partner:
            token = (await partner.ask_token()).json()
            assert token.get("expires_in", "absent") == expires_in
            partner.token = token["access_token"]
            assert (await partner.verify()).status_code == 200
            assert (await partner.enable()).status_code == 200
            assert (partner.status(), partner.rules) == ("ENABLED", [])

    async def test_a_careful_day_in_every_dress_leaves_no_violation(self) -> None:
        how = ["gzip", "statuses", "null_errors", "header_case", "content_type"]
        async with served(answers_varied=how, server="edge") as partner:
            await partner.log_in()
            for operation in ("verify", "enable", "verify"):
                answer = await send(partner, operation)
                assert (answer.status_code, answer.headers["server"]) == (200, "edge")
            assert (partner.status(), partner.rules) == ("ENABLED", [])

    async def test_provisioning_is_dressed_too(self) -> None:
        parent = Parent(client_id="parent", client_secret=SECRET)
        world = World(parents=[parent], answers_varied=["gzip"])
        app = create_app(world.model_copy(update={"parents": [parent]}))
        app.state.sandbox.set_faults("parent", [Fault(on="create", fault="varied", how=["bom"])])
        async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=5, verify=False) as http:
            form = {"grant_type": "client_credentials", "client_id": "parent", "client_secret": SECRET}
            token = (await http.post("/oauth/v2/accessToken", data=form)).json()["access_token"]
            body = {"uniqueForeignId": "u", "name": "n", "description": "d"}
            for status in (201, 409):
                headers = {"Authorization": f"Bearer {token}"}
                answer = await http.post("/v2/provisionedApplications", json=body, headers=headers)
                assert (answer.status_code, answer.headers["content-encoding"]) == (status, "gzip")
            assert [one.rule for one in app.state.sandbox.violations] == ["created_again"]

    async def test_what_arrives_in_part_is_left_as_it_is(self) -> None:
        faults = Fault(on="verify", fault="empty"), Fault(on="verify", fault="truncated", after=1)
        async with served(*faults, answers_varied=["gzip", "header_case"]) as partner:
            await partner.log_in()
            empty = await partner.verify()
            assert (empty.content, empty.headers.get("content-encoding")) == (b"", None)
            with pytest.raises(httpx.RemoteProtocolError):
                await partner.verify()

    def test_it_is_part_of_a_world_that_is_written_down(self) -> None:
        world = small_world(varied("gzip", bytes=99), server="edge/1.0 (x)", answers_varied=["bom"])
        assert parse_world(json.loads(world.model_dump_json())) == world

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"on": "verify", "fault": "varied"}, "needs 'how'"),
            ({"on": "verify", "fault": "varied", "how": []}, "at least 1"),
            ({"on": "verify", "fault": "varied", "how": ["brotli"]}, "'gzip', 'deflate'"),
            ({"on": "verify", "fault": "html", "server": "a\r\nb"}, "pattern"),
            ({"on": "verify", "fault": "html", "status": 1000}, "less than or equal to 999"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, parameters: dict[str, Any], words: str) -> None:
        with pytest.raises(ValidationError, match=words):
            Fault.model_validate(parameters)
        with pytest.raises(WorldError):
            parse_world({"server": "a\nb"})


class TestPages:
    @pytest.mark.parametrize("operation", OPERATIONS)
    @pytest.mark.parametrize("status", PAGES)
    async def test_a_page_with_any_status(self, operation: str, status: int) -> None:
        page = {"on": operation, "fault": "html", "status": status, "server": "gateway", "body": DENIED}
        async with served(Fault.model_validate({**page, "content_type": "text/html"})) as partner:
            answer = await send(partner, operation)
            assert (answer.status_code, answer.text) == (status, DENIED)
            assert (answer.headers["server"], answer.headers["content-type"]) == ("gateway", "text/html")
            assert partner.sandbox.log[-1].status == status
            assert partner.status() == "REQUESTED"

    async def test_by_default_no_server_is_named(self) -> None:
        async with served(Fault(on="verify", fault="html")) as partner:
            await partner.log_in()
            answer = await partner.verify()
            assert "server" not in answer.headers
            assert "Something went wrong" in answer.text

    async def test_a_page_with_a_401_leaves_the_token_alone(self) -> None:
        """Only the API's own 401 says that a token is dead; whoever goes on with it breaks no rule."""
        async with served(
            Fault(on="verify", fault="html", status=401), Fault(on="verify", fault="status", status=401, after=2)
        ) as partner:
            await partner.log_in()
            assert [(await partner.verify()).status_code for _ in range(3)] == [401, 200, 401]
            assert partner.rules == []
            await partner.verify()
            assert partner.rules == ["token_after_401"]

    async def test_an_enable_behind_a_page_may_have_happened(self) -> None:
        for status in PAGES:
            async with served(Fault(on="enable", fault="html", status=status)) as partner:
                await partner.log_in()
                await partner.verify()
                await partner.enable()
                await partner.enable()
                assert partner.rules == ["enable_repeated_blind"]
