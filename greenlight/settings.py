"""Settings: environment variables with defaults that need nothing but Python (docs/interface.md#settings)."""

from enum import StrEnum
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from yarl import URL

from greenlight.domain.applications import MAX_ATS_NAME, InvalidOrigin, name_units, names_linkedin, parse_origin
from greenlight.domain.approval import Approvers
from greenlight.domain.budget import Scope
from greenlight.domain.keys import InvalidKey, parse_constant
from greenlight.domain.way import Way, is_loopback
from greenlight.embed_settings import EmbedSettings
from greenlight.errors import BadInput
from greenlight.mistyped import is_meant_for, mistyped, named_like_settings
from greenlight.setting_values import (
    check_address,
    check_certificates,
    check_networks,
    check_proxy,
    database_address,
    text_or_file,
)
from greenlight.source_settings import SourceSettings
from greenlight.webhook_settings import WebhookSettings

PREFIX = "GREENLIGHT_"
ENV_FILE = ".env"

#: Tells a default from the same value that was given.
_NOT_GIVEN = SecretStr("not given")


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class InvalidSettings(BadInput, remedy="correct the variable; `greenlight config` shows what is in force"):
    """A setting that cannot be used. The text names the variable, what is wrong and what to do."""


def _default_database_url() -> str:
    return f"sqlite:///{user_data_path('greenlight', ensure_exists=False) / 'greenlight.db'}"


