"""A LinkedIn that shows everything as requested, and credentials for everybody."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from greenlight.domain.keys import IntegrationKey
from greenlight.domain.status import Observation, Status
from greenlight.linkedin.answers import Seen
from greenlight.linkedin.oauth import Credentials


class Shows:
    async def verify(
        self, credentials: Credentials, keys: Sequence[IntegrationKey], **_: object
    ) -> Mapping[IntegrationKey, Seen]:
        return dict.fromkeys(keys, Observation(Status.REQUESTED))


class Everybodys:
    async def get_many(self, names: Sequence[str]) -> Mapping[str, Credentials]:
        return {name: Credentials(name.replace("child-app", "client"), SecretStr("s3cr3t-canary")) for name in names}
