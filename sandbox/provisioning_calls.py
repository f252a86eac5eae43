"""What a provisioning request asks for, read strictly, and how it is carried out (docs/linkedin.md#provisioning)."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from sandbox.answers import Answer, Refused, api_error, json_answer
from sandbox.clients import Client, ParentClient
from sandbox.keys import KeySyntaxError, query_pairs
from sandbox.reading import forbidden, json_of
from sandbox.state import LogEntry, Sandbox, TooManySecretsError
from sandbox.wire import content_type_of

APPLICATIONS = "provisionedApplications"
SECURITY = "developerApplicationsSecurity"
CONFLICT = "A developer application with this uniqueForeignId already exists"
TOO_MANY_SECRETS = "The application already has two client secrets, one of them must be deleted first"
#: LinkedIn's limit on an application's name.
MAX_NAME = 50

# What the SDK and the collections call a field, and what an `Application` calls it.
_TEXTS = {"name": "name", "description": "description"}
_LISTS = {"validJsSdkDomains": "js_sdk_domains", "oauth2AuthorizedCallbackUrls": "callback_urls"}
_FOREIGN_ID = "uniqueForeignId"

# operation -> values of X-RestLi-Method it takes, and the protocol version it is written in
_HEADERS = {
    "create": ({"", "create"}, "1.0.0"),
    "find": ({"", "finder"}, "1.0.0"),
    "update": ({"", "partial_update"}, "1.0.0"),
    "rotate": ({"action"}, "2.0.0"),
}
_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]")

_Perform = Callable[[], Answer]


class ProvisioningCall:
    """A well-formed request. `perform` carries it out; `foreign_id` is None but for a create."""

    def __init__(self, sandbox: Sandbox, request: Request, entry: LogEntry, parent: ParentClient, body: bytes) -> None:
        self.sandbox, self.request, self.entry, self.parent = sandbox, request, entry, parent
        self.foreign_id: str | None = None
        # The answer with the new application's credentials, once there is one.
        self.created: Answer | None = None
        self._check_headers()
        pairs = _pairs(request)
        match entry.operation:
            case "create":
                self.perform: _Perform = self._create(_object(body))
            case "find":
                self.perform = self._find(pairs)
            case "update":
                self.perform = self._update(_object(body))
            case _:
                self.perform = self._rotate(pairs, _object(body))

    def _check_headers(self) -> None:
        operation, headers = self.entry.operation, self.request.headers
        methods, version = _HEADERS[operation]
        given = headers.get("x-restli-method", "").lower()
        if given not in methods:
            self._wrong_header(f"X-RestLi-Method {given!r} is not that of {operation}")
        given = headers.get("x-restli-protocol-version", "1.0.0")
        if given != version:
            self._wrong_header(f"X-RestLi-Protocol-Version must be {version} on {operation}, not {given}")
        if self.request.method == "POST" and content_type_of(self.request) != "application/json":
            self._wrong_header("Content-Type must be application/json")

    def _wrong_header(self, text: str) -> None:
        self.sandbox.watch.report("header", self.parent.client_id, text)
        raise Refused(api_error(400, text))

    def _create(self, data: dict[str, Any]) -> _Perform:
        foreign_id = data.pop(_FOREIGN_ID, None)
        if not isinstance(foreign_id, str) or not foreign_id.strip():
            raise _bad_field(_FOREIGN_ID, "must be text that is not empty")
        fields = _fields(data)
        if missing := [name for name in _TEXTS if name not in fields]:
            raise _bad_field(missing[0], "is required but not present")
        self.foreign_id = foreign_id
        self.entry.notes.append(foreign_id)
        self._watch_domains(fields)

        def perform() -> Answer:
            if self.sandbox.child(self.parent, foreign_id) is not None:
                return api_error(409, CONFLICT)
            child = self.sandbox.create_application(self.parent, {"unique_foreign_id": foreign_id, **fields})
            credentials = {"client_id": child.client_id, "client_secret": child.secrets[0]}
            self.created = json_answer(201, {"credentials": credentials, "key": child.urn})
            return self.created

        return perform

    def _find(self, pairs: list[tuple[str, str]]) -> _Perform:
        if _one(pairs, "q") != "credentialsByUniqueForeignId":
            raise Refused(api_error(400, "Parameter 'q' must be credentialsByUniqueForeignId"))
        foreign_id = _one(pairs, _FOREIGN_ID)
        self.entry.notes.append(foreign_id)

        def perform() -> Answer:
            child = self.sandbox.child(self.parent, foreign_id)
            found = [] if child is None else [_shown(child, with_secret=self.sandbox.world.secret_in_finder)]
            return json_answer(200, {"elements": found})

        return perform

    def _update(self, data: dict[str, Any]) -> _Perform:
        match data:
            case {"patch": {"$set": dict(values), **operations}, **rest} if not (operations or rest):
                fields = _fields(values)
            case _:
                raise Refused(api_error(400, "The body must be {'patch': {'$set': {...}}}"))
        urn = self.request.path_params["urn"]
        self.entry.notes.append(urn)
        self._watch_domains(fields)

        def perform() -> Answer:
            child = self._own_child(urn)
            # $set replaces a list as a whole (docs/linkedin.md#update).
            for name, value in fields.items():
                setattr(child, name, value)
            return Answer(204)

        return lambda: _answer_of(perform)

    def _rotate(self, pairs: list[tuple[str, str]], data: dict[str, Any]) -> _Perform:
        if _one(pairs, "action") != "rollDeveloperApplicationSecret":
            raise Refused(api_error(400, "Parameter 'action' must be rollDeveloperApplicationSecret"))
        match data:
            case {"childDeveloperApplication": str(urn), **rest} if urn and not rest:
                self.entry.notes.append(urn)
            case {**rest} if not rest:
                # Without a child the caller's own secret is meant.
                urn = None
            case _:
                raise Refused(api_error(400, "The body must be {} or {'childDeveloperApplication': 'urn:li:...'}"))

        def perform() -> Answer:
            caller = self.parent if urn is None else self._own_child(urn)
            try:
                secret = self.sandbox.roll_secret(caller)
            except TooManySecretsError:
                return api_error(400, TOO_MANY_SECRETS)
            return json_answer(200, {"value": {"client_secret": secret}})

        return lambda: _answer_of(perform)

    def _own_child(self, urn: str) -> Client:
        child = self.sandbox.application(urn)
        if child is None:
            raise Refused(api_error(404, f"Resource {urn} does not exist", 0))
        if child.parent != self.parent.client_id:
            raise forbidden(self.request.method, SECURITY if self.entry.operation == "rotate" else APPLICATIONS)
        return child

    def _watch_domains(self, fields: dict[str, Any]) -> None:
        """LinkedIn may well take them; its plugin then refuses the page (docs/linkedin.md#plugin-errors)."""
        if bad := [domain for domain in fields.get("js_sdk_domains", []) if not is_origin(domain)]:
            self.sandbox.watch.report("js_sdk_domain", self.parent.client_id, ", ".join(bad))


def is_origin(text: str) -> bool:
    """Whether a browser would write a page's Origin header like that."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    written = f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")
    return default is not None and _HOST.fullmatch(host) is not None and text == written


def _answer_of(perform: _Perform) -> Answer:
    try:
        return perform()
    except Refused as refused:
        return refused.answer


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        return query_pairs(request.scope["query_string"].decode("latin-1"))
    except KeySyntaxError as error:
        raise Refused(api_error(400, str(error))) from None


def _one(pairs: list[tuple[str, str]], wanted: str) -> str:
    values = [value for name, value in pairs if name == wanted]
    if len(values) != 1 or not values[0]:
        raise Refused(api_error(400, f"Parameter '{wanted}' is required, once"))
    return values[0]


def _object(body: bytes) -> dict[str, Any]:
    data = json_of(body)
    if not isinstance(data, dict):
        raise Refused(api_error(400, "The body must be a JSON object"))
    return data


def _bad_field(name: str, complaint: str) -> Refused:
    return Refused(api_error(400, f"ERROR :: /{name} :: {complaint}"))


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    """The settable fields among `data`, by the names of `Application`."""
    fields: dict[str, Any] = {}
    for name, value in data.items():
        if name in _TEXTS:
            if not isinstance(value, str) or not value.strip():
                raise _bad_field(name, "must be text that is not empty")
            fields[_TEXTS[name]] = value
        elif name in _LISTS:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise _bad_field(name, "must be a list of texts")
            fields[_LISTS[name]] = list(value)
        else:
            raise _bad_field(name, "is not known, or cannot be set")
    title = fields.get("name", "")
    # Java counts UTF-16 units.
    if len(title.encode("utf-16-le", "surrogatepass")) > 2 * MAX_NAME:
        raise _bad_field("name", f"is longer than {MAX_NAME} characters")
    if "linkedin" in title.lower():
        raise _bad_field("name", "must not contain LinkedIn")
    return fields


def _shown(child: Client, *, with_secret: bool) -> dict[str, Any]:
    secret = {"client_secret": child.secrets[-1]} if with_secret else {}
    return {
        "credentials": {"client_id": child.client_id, **secret},
        _FOREIGN_ID: child.unique_foreign_id,
        "name": child.name,
        "description": child.description,
        "validJsSdkDomains": list(child.js_sdk_domains),
        "key": child.urn,
        "oauth2AuthorizedCallbackUrls": list(child.callback_urls),
    }
