"""Settings: environment variables with defaults that run with nothing installed but Python (interface, "Settings")."""

import re
from ipaddress import ip_address
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from yarl import URL

PREFIX = "GREENLIGHT_"

_URL_TEXT = re.compile(r"[!-~]+")


class InvalidSettings(Exception):
    """A setting that cannot be used. The text names the variable, what is wrong and what to do."""


def _default_database_url() -> str:
    return f"sqlite:///{user_data_path('greenlight', ensure_exists=False) / 'greenlight.db'}"


class Settings(BaseSettings):
    """Built once at the top with `load_settings` and passed down."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    #: May carry a password, so it is kept out of reprs.
    database_url: SecretStr = Field(default_factory=lambda: SecretStr(_default_database_url()))
    linkedin_api_url: str = "https://api.linkedin.com"
    linkedin_token_url: str = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105 - an address
    linkedin_widget_url: str = "https://www.linkedin.com/uas/in.js"
    http_timeout_seconds: float = Field(default=15, gt=0, le=600, allow_inf_nan=False)
    retry_delays_seconds: Annotated[tuple[float, ...], NoDecode] = (2.0, 10.0, 30.0)
    requests_per_day: int = Field(default=5000, ge=1)

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError(
                "is not a database URL; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
            ) from None
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("names no file; use sqlite:///FILE")
        if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise ValueError(f"names {url.drivername}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")
        return SecretStr(url.render_as_string(hide_password=False))

    @field_validator("linkedin_api_url", "linkedin_token_url", "linkedin_widget_url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            url = URL(value)
            host = url.host or ""
        except ValueError:
            url, host = URL(), ""
        # yarl mends what it reads, and it is the text itself that is used.
        if not host or url.scheme not in ("http", "https") or not _URL_TEXT.fullmatch(value):
            raise ValueError("is not an address; use a full https address")
        if url.user is not None or url.password is not None or set(value) & set("?#"):
            raise ValueError("must not carry a user, a query or a fragment; use the plain https address")
        if url.scheme == "http" and not _is_loopback(host):
            raise ValueError("uses plain http, which is accepted for a loopback address alone; use https")
        return value.rstrip("/")

    @field_validator("retry_delays_seconds", mode="before")
    @classmethod
    def _delays(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            delays = tuple(float(part) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("is not a comma list of seconds like 2,10,30") from None
        if len(delays) > 20 or not all(0 <= delay <= 3600 for delay in delays):
            raise ValueError("takes at most 20 waits of 0 to 3600 seconds, like 2,10,30")
        return delays


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings() -> Settings:
    """Read the environment (and `.env`). Raises InvalidSettings with one sentence for each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    variable = PREFIX + str(location[0] if location else "").upper()
    return f"{variable} {message.removeprefix('Value error, ')}".rstrip(".")
