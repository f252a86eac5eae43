"""Tasks are run as flows run them: before a sandbox, with a Prefect server and the ATS database."""

from tests.flows.conftest import ada as ada
from tests.flows.conftest import bob as bob
from tests.flows.conftest import heard as heard
from tests.flows.conftest import town as town
from tests.flows.conftest import unique as unique
