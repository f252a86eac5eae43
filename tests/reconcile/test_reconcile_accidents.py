"""One customer's accident stays its own, and is said."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from greenlight.ats.database import make_database
from greenlight.ats.leases import Leases
from greenlight.ats.looks import CustomerLooks
from greenlight.ats.store import Store
from greenlight.domain.reasons import Reason
from greenlight.domain.status import Status
from greenlight.reconcile.customer_leases import CustomerLeases
from greenlight.reconcile.observe import Observer, Purpose
from tests.ats.world import bring_in, customer, integration
from tests.reconcile.stand_ins import Everybodys, Shows

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Disk(Exception):
    pass


class Torn(Store):
    """A database that does not take what is seen of some customers, `always` not even that it was not taken."""

    broken: frozenset[int] = frozenset()
    always = False

    def record_all_looks(self, together: Sequence[CustomerLooks]) -> list[None]:
        looks = [look for made in together for look in made.looks]
        mine = any(look.id in self.broken for look in looks)
        if mine and (self.always or any(look.seen for look in looks)):
            raise Disk("full")
        return super().record_all_looks(together)


@pytest.fixture
def store(sqlite_template: Path, tmp_path: Path) -> Iterator[Torn]:
    file = tmp_path / "ats.db"
    shutil.copy(sqlite_template, file)
    database = make_database(f"sqlite:///{file}")
    yield Torn(database)
    database.close()


def observer(store: Torn) -> Observer:
    leases = CustomerLeases(Leases(store._database), lambda: NOW)
    return Observer(store, Shows(), Everybodys(), lambda: NOW, leases)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("always", [False, True], ids=["for a look", "for anything"])
async def test_the_others_of_a_chunk_are_looked_at(store: Torn, always: bool) -> None:
    ids = bring_in(store._database, *(customer(f"c{number}") for number in range(40)))
    store.broken, store.always = frozenset({ids[7]}), always
    if always:
        with pytest.raises(Disk):
            await observer(store).look("run-1", Purpose.OBSERVE, ids)
    else:
        remaining = await observer(store).look("run-1", Purpose.OBSERVE, ids)
        assert remaining.items == 1, "it is worth another try"
        row = integration(store._database, ids[7])
        assert (row.outcome, row.reason, row.detail) == ("failed", Reason.NOT_DONE, "Disk")
    assert {integration(store._database, id).observed for id in ids if id != ids[7]} == {Status.REQUESTED}
    store.broken = frozenset()
    assert (await observer(store).look("run-1", Purpose.OBSERVE, ids)).items == 0
    assert integration(store._database, ids[7]).reason == Reason.READY_TO_ENABLE
