"""`config` and `--version`: what is in force here, and where it comes from."""

import os
from importlib.metadata import version
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr
from yarl import URL

from cli.options import Json
from cli.prefect_way import address_of
from cli.render import console_for_people, plain, print_json, table_of
from greenlight.settings import ENV_FILE, PREFIX, Settings, load_settings

SCHEMA = "greenlight.config/1"
_MASK = "***"


def versions() -> str:
    """This version, Prefect's, and the schema that this version needs."""
    from greenlight.ats.revisions import newest_revision

    ours, prefects = version("greenlight-ats-reconciler"), version("prefect")
    return f"greenlight {ours} (Prefect {prefects}, schema {newest_revision()})"


def config(*, json: Json = False) -> int:
    """Show every setting in force, its value, and where that comes from; secrets are masked. Asks nobody."""
    settings = load_settings()
    found = [*_ours(settings), _prefects()]
    if json:
        print_json({"schema": SCHEMA, "command": "config", "settings": found})
        return 0
    table = table_of("setting", "value", "from")
    for each in found:
        table.add_row(*map(plain, (each["name"], _words(each["value"]), each["from"])))
    console = console_for_people()
    console.print(table)
    given = sum(each["from"] != "default" for each in found)
    console.print(plain(f"{len(found)} settings: {given} given, {len(found) - given} by default."))
    return 0


def _ours(settings: Settings) -> list[dict[str, Any]]:
    environment = {name.upper() for name in os.environ}
    in_file = {name.upper() for name in dotenv_values(ENV_FILE, interpolate=False)}
    found: list[dict[str, Any]] = []
    for field in Settings.model_fields:
        if field.endswith("_file") and field.removesuffix("_file") in Settings.model_fields:
            # It stands where its value does.
            continue
        name = f"{PREFIX}{field.upper()}"
        path = getattr(settings, f"{field}_file", None)
        if path:
            source = f"file {path} ({name}_FILE)"
        elif name in environment:
            source = "environment"
        else:
            source = f"file {ENV_FILE}" if name in in_file else "default"
        value = getattr(settings, field)
        shown = masked(value) if isinstance(value, SecretStr) else list(value) if isinstance(value, tuple) else value
        found.append({"name": name, "value": shown, "from": source, "secret": isinstance(value, SecretStr)})
    return found


def _prefects() -> dict[str, Any]:
    """Where flows report: Prefect's own setting, as far as the environment says it."""
    url = os.environ.get("PREFECT_API_URL")
    shown = {"value": address_of(url), "from": "environment"} if url else {"value": None, "from": "default"}
    return {"name": "PREFECT_API_URL", **shown, "secret": False}


def masked(secret: SecretStr) -> str:
    """An address without its user's password and query; of anything else nothing."""
    try:
        url = URL(secret.get_secret_value())
        if not url.scheme or not (url.host or url.path):
            return _MASK
        kept = url.with_query(None).with_fragment(None)
        if url.password is None and url.user is not None and url.scheme in ("http", "https"):
            # Some proxies take a token in a user's place.
            return str(kept.with_user(_MASK))
        return str(kept.with_password(_MASK) if url.password is not None else kept)
    except ValueError:
        return _MASK


def _words(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(_words, value)) if isinstance(value, list) else str(value)
