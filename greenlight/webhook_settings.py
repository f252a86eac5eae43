"""Settings of webhooks: where they go, what they are signed with, and whether that may be inside (docs/webhooks.md)."""

import binascii
from base64 import b64decode

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from greenlight.setting_values import check_address, text_or_file

#: As Standard Webhooks has it: this before base64 of so many bytes.
_SECRET_PREFIX, _SECRET_BYTES = "whsec_", range(24, 65)
#: One, and while it is replaced another.
_SECRETS_AT_MOST = 2


class WebhookSettings(BaseSettings):
    """A part of `greenlight.settings.Settings`; no validator has a name that another part has."""

    #: What each delivery is signed with, the newest first; a comma list of two at most, which may stand in a file.
    webhook_secret_file: str | None = None
    webhook_secret: SecretStr | None = Field(default=None, validate_default=True)
    #: Whether the receiver may stand at an address of the operator's own network.
    webhook_allow_internal: bool = False
    #: The receiver; none is no webhooks.
    webhook_url: str | None = Field(default=None, validate_default=True)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        text = "" if self.webhook_secret is None else self.webhook_secret.get_secret_value()
        return _listed(text)

    @field_validator("webhook_secret", mode="before")
    @classmethod
    def _webhook_secret_or_file(cls, value: object, info: ValidationInfo) -> object:
        return text_or_file(value, info, "GREENLIGHT_") or None

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        secrets = () if value is None else _listed(value.get_secret_value())
        if value is not None and not 1 <= len(secrets) <= _SECRETS_AT_MOST:
            raise ValueError("takes one secret, or two while one replaces the other: NEW,OLD")
        if not all(map(_is_secret, secrets)):
            raise ValueError("has an entry that is no secret; use whsec_ and base64 of 24 to 64 random bytes")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _webhook_receiver(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            return None
        check_address(value)
        # A secret that cannot be used is told by itself.
        if info.data.get("webhook_secret", value) is None:
            raise ValueError("is given, and GREENLIGHT_WEBHOOK_SECRET is not; nothing is sent unsigned")
        return value


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _is_secret(text: str) -> bool:
    try:
        decoded = b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(_SECRET_PREFIX) and len(decoded) in _SECRET_BYTES