class Settings(SourceSettings, WebhookSettings, EmbedSettings):
    """Built once at the top with `load_settings` and passed down."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    #: May carry a password, so it is kept out of reprs, and may also stand in a file.
    database_url_file: str | None = None
    database_url: SecretStr = Field(default=_NOT_GIVEN, validate_default=True)
    linkedin_api_url: str = "https://api.linkedin.com"
    linkedin_token_url: str = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105 - an address
    linkedin_widget_url: str = "https://www.linkedin.com/uas/in.js"
    #: The proxy through which LinkedIn is reached; may carry a password, so it may also stand in a file.
    https_proxy_file: str | None = None
    https_proxy: SecretStr | None = Field(default=None, validate_default=True)
    no_proxy: Annotated[tuple[str, ...], NoDecode] = ()
    #: Certificates that are trusted beside the public ones, in PEM form.
    ca_file: str | None = None
    #: Requests that one run has on their way to LinkedIn at once.
    connections: int = Field(default=32, ge=1, le=1024)
    #: Customers from which on, and in parts of which, a run lets other machines help it; 0 is never.
    shard_size: int = Field(default=0, ge=0, le=100_000)
    http_timeout_seconds: float = Field(default=15, gt=0, le=600, allow_inf_nan=False)
    retry_delays_seconds: Annotated[tuple[float, ...], NoDecode] = (2.0, 10.0, 30.0)
    #: How long an enable whose answer proves nothing may still land.
    settle_seconds: float = Field(default=120, ge=0, le=3600, allow_inf_nan=False)
    requests_per_day: int = Field(default=5000, ge=1)
    #: Whether that many are each child application's own, or all that the parent's children may send together.
    budget_scope: Scope = Scope.CHILD
    #: Whether whoever applies a plan may have approved it too, or two persons must have a hand in it.
    approvers: Approvers = Approvers.ANYONE

    #: What the portal and the worker log: lines for people, or one JSON object a line.
    log_format: LogFormat = LogFormat.TEXT

    #: How many nights it takes to look again at all that is settled as ENABLED.
    recheck_days: int = Field(default=7, ge=1, le=365)
    #: How long what is over and no evidence of an enable is kept.
    retention_days: int = Field(default=400, ge=30, le=36_500)

    #: First part of every child application's name, which customers see on LinkedIn's consent screen.
    ats_name: str = Field(default="ATS", max_length=MAX_ATS_NAME * 4)
    #: This installation's own name, by which it knows the applications that it makes from another's; empty is none.
    installation: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")
    #: What every child application's `validJsSdkDomains` should be; the portal's own origin unless given.
    js_sdk_domains: Annotated[tuple[str, ...], NoDecode] = ()
    #: How long a new child application may take to work (docs/linkedin.md#after-create).
    application_ready_seconds: float = Field(default=300, ge=0, le=3600, allow_inf_nan=False)

    #: The origin under which customers reach the portal.
    portal_url: str = "http://127.0.0.1:8780"
    linkedin_widget_extension: str = "https://platform.linkedin.com/rsc/extensions/onboarding-widget"
    #: The bundles that the plugin offers, as LinkedIn's page lists them (docs/linkedin.md#the-plugin).
    portal_integrations: Annotated[tuple[str, ...], NoDecode] = (
        "RECRUITER_SYSTEM_CONNECT_COMPANY",
        "RECRUITER_SYSTEM_CONNECT_CONTRACT",
        "APPLY_WITH_LINKEDIN",
    )
    #: Origins that may show the page in a frame.
    portal_frame_ancestors: Annotated[tuple[str, ...], NoDecode] = ()
    #: Sources beyond LinkedIn's known ones that its script turns out to need.
    portal_extra_sources: Annotated[tuple[str, ...], NoDecode] = ()
    #: Whether LinkedIn's script may bring `<style>` elements and style attributes.
    portal_inline_styles: bool = False
    portal_csp_report_only: bool = False
    #: Addresses and networks of proxies whose X-Forwarded-For is believed.
    portal_trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()

    @property
    def database(self) -> str:
        """Which database that is, without a secret; a password may also stand in the query."""
        return make_url(self.database_url.get_secret_value()).set(query={}).render_as_string()

    @property
    def way(self) -> Way:
        """The way out to LinkedIn."""
        proxy = None if self.https_proxy is None else self.https_proxy.get_secret_value()
        return Way(proxy, self.no_proxy, self.ca_file, self.connections)

    @property
    def settles_in_seconds(self) -> float:
        """Never less than three time-outs: it leaves within one, is answered within another, lands within a third."""
        return max(self.settle_seconds, 3 * self.http_timeout_seconds)

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the plugin is to work: on the pages that are named, and on those that embed it."""
        return tuple(dict.fromkeys([*(self.js_sdk_domains or (self.portal_url,)), *self.embed_origins]))

    @field_validator("database_url", "https_proxy", mode="before")
    @classmethod
    def _from_file(cls, value: object, info: ValidationInfo) -> object:
        value = None if value is _NOT_GIVEN else value
        # The default is another database than the one that is meant.
        given = text_or_file(value, info, PREFIX, needs_name=info.field_name == "database_url" and value is None)
        return _NOT_GIVEN if given is None and info.field_name == "database_url" else given

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        if value is _NOT_GIVEN:
            return SecretStr(_default_database_url())
        url = database_address(value.get_secret_value())
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("names no file; use sqlite:///FILE")
        if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise ValueError(f"names {url.drivername}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")
        return SecretStr(url.render_as_string(hide_password=False))

    @field_validator("https_proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        if not text:
            return None
        check_proxy(text)
        return value

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, value: str | None) -> str | None:
        if not value:
            return None
        check_certificates(value)
        return value

    @field_validator(
        "no_proxy",
        "js_sdk_domains",
        "portal_integrations",
        "portal_frame_ancestors",
        "portal_extra_sources",
        "portal_trusted_proxies",
        mode="before",
    )
    @classmethod
    def _list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))

    @field_validator("js_sdk_domains", "portal_frame_ancestors", "portal_extra_sources")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(map(parse_origin, value))
        except InvalidOrigin as error:
            raise ValueError(f"has an entry that cannot be used: {error}") from None

    @field_validator("portal_url")
    @classmethod
    def _portal(cls, value: str) -> str:
        try:
            origin = URL(parse_origin(value))
        except InvalidOrigin as error:
            raise ValueError(f"is not the portal's origin: {error}") from None
        if origin.scheme == "http" and not is_loopback(origin.host or ""):
            raise ValueError("uses plain http, which is accepted for a loopback address alone; use https")
        return value

    @field_validator("portal_integrations")
    @classmethod
    def _integrations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            bundles = tuple(map(parse_constant, value))
        except InvalidKey as error:
            raise ValueError(f"has an entry that cannot be used: {error}") from None
        if not bundles:
            raise ValueError("names no integration; give a comma list like APPLY_WITH_LINKEDIN,APPLY_CONNECT")
        return bundles

    @field_validator("portal_trusted_proxies")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        check_networks(value)
        return value

    @field_validator("ats_name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("is empty or has characters that cannot be shown; give the ATS's name")
        if name_units(value) > MAX_ATS_NAME:
            raise ValueError(f"takes more than {MAX_ATS_NAME} characters of an application's name; shorten it")
        if names_linkedin(value):
            raise ValueError('has "LinkedIn" in it, which LinkedIn does not allow; leave it out')
        return value.strip()

    @field_validator("linkedin_api_url", "linkedin_token_url", "linkedin_widget_url", "linkedin_widget_extension")
    @classmethod
    def _address(cls, value: str) -> str:
        check_address(value)
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


def load_settings() -> Settings:
    """Read the environment (and `.env`). Raises InvalidSettings with one sentence for each variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise InvalidSettings("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None
    if not settings.model_fields_set & {"database_url", "database_url_file"}:
        # The default would be used in its place: another database than the one that is meant.
        for name in mistyped(named_like_settings(PREFIX, ENV_FILE), _known()):
            for meant in ("DATABASE_URL", "DATABASE_URL_FILE"):
                if is_meant_for(name, meant):
                    raise InvalidSettings(f"{PREFIX}{name} is no setting; rename it to {PREFIX}{meant}")
    return settings


def pointed_out() -> list[str]:
    """A sentence for each variable that is named like a setting and is none."""
    try:
        found = mistyped(named_like_settings(PREFIX, ENV_FILE), _known())
    except (OSError, ValueError):
        # Reading the settings says so.
        return []
    return [
        f"{PREFIX}{name} is no setting" + (f"; {PREFIX}{nearest} is" if nearest else " and nothing reads it")
        for name, nearest in found.items()
    ]


def _known() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    variable = PREFIX + str(location[0] if location else "").upper()
    return f"{variable} {message.removeprefix('Value error, ')}".rstrip(".")
