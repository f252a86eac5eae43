"""The points at which a process can die: each is passed on to a listener by name, in order.

What is wrapped is what has an effect that outlives the process: exchanges with LinkedIn, blocks, transactions. Between
two of these points a process only reads and thinks, so that a kill there leaves the same world as one at the first.
"""

import asyncio
import fcntl
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

from prefect.client.orchestration import PrefectClient
from sqlmodel import Session

from blocks.child_app import ChildAppBlocks
from greenlight.ats.database import Database
from greenlight.linkedin import transport
from greenlight.linkedin.oauth import Credentials
from greenlight.linkedin.transport import Answered, Wire

#: The client id of the parent application in these tests.
PARENT = "vendorparent"

#: Transactions whose functions have names that say too little, or that others have as well.
_NAMES = {
    "Leases.take_all": "take lease",
    "Leases.renew": "renew lease",
    "Leases.release_all": "release lease",
    "Budgets.take_all": "count request",
    "Attempts.begin_all": "begin attempt",
    "Attempts.end_all": "end attempt",
    "Attempts.record_all": "record",
    "Store.record_all_looks": "record_looks",
}

Listener = Callable[[str], None]
_Call = Callable[..., Awaitable[Any]]
_EXCHANGE: ContextVar[str] = ContextVar("exchange")


def watch(listener: Listener) -> None:
    """From now on `listener` hears of every step of this process, right where it happens."""
    Wire.exchange = _exchange(Wire.exchange, listener)
    transport._bounded = _body(transport._bounded, listener)
    ChildAppBlocks.get_many = _around(ChildAppBlocks.get_many, "block read", listener)
    ChildAppBlocks.save_many = _around(ChildAppBlocks.save_many, "block save", listener)
    for method in ("create_block_document", "update_block_document"):
        setattr(PrefectClient, method, _around(getattr(PrefectClient, method), "document", listener))
    Database.writing = _writing(Database.writing, listener)


def one_writer_at_a_time(file: Path) -> None:
    """Prefect's server on SQLite answers writers side by side with lock errors, and its client then waits 2 s.

    The kernel opens the lock of a process that is killed.
    """
    call = ChildAppBlocks.save_many

    @wraps(call)
    async def alone(self: ChildAppBlocks, wanted: Mapping[str, Credentials]) -> Any:
        with file.open("wb") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            return await call(self, wanted)

    ChildAppBlocks.save_many = alone


def _around(call: _Call, name: str, listener: Listener) -> Any:
    @wraps(call)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        listener(f"{name}: before")
        answer = await call(*args, **kwargs)
        listener(f"{name}: after")
        return answer

    return wrapped


def _exchange(call: Callable[..., Awaitable[Answered]], listener: Listener) -> Any:
    @wraps(call)
    async def wrapped(self: Wire, method: str, url: str, **kwargs: Any) -> Answered:
        name = _operation(method, url, kwargs.get("form"))
        listener(f"{name}: before")
        _EXCHANGE.set(name)
        try:
            return await call(self, method, url, **kwargs)
        finally:
            # Also where the answer is lost: LinkedIn has carried it out all the same.
            listener(f"{name}: after")

    return wrapped


def _body(call: Callable[..., Awaitable[bytes | None]], listener: Listener) -> Any:
    @wraps(call)
    async def wrapped(*args: Any) -> bytes | None:
        # LinkedIn has acted, and its answer stands at the door unread.
        if (name := _EXCHANGE.get()) in ("verify", "enable"):
            listener(f"{name}: answered")
        return await call(*args)

    return wrapped


def _operation(method: str, url: str, form: Mapping[str, str] | None) -> str:
    if form is not None:
        return "parent token" if form["client_id"] == PARENT else "token"
    if "/atsIntegrations" in url:
        return "verify" if method == "GET" else "enable"
    if "rollDeveloperApplicationSecret" in url:
        return "rotate"
    if method == "GET":
        return "find"
    return "create" if url.endswith("/provisionedApplications") else "update"


def _writing(call: Callable[[Database], AbstractContextManager[Session]], listener: Listener) -> Any:
    #: Of the transaction that goes on in this thread.
    parts = threading.local()

    @contextmanager
    def watched(database: Database, name: str) -> Iterator[Session]:
        if database._shared() is not None:
            with call(database) as session:
                yield session
            parts.names.append(name)
            return
        parts.names = []
        with call(database) as session:
            yield session
            # Everything of the transaction is with the database now, and none of it is kept yet.
            session.flush()
            # What goes together is called by its parts; where all of them only read, there is nothing to lose.
            names = parts.names if name == "together" else [name]
            for each in names:
                listener(f"commit {each}: before")
        for each in names:
            listener(f"commit {each}: after")

    @wraps(call)
    def wrapped(self: Database) -> AbstractContextManager[Session]:
        # A transaction goes by the name of the function that opens it.
        frame = sys._getframe(1)
        # These only repeat what the caller of `write` does.
        while frame.f_code.co_name in ("once", "patiently", "write", "write_in_parts") and frame.f_back is not None:
            frame = frame.f_back
        code = frame.f_code
        return watched(self, _NAMES.get(code.co_qualname, code.co_name))

    return wrapped
