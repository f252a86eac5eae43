"""Settings of the plugin on the vendor's own page (docs/embedding.md)."""

from typing import Annotated

from pydantic import field_validator
from pydantic_settings import BaseSettings, NoDecode
from yarl import URL

from greenlight.domain.applications import InvalidOrigin, parse_origin
from greenlight.domain.way import is_loopback

#: A host's name takes at most 253 characters.
_LONGEST = 300


class EmbedSettings(BaseSettings):
    """A part of `greenlight.settings.Settings`; no validator has a name that another part has."""

    #: Origins of the vendor's pages that may show the plugin; none is that it is shown on the portal alone.
    embed_origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("embed_origins", mode="before")
    @classmethod
    def _embed_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))

    @field_validator("embed_origins")
    @classmethod
    def _embed_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            origins = [URL(parse_origin(text)) for text in value]
        except InvalidOrigin as error:
            raise ValueError(f"has an entry that cannot be used: {error}") from None
        if any(origin.scheme == "http" and not is_loopback(origin.host or "") for origin in origins):
            raise ValueError("has an entry of plain http, which is accepted for a loopback address alone; use https")
        if any(len(text) > _LONGEST for text in value):
            raise ValueError(f"has an entry of more than {_LONGEST} characters, which is no host's name")
        return value
