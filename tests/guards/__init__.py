"""Every guard on what cannot be undone: where it stands, what the code says without it, and the tests that fall then.

`tests/mutate.py` takes them out one by one; `docs/safety.md` lists them.
"""

from tests.guards.api import API
from tests.guards.embedding import EMBEDDING
from tests.guards.guard import Guard as Guard
from tests.guards.ledger import LEDGER
from tests.guards.plans import PLANS
from tests.guards.shards import SHARDS
from tests.guards.sources import SOURCES
from tests.guards.webhooks import WEBHOOKS

GUARDS = [*LEDGER, *PLANS, *SHARDS, *SOURCES, *WEBHOOKS, *API, *EMBEDDING]
