"""Reading a verify or an enable as strictly as Rest.li does (docs/linkedin.md#integration-keys)."""

import json
import re
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from fastapi import Request

from sandbox.answers import Refused, api_error
from sandbox.clients import Caller
from sandbox.keys import (
    IncompleteKeyError,
    Key,
    KeySyntaxError,
    is_double_encoded,
    key_of_object,
    key_of_text,
    keys_of_list,
    keys_of_query,
    query_pairs,
)
from sandbox.state import LogEntry, Sandbox
from sandbox.wire import content_type_of, read_body
from sandbox.world import is_context_urn

INCOMPLETE = "Integration key parts are incomplete"
INVALID_CONTEXT = "Invalid integration context urn"
EXPIRED = "The token used in the request has expired"
INVALID_TOKEN = "Invalid access token"  # noqa: S105 - a message

DEAD_TOKENS = {"expired": (65602, EXPIRED), "bad_token": (65600, INVALID_TOKEN), "revoked": (65601, None)}
_REVOKED = "The token used in the request has been revoked by the user"


#: The versions of Rest.li's protocol; without the header it is the old one.
OLD, NEW = "1.0.0", "2.0.0"


class Call(NamedTuple):
    """A well-formed request: its keys in order, for an enable the name to set on each, and the protocol's version."""

    keys: list[Key]
    names: dict[Key, str]
    version: str = OLD


class _RepeatedNameError(ValueError):
    pass


def unauthorized(kind: str) -> Refused:
    """The 401 of an expired, bad or revoked token (docs/linkedin.md#error-bodies)."""
    code, message = DEAD_TOKENS[kind]
    return Refused(api_error(401, message or _REVOKED, code))


def authenticate(sandbox: Sandbox, request: Request, entry: LogEntry) -> tuple[Caller, str]:
    """The application behind the bearer token, and the token; a 401 otherwise."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        sandbox.watch.report("header", None, "Authorization must be a bearer token")
        raise Refused(api_error(401, "Empty oauth2_access_token", 401))
    token = sandbox.tokens.get(text)
    client_id = None if token is None else token.client_id
    entry.client_id = client_id
    sandbox.watch.token_used(client_id, text)
    if token is not None and token.dead is None and token.expires_at <= sandbox.now():
        token.dead = "expired"
    if token is None or token.dead is not None:
        sandbox.watch.token_refused(text)
        raise unauthorized("bad_token" if token is None else token.dead or "bad_token")
    return sandbox.callers[token.client_id], text


def forbidden(method: str, resource: str) -> Refused:
    """The 403 of somebody else's credentials (docs/linkedin.md#enable)."""
    return Refused(api_error(403, f"Not enough permissions to access: {method} /{resource}", 100))


async def read_call(sandbox: Sandbox, request: Request, entry: LogEntry) -> Call:
    """The request's keys and names; `Refused` with LinkedIn's or Rest.li's 400 where it is not well-formed."""
    body = await read_body(request, api_error(413, "Request entity too large"))
    wrong = _Wrong(sandbox, entry)
    version = _check_headers(request, wrong)
    keys = _query_keys(request, version, wrong)
    entry.keys = [key.canonical for key in keys]
    _check_values(sandbox, keys)
    if request.method == "GET":
        return Call(keys, {}, version)
    if len(keys) > 1:
        entry.notes.append(f"{len(keys)} keys in one enable request")
    if content_type_of(request) != "application/json":
        wrong.header("Content-Type must be application/json")
        raise Refused(api_error(415, "Content-Type must be application/json"))
    return Call(keys, _names(_entities(body), keys, version, wrong), version)


class _Wrong:
    """Writes violations down under the caller's name."""

    def __init__(self, sandbox: Sandbox, entry: LogEntry) -> None:
        self._watch, self._client_id = sandbox.watch, entry.client_id

    def header(self, detail: str) -> None:
        self._watch.report("header", self._client_id, detail)

    def double_encoded(self, where: str) -> None:
        self._watch.report("double_encoded_key", self._client_id, where)


def _check_headers(request: Request, wrong: _Wrong) -> str:
    """The protocol's version, which the syntax of the keys has to be."""
    version = request.headers.get("x-restli-protocol-version", OLD)
    flattened = b"ids%5B" in request.scope["query_string"].replace(b"[", b"%5B")
    if version not in (OLD, NEW) or (version == NEW and flattened):
        wrong.header(f"X-Restli-Protocol-Version {version} does not go with ids[0] syntax")
        raise Refused(api_error(400, f"Rest.li protocol version {version} cannot be used with these parameters"))
    method = request.headers.get("x-restli-method", "").lower()
    if request.method == "POST" and method != "batch_partial_update":
        wrong.header("x-restli-method must be batch_partial_update on enable")
        raise Refused(api_error(400, f"POST operation {method or 'create'} not supported on atsIntegrations"))
    if request.method == "GET" and method not in ("", "batch_get"):
        wrong.header("x-restli-method has no place on verify")
        raise Refused(api_error(400, f"GET operation {method} not supported on atsIntegrations"))
    return version


