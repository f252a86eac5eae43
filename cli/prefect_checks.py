"""The checks of `doctor` on Prefect's API: there, of our version, and not open to everybody. All of them only read."""

import os
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from cryptography.fernet import Fernet

from cli.checks import Finding, ok, problem, warning
from cli.prefect_way import address_of, trouble_with_prefect

#: The longest that one question to Prefect's API may take.
_SECONDS = 5.0
#: Both ways round, on both sides: deploying, a night, blocks, automations and their events.
_TRIED = {"3.8.8", "3.9.1"}
_KEY = "PREFECT_SERVER_ENCRYPTION_KEY"
#: Fewer events than this in one transaction, and a server on SQLite is busy writing them.
_EVENTS_AT_ONCE = 100
#: Fewer changes of task runs than this in one transaction, and a transaction is most of what each costs.
_TASK_RUNS_AT_ONCE = 20
_POSTGRESQL = "postgresql+asyncpg"
_PERSISTER = "PREFECT_SERVER_SERVICES_EVENT_PERSISTER"
_RECORDER = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"
_SETTINGS = "GET /admin/settings"
_MAKE_KEY = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
_MOVE = "set it for the server by way of `greenlight keys export` and `greenlight keys restore` (docs/operating.md)"


def check_prefect() -> tuple[bool, list[Finding]]:
    """Whether blocks can be asked for, and what was found."""
    import prefect
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    api, key = settings.api.url, _key(settings.api.url)
    if not api:
        return True, [
            warning(
                "prefect",
                f"PREFECT_API_URL is not set: each command starts a server of its own, with its blocks in "
                f"{settings.home}",
                "Prefect's settings",
                "for more than a trial start one with `prefect server start` and set PREFECT_API_URL",
            ),
            key,
        ]
    secret = settings.api.auth_string
    auth = tuple(secret.get_secret_value().split(":", 1)) if secret is not None else None
    # A key of Prefect's cloud, where it is that.
    bearer = settings.api.key.get_secret_value() if settings.api.key is not None else None
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        return _ask(client, api.rstrip("/"), auth, bearer, prefect.__version__, key)


def _ask(
    client: httpx.Client, api: str, auth: tuple[str, ...] | None, bearer: str | None, ours: str, key: Finding
) -> tuple[bool, list[Finding]]:
    shown = address_of(api)
    remedy = "start that server, or correct PREFECT_API_URL"
    try:
        health = client.get(f"{api}/health")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = "no answer within 5 s" if isinstance(error, httpx.TimeoutException) else "no connection"
        found = trouble_with_prefect() or f"{shown} cannot be reached: {why}"
        return False, [problem("prefect", found, "GET /health", remedy), key]
    if health.status_code != 200:
        found = trouble_with_prefect() or f"{shown} answers HTTP {health.status_code} to a question for its health"
        return False, [problem("prefect", found, "GET /health", remedy), key]
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and not auth else {}
    basic = httpx.BasicAuth(auth[0], auth[-1] if len(auth) > 1 else "") if auth else None
    try:
        answer = client.get(f"{api}/admin/version", auth=basic, headers=headers)
        nobody = client.get(f"{api}/admin/version")
    except httpx.HTTPError:
        return False, [problem("prefect", f"{shown} stopped answering", "GET /admin/version", remedy), key]
    if answer.status_code in (401, 403):
        word = "refuses" if auth or bearer else "wants"
        found = f"{shown} {word} PREFECT_API_AUTH_STRING"
        return False, [problem("prefect", found, "GET /admin/version", "set it to what the server has"), key]
    theirs = _version(answer)
    if theirs is None:
        found = f"{shown} answers, but not as a Prefect server does"
        return False, [problem("prefect", found, "GET /admin/version", remedy), key]
    access = _access(client, api, nobody.status_code)
    return True, [_versions(shown, theirs, ours), *access, *_costs(client, api, basic, headers), key]


def _version(answer: httpx.Response) -> str | None:
    try:
        version = answer.json()
    except ValueError:
        return None
    return version if isinstance(version, str) and re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,40}", version) else None


def _versions(shown: str, theirs: str, ours: str) -> Finding:
    known = "tried together" if {theirs, ours} <= _TRIED else "not tried together"
    found, tried = f"{shown} has version {theirs}, this side {ours}: {known}", "GET /admin/version"
    if theirs == ours or known == "tried together":
        return ok("prefect", found, tried)
    return warning("prefect", found, tried, f"run one version on both sides; tried are {' and '.join(sorted(_TRIED))}")


