"""The document of `greenlight api-key`, as types: see `docs/documents.py`."""

from typing import Literal, NotRequired

from run_documents import Moment
from typing_extensions import TypedDict

from greenlight.ats.api_keys import Scope


class ApiKey(TypedDict):
    """`last_used_at` is as of a minute ago at most."""

    name: str
    state: Literal["good", "expired", "revoked"]
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None


class ApiKeys(TypedDict):
    """`key` is that of `api-key create`, shown this once."""

    schema: Literal["greenlight.apikeys/1"]
    command: Literal["api-key create", "api-key list", "api-key revoke"]
    key: NotRequired[str]
    keys: list[ApiKey]
