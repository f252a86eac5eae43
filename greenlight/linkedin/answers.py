"""Reading answers of `/v2/atsIntegrations` (docs/linkedin.md#enable, docs/linkedin.md#verify).

HTTP 200 is not success. What an answer says of a key stands under that key in `results`, `errors` or `statuses`; a
key that verify has in none of them was never requested, a key that enable has in none of them is unclear.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from greenlight.domain.keys import IntegrationKey, InvalidKey, parse_response_key
from greenlight.domain.nesting import is_too_deep
from greenlight.domain.reasons import Reason
from greenlight.domain.status import NOT_REQUESTED, Observation, parse_onboarding_status
from greenlight.linkedin.errors import LinkedInError, Refused, Unclear, clean, from_status

Seen: TypeAlias = Observation | LinkedInError


class NotJson(ValueError):
    """A body that is not one JSON object. The text quotes nothing of it."""


def read_object(body: bytes | None) -> dict[str, Any]:
    """The JSON object in `body`. Raises NotJson, also for one that names a member twice."""
    if body is None:
        raise NotJson("the body is too long")
    try:
        # A byte order mark has one meaning, and proxies and editors of answers add it.
        text = body.decode().removeprefix("\ufeff")
        if is_too_deep(text):
            raise ValueError("nested too deep")
        value = _DECODER.decode(text)
    except ValueError:
        raise NotJson("the body is not JSON") from None
    if not isinstance(value, dict):
        raise NotJson("the body is not a JSON object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found


#: Made once: json.loads makes one for every text.
_DECODER = json.JSONDecoder(object_pairs_hook=_object)


class _Map:
    """One of an answer's maps with its keys parsed; what is not about `asked` is only counted."""

    def __init__(self, body: dict[str, Any], name: str, asked: Sequence[IntegrationKey], *, required: bool) -> None:
        entries = body.get(name)
        if entries is None and not required:
            entries = {}
        if not isinstance(entries, dict):
            raise NotJson(f"the body has no {name}")
        self.values: dict[IntegrationKey, list[Any]] = {}
        self.foreign = 0
        for text, value in entries.items():
            try:
                key = parse_response_key(text)
            except InvalidKey:
                self.foreign += 1
                continue
            if key in asked:
                self.values.setdefault(key, []).append(value)
            else:
                self.foreign += 1


def read_verify(
    body: bytes | None, asked: Sequence[IntegrationKey], hide: tuple[str, ...] = ()
) -> dict[IntegrationKey, Seen]:
    """What a verify answer with HTTP 200 says of each key that was asked for."""
    try:
        whole = read_object(body)
        results = _Map(whole, "results", asked, required=True)
        errors = _Map(whole, "errors", asked, required=False)
        statuses = _Map(whole, "statuses", asked, required=False)
    except NotJson as error:
        return dict.fromkeys(asked, Unclear(Reason.UNREADABLE_ANSWER, str(error)))
    somebody_else = results.foreign + errors.foreign + statuses.foreign > 0
    seen: dict[IntegrationKey, Seen] = {}
    for key in asked:
        said = [_observation(value, hide) for value in results.values.get(key, [])]
        said += [_entity_error(value, hide) for value in errors.values.get(key, [])]
        said += [_entity_status(value) for value in statuses.values.get(key, []) if not _is_success(value)]
        if not said and key in statuses.values:
            seen[key] = Unclear(Reason.UNREADABLE_ANSWER, "the answer has a status and no entry")
        elif not said and somebody_else:
            seen[key] = Unclear(Reason.UNREADABLE_ANSWER, "the answer is about another integration")
        elif not said:
            seen[key] = NOT_REQUESTED
        else:
            seen[key] = _the_one(said)
    answered = any(isinstance(seen[key], Observation) for key in results.values)
    return {key: _of_the_key_alone(one) if answered else one for key, one in seen.items()}


def _of_the_key_alone(seen: Seen) -> Seen:
    """What a key is refused for where another key was answered: the credential and the token were good for that one."""
    if not isinstance(seen, LinkedInError) or seen.reason not in (Reason.WRONG_CREDENTIALS, Reason.TOKEN_REJECTED):
        return seen
    return Refused(Reason.REQUEST_REFUSED, f"{seen.detail}, though another integration was answered")


def _the_one(said: list[Seen]) -> Seen:
    first = said[0]
    if len(said) == 1:
        return first
    if all(isinstance(s, Observation) and s == first for s in said):
        return first
    if all(isinstance(s, LinkedInError) for s in said):
        return first
    return Unclear(Reason.UNREADABLE_ANSWER, "the answer contradicts itself")


def _observation(value: Any, hide: tuple[str, ...]) -> Seen:
    status = value.get("onboardingStatus") if isinstance(value, dict) else None
    if not isinstance(status, str):
        return Unclear(Reason.UNREADABLE_ANSWER, "an entry of results has no onboardingStatus")
    observation = parse_onboarding_status(status)
    return Observation(observation.status, clean(observation.raw, hide)) if observation.raw is not None else observation


def _entity_error(value: Any, hide: tuple[str, ...]) -> Seen:
    status = value.get("status") if isinstance(value, dict) else None
    if not isinstance(status, int) or isinstance(status, bool) or 200 <= status < 300:
        return Unclear(Reason.UNREADABLE_ANSWER, "an entry of errors has no error status")
    return NOT_REQUESTED if status == 404 else from_status(status, value, hide=hide)


def _entity_status(value: Any) -> Seen:
    return _entity_error({"status": value}, ())


def _is_success(status: Any) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 200 <= status < 300


def read_enable(body: bytes | None, key: IntegrationKey, hide: tuple[str, ...] = ()) -> None:
    """Return if an enable answer with HTTP 200 confirms `key`; else raise Refused or Unclear."""
    try:
        whole = read_object(body)
        results = _Map(whole, "results", [key], required=True)
        errors = _Map(whole, "errors", [key], required=False)
        statuses = _Map(whole, "statuses", [key], required=False)
    except NotJson as error:
        raise Unclear(Reason.UNREADABLE_ANSWER, str(error)) from None
    entries = [*results.values.get(key, []), *errors.values.get(key, [])]
    verdicts = [_entity_verdict(entry, hide) for entry in entries]
    # A status of its own can take a success back, and makes none.
    verdicts += [
        v for v in (_entity_verdict({"status": s}, hide) for s in statuses.values.get(key, [])) if v or entries
    ]
    if not verdicts:
        raise Unclear(Reason.UNREADABLE_ANSWER, "the answer does not mention the integration")
    failures = [verdict for verdict in verdicts if verdict is not None]
    if not failures and not errors.values:
        return
    if len(failures) < len(verdicts) or not failures:
        raise Unclear(Reason.UNREADABLE_ANSWER, "the answer contradicts itself")
    raise next((f for f in failures if isinstance(f, Unclear)), failures[0])


def _entity_verdict(entry: Any, hide: tuple[str, ...]) -> LinkedInError | None:
    status = entry.get("status") if isinstance(entry, dict) else None
    if _is_success(status) and status != 202:
        return None
    if not isinstance(status, int) or isinstance(status, bool):
        return Unclear(Reason.UNREADABLE_ANSWER, "the answer has no status for the integration")
    if status == 404:
        return Refused(Reason.NOT_REQUESTED, clean(f"HTTP 200, status 404 {entry.get('message', '')}", hide))
    return from_status(status, entry, hide=hide)