def _access(client: httpx.Client, api: str, without: int) -> list[Finding]:
    """Who else may read the blocks; nothing of it matters as much on a machine of one's own."""
    say = warning if is_loopback(api) else problem
    found: list[Finding] = []
    if urlsplit(api).scheme != "https" and not is_loopback(api):
        text = "secrets and the password travel in clear over plain http"
        found.append(problem("prefect transport", text, "PREFECT_API_URL", "put TLS in front of it and use https"))
    if without == 200:
        text = "whoever can reach the API reads every secret: it asks for no password"
        remedy = "PREFECT_SERVER_API_AUTH_STRING for the server, PREFECT_API_AUTH_STRING for all others"
        found.append(say("prefect access", text, "GET /admin/version without a password", remedy))
    else:
        found.append(ok("prefect access", "the API asks for a password", "GET /admin/version without one"))
    csrf = _csrf(client, api)
    tried = "GET /ui-settings"
    if csrf is None:
        text, remedy = "whether forged requests of web pages are refused cannot be seen from here", "see there"
        found.append(warning("prefect csrf", text, tried, f"{remedy}: PREFECT_SERVER_CSRF_PROTECTION_ENABLED"))
    elif csrf:
        found.append(ok("prefect csrf", "forged requests of web pages are refused", tried))
    else:
        text = "a web page in an operator's browser could send requests to the API"
        found.append(say("prefect csrf", text, tried, "PREFECT_SERVER_CSRF_PROTECTION_ENABLED=true for the server"))
    return found


def _csrf(client: httpx.Client, api: str) -> bool | None:
    try:
        shown = client.get(f"{api.removesuffix('/api')}/ui-settings").json().get("csrf_enabled")
    except (httpx.HTTPError, ValueError, AttributeError):
        return None
    return shown if isinstance(shown, bool) else None


def _costs(client: httpx.Client, api: str, auth: httpx.BasicAuth | None, headers: dict[str, str]) -> list[Finding]:
    """What the server's own settings cost; nothing where it does not tell."""
    try:
        server = client.get(f"{api}/admin/settings", auth=auth, headers=headers).json()["server"]
        services = server["services"]
        # Its address is hidden there; the driver is told where the database is given in parts.
        driver = server.get("database", {}).get("driver")
        at_once = [services.get(name, {}).get("batch_size") for name in ("event_persister", "task_run_recorder")]
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):
        return []
    events, task_runs = at_once
    found = [_events(events, driver)] if isinstance(events, int) else []
    return [*found, _task_runs(task_runs)] if isinstance(task_runs, int) else found


def _events(at_once: int, driver: str | None) -> Finding:
    name, text = "prefect events", f"the server writes its events {at_once} at a time"
    if at_once >= _EVENTS_AT_ONCE or driver == _POSTGRESQL:
        return ok(name, text, _SETTINGS)
    where = "" if driver else "if its database is SQLite, "
    text += f"; {where}it refuses blocks meanwhile, and an import waits for it again and again"
    unless = "" if driver else "; on PostgreSQL nothing"
    remedy = f"{_PERSISTER}_BATCH_SIZE=500 and {_PERSISTER}_FLUSH_INTERVAL=30 for the server{unless}"
    return warning(name, text, _SETTINGS, remedy)


def _task_runs(at_once: int) -> Finding:
    name, text = "prefect task runs", f"the server records task runs {at_once} at a time"
    if at_once >= _TASK_RUNS_AT_ONCE:
        return ok(name, text, _SETTINGS)
    text += "; a run costs it several times as much, and its pages are behind"
    return warning(name, text, _SETTINGS, f"{_RECORDER}_BATCH_SIZE=100 and {_RECORDER}_FLUSH_INTERVAL=1 for the server")


def _key(api: str | None) -> Finding:
    """What this environment shows of the key; only a server that runs in it is sure to have the same."""
    name, tried = "encryption key", "this environment"
    value = os.environ.get(_KEY) or os.environ.get("ORION_ENCRYPTION_KEY")
    if value:
        try:
            Fernet(value.encode())
        except ValueError:
            return problem(name, f"{_KEY} is not a Fernet key: a server with it stores no block", tried, _MAKE_KEY)
        return ok(name, f"{_KEY} is set here" + ("" if not api else "; the server must have the same"), tried)
    if not api:
        text = f"{_KEY} is not set: Prefect keeps the key beside the secrets, in the same database"
        return warning(name, text, tried, _MOVE)
    text = f"{_KEY} is not set here; a server without it keeps its key beside the secrets, in the same database"
    return warning(name, text, tried, f"look at the server's own environment; where it is missing, {_MOVE}")


def is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
