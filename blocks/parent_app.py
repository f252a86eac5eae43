"""The parent application's credentials: the ones that provision child applications, and nothing else."""

from typing import ClassVar

from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from pydantic import ConfigDict, Field, HttpUrl, SecretStr

from blocks.saving import SHORT_PATIENCE, save
from blocks.singletons import load_or_none
from greenlight.linkedin.oauth import Credentials

#: One parent per Greenlight: a test and a production parent are two installations (docs/linkedin.md#provisioning).
NAME = "parent"


class LinkedInParentApp(Block):
    """The vendor's parent application at LinkedIn: its client id and its secret."""

    _block_type_name: ClassVar[str | None] = "LinkedIn parent application"
    _block_type_slug: ClassVar[str | None] = "linkedin-parent-app"
    _description: ClassVar[str | None] = "OAuth client credentials of the application that provisions customers'."
    _logo_url: ClassVar[HttpUrl | None] = Secret._logo_url
    _documentation_url: ClassVar[HttpUrl | None] = HttpUrl(
        "https://learn.microsoft.com/en-us/linkedin/shared/authentication/provisioning-api"
    )
    _code_example: ClassVar[str | None] = """```python
from blocks.parent_app import LinkedInParentApp

held = LinkedInParentApp.load("BLOCK_NAME")
client_id = held.client_id
```"""

    model_config = ConfigDict(hide_input_in_errors=True)

    client_id: str = Field(description="Client id of the parent application, from LinkedIn's developer portal.")
    client_secret: SecretStr = Field(description="Its secret, from the same place.")


async def parent_credentials() -> Credentials | None:
    """The parent application's credentials, or None where nobody has put them in place."""
    block = await load_or_none(LinkedInParentApp, NAME)
    return Credentials(block.client_id, block.client_secret) if block is not None else None


async def save_parent(credentials: Credentials) -> None:
    """Put the parent's credentials in place of those held. Raises BlocksNotSaved."""
    data = {"client_id": credentials.client_id, "client_secret": credentials.client_secret.get_secret_value()}
    await save(LinkedInParentApp, {NAME: data}, SHORT_PATIENCE)
