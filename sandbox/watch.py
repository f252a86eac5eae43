"""Violations: requests that LinkedIn may well answer, but that a careful partner would not have sent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.keys import Key
from sandbox.world import is_recruiter_type

RULES = {
    "enable_without_verify": "the last verify answer for this key, under this application's token, was not REQUESTED",
    "enable_again": "an enable had been received before, and the key is past what an enable can do",
    "enable_repeated_blind": "the outcome of the enable before is unknown, and no verify of the key came in between",
    "enable_before_effect": "an enable of this key was received before, and its effect may still come",
    "credentials_in_url": "a secret or a token stood in a URL",
    "token_after_401": "this token had been answered 401 before",
    "extra_token": "the application holds a token that is good for more than 60 s and was never answered 401",
    "header": "a header is missing or wrong",
    "double_encoded_key": "a key was percent-encoded twice",
    "js_sdk_domain": "a domain of validJsSdkDomains is no full origin, or has a trailing slash or a path",
    "created_again": "an application with this uniqueForeignId had been created, and the answer had arrived",
}

_NOT_REQUESTED = "NOT_REQUESTED"


@dataclass(frozen=True)
class Violation:
    """One breach of `RULES`; `text` never holds a secret or a token."""

    time: float
    client_id: str | None
    rule: str
    text: str
    keys: list[str] = field(default_factory=list)


def normal(status: str | None) -> str:
    """Any writing of a status as its constant: "Partner Ready" and "partner_ready" are PARTNER_READY."""
    return _NOT_REQUESTED if status is None else "_".join(status.upper().replace("-", " ").split())


class Watch:
    """Remembers what was said and what was sent, per application and key."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.violations: list[Violation] = []
        self._said: dict[tuple[str, Key], str] = {}
        self._unsettled: set[tuple[str, Key]] = set()
        self._refused_tokens: set[str] = set()
        self._created: set[tuple[str, str]] = set()

    def report(self, rule: str, client_id: str | None, detail: str = "", keys: Iterable[Key] = ()) -> None:
        text = f"{RULES[rule]}: {detail}" if detail else RULES[rule]
        self.violations.append(Violation(self._now(), client_id, rule, text, [key.canonical for key in keys]))

    def token_used(self, client_id: str | None, token: str) -> None:
        if token in self._refused_tokens:
            self.report("token_after_401", client_id)

    def token_refused(self, token: str) -> None:
        self._refused_tokens.add(token)

    def was_refused(self, token: str) -> bool:
        return token in self._refused_tokens

    def verify_said(self, client_id: str, said: Mapping[Key, str | None]) -> None:
        """A verify answer that reached the caller: what it said of each key, None for nothing at all."""
        for key, status in said.items():
            self._said[client_id, key] = normal(status)
            self._unsettled.discard((client_id, key))

    def verify_failed(self, client_id: str, keys: Iterable[Key]) -> None:
        """A readable verify answer that gave no status: it settles nothing, and is no licence to enable either."""
        for key in keys:
            self._said[client_id, key] = "NO_STATUS"

    def enable_arrives(
        self, client_id: str, key: Key, status: str | None, received_before: int, *, waits: bool
    ) -> None:
        """Called for each key of a well-formed enable, before anything is done about it. `waits`: one is under way."""
        said = self._said.get((client_id, key))
        if said != "REQUESTED":
            self.report("enable_without_verify", client_id, f"it was {said or 'never given'}", [key])
        done = {"ENABLED", "PARTNER_READY"} if is_recruiter_type(key.integration_type) else {"ENABLED"}
        if received_before and normal(status) in done:
            self.report("enable_again", client_id, f"it is {normal(status)}", [key])
        if (client_id, key) in self._unsettled:
            self.report("enable_repeated_blind", client_id, "", [key])
        if waits:
            self.report("enable_before_effect", client_id, "", [key])
        # Until an answer has arrived, the outcome is unknown to the caller.
        self._unsettled.add((client_id, key))

    def enable_settled(self, client_id: str, keys: Iterable[Key]) -> None:
        self._unsettled.difference_update((client_id, key) for key in keys)

    def create_arrives(self, parent: str, unique_foreign_id: str) -> None:
        """Called for each well-formed create, before anything is done about it."""
        if (parent, unique_foreign_id) in self._created:
            self.report("created_again", parent)

    def create_answered(self, parent: str, unique_foreign_id: str) -> None:
        """The credentials of the new application reached the caller."""
        self._created.add((parent, unique_foreign_id))
