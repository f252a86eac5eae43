"""Settings of where what is wanted comes from (docs/desired-state.md)."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from greenlight.domain.desired import DesiredFrom
from greenlight.setting_values import check_address, check_user, database_address, text_or_file

_PREFIX = "GREENLIGHT_"


class SourceSettings(BaseSettings):
    """A part of `greenlight.settings.Settings`."""

    #: Greenlight's own tables, or a source that every run syncs with before it looks.
    desired_source: DesiredFrom = DesiredFrom.OWN
    #: Where the source is; may carry a password, so it may also stand in a file.
    desired_url_file: str | None = None
    desired_url: SecretStr | None = Field(default=None, validate_default=True)
    #: Of SQL: the name of a view, or a SELECT; `greenlight_desired` unless given.
    desired_query_file: str | None = None
    desired_query: str | None = Field(default=None, validate_default=True)
    #: Of HTTP: the bearer token.
    desired_token_file: str | None = None
    desired_token: SecretStr | None = Field(default=None, validate_default=True)

    @field_validator("desired_url", "desired_query", "desired_token", mode="before")
    @classmethod
    def _given(cls, value: object, info: ValidationInfo) -> object:
        return text_or_file(value, info, _PREFIX) or None

    @field_validator("desired_url")
    @classmethod
    def _source(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        source = info.data.get("desired_source", DesiredFrom.OWN)
        if source is DesiredFrom.OWN:
            if value is not None:
                raise ValueError("is given, and GREENLIGHT_DESIRED_SOURCE is own; set it to sql, file or http")
            return None
        if value is None:
            raise ValueError(f"is missing, and GREENLIGHT_DESIRED_SOURCE is {source}; say where the source is")
        check_user(value.get_secret_value())
        if source is DesiredFrom.SQL:
            url = database_address(value.get_secret_value())
            if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
                raise ValueError("names no file; use sqlite:///FILE")
            return SecretStr(url.render_as_string(hide_password=False))
        if source is DesiredFrom.HTTP:
            never = "a user or a fragment; the token is GREENLIGHT_DESIRED_TOKEN"
            check_address(value.get_secret_value(), cut="#", never=never)
        return value
