"""The two calls of `/v2/atsIntegrations`: verify (seed step 4) and enable (seed step 3).

`Verifier` only reads. `Enabler` is the one object that can enable: a dry run is a run that was given a Verifier.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from greenlight.domain.keys import IntegrationKey, as_query, split_for_query
from greenlight.domain.reasons import Reason
from greenlight.linkedin.answers import NotJson, Seen, read_enable, read_object, read_verify
from greenlight.linkedin.errors import LinkedInError, Refused, Unanswered, from_status, parse_retry_after
from greenlight.linkedin.oauth import Credentials, Operation, RequestCounts, Tokens
from greenlight.linkedin.transport import Answered, NoAnswer, Wire

_PATH = "/v2/atsIntegrations"

#: Whole-request refusals that one bad key brings on its neighbours, so each key is asked for alone.
_BROUGHT_BY_ONE_KEY = frozenset({Reason.INVALID_CONTEXT, Reason.KEY_INCOMPLETE, Reason.REQUEST_REFUSED})


class Verifier:
    """Looks. Has no way to change anything at LinkedIn."""

    def __init__(self, wire: Wire, tokens: Tokens, api_url: str, counts: RequestCounts) -> None:
        self._wire = wire
        self._tokens = tokens
        self._url = api_url + _PATH
        self._counts = counts

    async def verify(self, credentials: Credentials, keys: Sequence[IntegrationKey]) -> dict[IntegrationKey, Seen]:
        """What LinkedIn shows for each of one customer's keys: an Observation, or the LinkedInError that hid it.

        One request for all keys, more only where the query would pass 4,000 characters or one bad key had the whole
        request refused.
        """
        seen: dict[IntegrationKey, Seen] = {}
        for run in split_for_query(dict.fromkeys(keys)):
            seen |= await self._verify_together(credentials, run)
        return seen

    async def _verify_together(
        self, credentials: Credentials, keys: Sequence[IntegrationKey]
    ) -> Mapping[IntegrationKey, Seen]:
        try:
            return await self._verify_once(credentials, keys)
        except LinkedInError as error:
            if len(keys) == 1 or error.reason not in _BROUGHT_BY_ONE_KEY:
                return dict.fromkeys(keys, error)
        alone: dict[IntegrationKey, Seen] = {}
        for key in keys:
            alone |= await self._verify_together(credentials, [key])
        return alone

    async def _verify_once(
        self, credentials: Credentials, keys: Sequence[IntegrationKey]
    ) -> Mapping[IntegrationKey, Seen]:
        answer, hidden = await self._authorized(credentials, "verify", "GET", keys)
        return read_verify(answer.body, keys, hide=hidden)

    async def _authorized(
        self,
        credentials: Credentials,
        operation: Operation,
        method: str,
        keys: Sequence[IntegrationKey],
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> tuple[Answered, tuple[str, ...]]:
        """Send under a token, renewing it once if it is rejected; the answer, and what must not be quoted of it.

        Raises LinkedInError for all but HTTP 200.
        """
        url = f"{self._url}?{as_query(keys)}"
        used: list[str] = []
        while True:
            try:
                token = await self._tokens.get(credentials, rejected=used[-1] if used else None)
            except LinkedInError as error:
                # Whatever the token endpoint did, the request itself was not sent.
                raise Refused(error.reason, error.detail, retry_after=error.retry_after) from None
            used.append(token)
            self._counts.add(operation)
            try:
                answer = await self._wire.exchange(
                    method,
                    url,
                    headers={**(headers or {}), "Authorization": f"Bearer {token}"},
                    content=content,
                )
            except NoAnswer as error:
                raise Unanswered(Reason.LINKEDIN_UNAVAILABLE, str(error)) from None
            if answer.status == 401 and len(used) == 1:
                continue
            if answer.status == 401:
                self._tokens.forget(credentials, token)
            hidden = (credentials.client_secret.get_secret_value(), *used)
            if answer.status != 200:
                raise _whole_request_error(answer, hidden)
            return answer, hidden


class Enabler(Verifier):
    """Looks and enables. What it enables cannot be disabled through the API."""

    async def enable(self, credentials: Credentials, key: IntegrationKey, integration_name: str) -> None:
        """Enable one key and return if LinkedIn confirms it.

        Raises Refused if the request had no effect and Unclear if that cannot be told: then look before anything else.
        One key per request, since one already-enabled key has the whole request refused (fact sheet section 3).
        """
        entity = {"patch": {"$set": {"integrationName": integration_name}}}
        answer, hidden = await self._authorized(
            credentials,
            "enable",
            "POST",
            [key],
            headers={"X-RestLi-Method": "batch_partial_update", "Content-Type": "application/json"},
            content=json.dumps({"entities": {key.as_body_key(): entity}}).encode(),
        )
        read_enable(answer.body, key, hide=hidden)


def _whole_request_error(answer: Answered, hide: tuple[str, ...]) -> LinkedInError:
    body = None
    with suppress(NotJson):
        body = read_object(answer.body)
    retry_after = parse_retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
    return from_status(answer.status, body, hide=hide, retry_after=retry_after)
