"""The two calls of `/v2/atsIntegrations`: verify (docs/linkedin.md#verify) and enable (docs/linkedin.md#enable).

`Verifier` only reads. `Enabler` is the one object that can enable: a dry run is a run that was given a Verifier.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from greenlight.domain.keys import IntegrationKey, as_query, split_for_query
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Observation
from greenlight.domain.tripwires import SHOWS
from greenlight.linkedin.answers import Seen, read_enable, read_verify
from greenlight.linkedin.calls import Call, Calls, Counted
from greenlight.linkedin.errors import LinkedInError
from greenlight.linkedin.oauth import Credentials

_PATH = "/v2/atsIntegrations"
_MAPS = ("results", "errors", "statuses")

#: Whole-request refusals that one bad key brings on its neighbours, so each key is asked for alone.
_BROUGHT_BY_ONE_KEY = frozenset({Reason.INVALID_CONTEXT, Reason.KEY_INCOMPLETE, Reason.REQUEST_REFUSED})


class Verifier:
    """Looks. Has no way to change anything at LinkedIn."""

    def __init__(self, calls: Calls, api_url: str) -> None:
        self._calls = calls
        self._url = api_url + _PATH

    async def verify(
        self,
        credentials: Credentials,
        keys: Sequence[IntegrationKey],
        *,
        keep_reserve: bool = False,
        counted: Counted | None = None,
    ) -> dict[IntegrationKey, Seen]:
        """What LinkedIn shows for each of one customer's keys: an Observation, or the LinkedInError that hid it.

        One request for all keys, more only where the query would pass 4,000 characters or one bad key had the whole
        request refused. With `keep_reserve` no request is sent that the meter has reserved for enables. The first one
        may be `counted` already.
        """
        seen: dict[IntegrationKey, Seen] = {}
        for run in split_for_query(dict.fromkeys(keys)):
            seen |= await self._verify_together(credentials, run, keep_reserve, counted)
            counted = None
        return seen

    async def _verify_together(
        self,
        credentials: Credentials,
        keys: Sequence[IntegrationKey],
        keep_reserve: bool,
        counted: Counted | None = None,
    ) -> Mapping[IntegrationKey, Seen]:
        try:
            return await self._verify_once(credentials, keys, keep_reserve, counted)
        except LinkedInError as error:
            if len(keys) == 1 or error.reason not in _BROUGHT_BY_ONE_KEY:
                return dict.fromkeys(keys, error)
        alone: dict[IntegrationKey, Seen] = {}
        for key in keys:
            alone |= await self._verify_together(credentials, [key], keep_reserve)
        return alone

    async def _verify_once(
        self,
        credentials: Credentials,
        keys: Sequence[IntegrationKey],
        keep_reserve: bool,
        counted: Counted | None,
    ) -> Mapping[IntegrationKey, Seen]:
        url = f"{self._url}?{as_query(keys)}"
        call = Call("verify", "GET", url, keep_reserve=keep_reserve, expects=_MAPS, counted=counted)
        answer, hidden = await self._calls.send(credentials, call)
        seen = read_verify(answer.body, keys, hide=hidden)
        # Another application's look shows nothing of this customer's, and no error either.
        if any(isinstance(each, Observation) and each.status in SHOWS for each in seen.values()):
            self._calls.vouch(credentials)
        return seen


class Enabler(Verifier):
    """Looks and enables. What it enables cannot be disabled through the API."""

    async def enable(
        self,
        credentials: Credentials,
        key: IntegrationKey,
        integration_name: str,
        still: Callable[[], bool] | None = None,
        *,
        counted: Counted | None = None,
    ) -> None:
        """Enable one key and return if LinkedIn confirms it. Not sent, and Refused, once `still` says no.

        It may be `counted` already.
        Raises Refused if the request had no effect and Unclear if that cannot be told: then look before anything else.
        One key per request (docs/adr/0002-one-key-per-post.md): one already-enabled key has the whole request refused.
        """
        entity = {"patch": {"$set": {"integrationName": integration_name}}}
        call = Call(
            "enable",
            "POST",
            f"{self._url}?{as_query([key])}",
            headers={"X-RestLi-Method": "batch_partial_update", "Content-Type": "application/json"},
            content=json.dumps({"entities": {key.as_body_key(): entity}}).encode(),
            still=still,
            expects=_MAPS,
            counted=counted,
        )
        answer, hidden = await self._calls.send(credentials, call)
        read_enable(answer.body, key, hide=hidden)
