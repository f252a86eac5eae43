"""LinkedIn's own Python client, which speaks Rest.li 2.0 alone, against the sandbox over real HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linkedin_api.clients.auth.client import AuthClient
from linkedin_api.clients.restli.client import RestliClient
from linkedin_api.clients.restli.utils.decoder import decode, reduced_decode
from linkedin_api.clients.restli.utils.encoder import encode, param_encode
from linkedin_api.common import constants

from sandbox.app import create_app
from sandbox.faults import Fault
from sandbox.keys import IncompleteKeyError, Key, KeySyntaxError, key_of_object, keys_of_list
from sandbox.server import serving_in_thread
from tests.sandbox.partner import AWLI, CSA, NOWHERE, PARTS, SECRET, small_world

TYPES = ["APPLY_WITH_LINKEDIN", "CSA_API"]
keys = st.builds(
    Key, st.text("abc%:,()'~é &=+", min_size=1, max_size=12), st.sampled_from(TYPES), st.just("JOBS"), st.just("ATS")
)


class Id(dict[str, str]):
    """A key as the client takes it; its batch_partial_update puts keys into a dict."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(tuple(sorted(self.items())))


def id_of(key: tuple[str, ...]) -> Id:
    return Id(zip(PARTS, key, strict=True))


class There:
    """The client, with a token, and the sandbox behind it."""

    def __init__(self, address: str, sandbox: Any) -> None:
        self.address, self.sandbox = address, sandbox
        auth, self._client = AuthClient("acme", SECRET), RestliClient()
        # What this machine says of proxies is not for loopback.
        auth.session.trust_env = self._client.session.trust_env = False
        self.token = auth.get_two_legged_access_token().access_token
        assert self.token is not None

    def verify(self, *asked: tuple[str, ...]) -> Any:
        ids: Any = [id_of(key) for key in asked]
        return self._client.batch_get(resource_path="/atsIntegrations", ids=ids, access_token=str(self.token))

    def enable(self, *asked: tuple[str, ...]) -> Any:
        ids: Any = [id_of(key) for key in asked]
        names = [{"integrationName": f"name of {key[1]}"} for key in asked]
        return self._client.batch_partial_update(
            resource_path="/atsIntegrations", ids=ids, patch_set_objects=names, access_token=str(self.token)
        )


@pytest.fixture
def there(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    app = create_app(small_world(*getattr(request, "param", ())))
    with serving_in_thread(app) as address:
        monkeypatch.setattr(constants, "OAUTH_BASE_URL", f"{address}/oauth/v2")
        monkeypatch.setattr(constants, "NON_VERSIONED_BASE_URL", f"{address}/v2")
        yield There(address, app.state.sandbox)


def by_key(answers: dict[str, Any]) -> dict[Key, Any]:
    read = {text: reduced_decode(text) for text in answers}
    return {Key(**_snake(parts)): answers[text] for text, parts in read.items() if isinstance(parts, dict)}


def _snake(parts: dict[str, str]) -> dict[str, str]:
    assert set(parts) == set(PARTS)
    return dict(zip(Key._fields, (parts[name] for name in PARTS), strict=True))


def test_its_three_calls_take_an_integration_from_requested_to_enabled(there: There) -> None:
    shown = there.verify(AWLI, CSA, NOWHERE)
    assert {key: one["onboardingStatus"] for key, one in by_key(shown.results).items()} == {
        Key(*AWLI): "REQUESTED",
        Key(*CSA): "REQUESTED",
    }
    enabled = there.enable(AWLI)
    assert {key: one.status for key, one in by_key(enabled.results).items()} == {Key(*AWLI): 204}
    (one,) = by_key(there.verify(AWLI).results).values()
    assert one == {"integrationName": "name of APPLY_WITH_LINKEDIN", "onboardingStatus": "ENABLED"}
    assert there.sandbox.violations == []


@pytest.mark.parametrize("there", [(Fault(on="enable", fault="already_enabled"),)], indirect=True)
def test_faults_and_refusals_reach_it(there: There) -> None:
    refused = there.enable(AWLI)
    assert refused.status_code == 400
    assert "already enabled" in refused.response.json()["message"]
    missing = there.enable(NOWHERE).response.json()
    told = by_key({**missing["results"], **missing["errors"]})
    assert {key: one["status"] for key, one in told.items()} == {Key(*NOWHERE): 404}


@pytest.mark.parametrize(
    ("query", "version"),
    [
        ("ids=List((integrationContext:urn%3Ali%3Aorganization%3A4gX03uw))", "1.0.0"),
        ("ids[0].integrationContext=urn:li:organization:4gX03uw", "2.0.0"),
        ("ids%5B0%5D.integrationContext=urn:li:organization:4gX03uw", "2.0.0"),
        (param_encode({"ids": [dict(id_of(AWLI))]}), "3.0.0"),
    ],
)
def test_each_version_takes_its_own_syntax_alone(there: There, query: str, version: str) -> None:
    headers = {"Authorization": f"Bearer {there.token}", "X-RestLi-Protocol-Version": version}
    answer = httpx.get(f"{there.address}/v2/atsIntegrations?{query}", headers=headers, trust_env=False)
    assert answer.status_code == 400


@given(st.lists(keys, min_size=1, max_size=4))
def test_keys_are_read_as_its_encoder_writes_them(wanted: list[Key]) -> None:
    ids = [dict(key.parts) for key in wanted]
    assert keys_of_list("q=x&" + param_encode({"ids": ids})) == wanted


@given(keys)
def test_its_decoder_reads_keys_as_they_are_answered(key: Key) -> None:
    assert reduced_decode(key.in_brackets()) == dict(key.parts)
    assert key_of_object(key.in_brackets()) == key
    assert key_of_object(key.in_brackets(backwards=True)) == key


def test_a_key_without_a_data_provider_is_the_ats_own() -> None:
    """LinkedIn's documents print it so for 2.0."""
    parts = {name: value for name, value in id_of(AWLI).items() if name != "dataProvider"}
    assert keys_of_list(param_encode({"ids": [parts]})) == [Key(*AWLI)]
    assert isinstance(decode(encode(parts)), dict)


@pytest.mark.parametrize(
    "query",
    [
        "ids=List()",
        "ids=(integrationType:X)",
        "ids=List((integrationType:X)",
        "ids=List((integrationType:X),)",
        "ids=List((integrationType))",
        "ids=List((integrationType:X,integrationType:Y))",
        "ids=List((integrationContext:urn:li:organization:1,integrationType:X,tenantType:JOBS))",
        "ids=List((surprise:X))",
        "ids=List((a:b))&ids=List((a:b))",
        "ids=List((integrationType:%C3))",
    ],
)
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(KeySyntaxError):
        keys_of_list(query)


def test_what_is_incomplete_is_told_apart() -> None:
    with pytest.raises(IncompleteKeyError):
        keys_of_list("ids=List((integrationType:X,tenantType:''))")
    with pytest.raises(KeySyntaxError):
        key_of_object("integrationType:X")
    assert keys_of_list("other=1") == []