def _query_keys(request: Request, version: str, wrong: _Wrong) -> list[Key]:
    query = request.scope["query_string"].decode("latin-1")
    if is_double_encoded(query):
        wrong.double_encoded("in the URL")
    try:
        keys = keys_of_query(query_pairs(query)) if version == OLD else keys_of_list(query)
    except KeySyntaxError as error:
        raise Refused(api_error(400, str(error))) from None
    except IncompleteKeyError:
        raise Refused(api_error(400, INCOMPLETE)) from None
    if not keys:
        raise Refused(api_error(400, INCOMPLETE))
    return list(dict.fromkeys(keys))


def _check_values(sandbox: Sandbox, keys: Iterable[Key]) -> None:
    """LinkedIn's table: "missing in request parameters or contains wrong values" is one row, the URN another."""
    for key in keys:
        known = key.integration_type in sandbox.types and key.tenant_type in sandbox.tenants
        if not known or key.data_provider != "ATS":
            raise Refused(api_error(400, INCOMPLETE))
        if not is_context_urn(key.integration_context):
            raise Refused(api_error(400, INVALID_CONTEXT))


def json_of(body: bytes) -> Any:
    """A body as strict JSON: every name once, no NaN."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except _RepeatedNameError as error:
        raise Refused(api_error(400, f"Duplicate key in batch request body: '{error}'")) from None
    except (ValueError, RecursionError):
        raise Refused(api_error(400, "Cannot parse request entity")) from None


def _entities(body: bytes) -> dict[str, Any]:
    data = json_of(body)
    entities = data.get("entities") if isinstance(data, dict) else None
    if not isinstance(entities, dict) or data.keys() != {"entities"}:
        raise Refused(api_error(400, "Request body must hold exactly one field, the object 'entities'"))
    return entities


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedNameError(next(name for name in names if names.count(name) > 1))
    return result


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _names(entities: dict[str, Any], keys: list[Key], version: str, wrong: _Wrong) -> dict[Key, str]:
    """Rest.li's own order of checks: each body key is new, and in the URL; then both sets are the same."""
    patches: dict[Key, Any] = {}
    for text, value in entities.items():
        if is_double_encoded(text):
            wrong.double_encoded("in the body")
        try:
            key = key_of_text(text) if version == OLD else key_of_object(text)
        except KeySyntaxError as error:
            raise Refused(api_error(400, str(error))) from None
        except IncompleteKeyError:
            raise Refused(api_error(400, INCOMPLETE)) from None
        if key in patches:
            raise Refused(api_error(400, f"Duplicate key in batch request body: '{key.canonical}'"))
        if key not in keys:
            raise Refused(api_error(400, wrong_key_text(key)))
        patches[key] = value
    if len(patches) != len(keys):
        uri_keys, entity_keys = _printed(keys), _printed(patches)
        raise Refused(api_error(400, f"Batch request mismatch. URI keys: '{uri_keys}' Entity keys: '{entity_keys}'"))
    return {key: _name(patch) for key, patch in patches.items()}


def wrong_key_text(key: Key) -> str:
    """A body key that the URL lacks: Rest.li's text, or for a well-known context its page's, in internal forms.

    Which of the two LinkedIn sends cannot be told, so both occur: the page's for even checksums of the key.
    """
    checksum = zlib.crc32(key.canonical.encode())
    if checksum % 2 or not is_context_urn(key.integration_context):
        return f"Batch request mismatch. Entity key '{key.canonical}' not found in the query parameter."
    inner = re.sub(r".*:", "", key.integration_context).encode()
    return (
        f"Batch request mismatch. Entity key dataProvider=urn:li:developerApplication:{checksum % 1_000_000}"
        f"&integrationContext=urn:li:company:{zlib.crc32(inner)}&integrationType={key.integration_type}"
        f"&tenantType={key.tenant_type} not found in the query parameter"
    )


def _printed(keys: Iterable[Key]) -> str:
    return "[" + ", ".join(key.canonical for key in keys) + "]"


def _name(patch: Any) -> str:
    match patch:
        case {"patch": {"$set": {"integrationName": str(name), **others}, **operations}, **rest} if not (
            others or operations or rest
        ):
            if name.strip():
                return name
            raise Refused(api_error(400, "integrationName must not be empty"))
    raise Refused(api_error(400, "Each entity must be {'patch': {'$set': {'integrationName': '...'}}}"))
