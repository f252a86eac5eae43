"""Whose key is used for whom."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from greenlight.ats.wanted import Wanted
from greenlight.domain.conditions import NOT_LOOKED_AT
from greenlight.domain.keys import IntegrationKey
from greenlight.domain.plan import Item
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.linkedin.errors import Refused
from greenlight.linkedin.oauth import Credentials
from greenlight.reconcile.observe import credentials_of


def wanted(block: str | None) -> Wanted:
    item = Item("acme", IntegrationKey("urn:li:organization:1", "CSA_API", "JOBS"))
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Wanted(1, item, "name", "client-acme", block, Status.REQUESTED, now, NOT_LOOKED_AT)


def test_a_block_is_used_for_the_application_that_is_on_record() -> None:
    own = Credentials("client-acme", SecretStr("s3cr3t"))
    assert credentials_of(wanted("block"), {"block": own}) is own


@pytest.mark.parametrize("block", [None, "gone"])
def test_a_block_that_is_not_there_is_said_to_be_missing(block: str | None) -> None:
    with pytest.raises(Refused) as refused:
        credentials_of(wanted(block), {"block": Credentials("client-acme", SecretStr("s3cr3t"))})
    assert refused.value.reason is Reason.CREDENTIALS_MISSING


def test_a_block_with_another_client_id_is_somebody_elses() -> None:
    """An enable with it would be another customer's, and could not be taken back."""
    with pytest.raises(Refused) as refused:
        credentials_of(wanted("block"), {"block": Credentials("client-bolt", SecretStr("s3cr3t"))})
    assert refused.value.reason is Reason.WRONG_CREDENTIALS
    assert "s3cr3t" not in str(refused.value)
