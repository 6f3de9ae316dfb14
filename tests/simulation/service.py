"""A service that `httpx` reaches without a socket, and its records about its clients."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpx

#: The header with the operation of a request, only for the records: no fault depends on it.
OPERATION_HEADER = "X-Operation"
IDEMPOTENCY_HEADER = "Idempotency-Key"
#: The header of an answer that tells whether the operation was carried out, for `verify`.
CARRIED_OUT_HEADER = "X-Carried-Out"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class Behavior(Protocol):
    """How a service treats requests."""

    async def serve(self, job: "Job") -> Reply:
        """Return the answer, after its latency."""

    async def foresee(self, patience: float) -> bool:
        """Wait up to `patience` for a moment in which a request works, and return whether it does; for the oracle."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request in the view of the service.

    Attributes:
        operation: The operation that it belongs to.
        key: Of writes with the same key, only one is carried out.
        ledger: Where it is entered when carried out; None for a request that only reads.
    """

    operation: int
    key: str
    ledger: "Ledger | None"

    def carry_out(self) -> None:
        """Enter a write in the ledger."""
        if self.ledger is not None:
            self.ledger.enter(self)


class Ledger:
    """The writes that a service has carried out."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._times_by_operation: Counter[int] = Counter()

    def enter(self, job: Job) -> None:
        """Carry out a write, unless its key is known."""
        if job.key not in self._keys:
            self._keys.add(job.key)
            self._times_by_operation[job.operation] += 1

    def has(self, operation: int) -> bool:
        """Return whether a write of this operation was carried out."""
        return self._times_by_operation[operation] > 0

    @property
    def repeated(self) -> int:
        """How often a write was carried out again."""
        return sum(times - 1 for times in self._times_by_operation.values())


class Service:
    """A service and its records.

    Attributes:
        behavior: How it treats requests.
        ledger: The ledger of its writes.
        requested_at: When each request came.
    """

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.ledger = Ledger()
        self.requested_at: list[float] = []

    async def answer(self, request: httpx.Request) -> Reply:
        """Return the answer to `request`, after the time that the behavior takes."""
        self.requested_at.append(asyncio.get_running_loop().time())
        anonymous = f"request {len(self.requested_at)}"
        job = Job(
            operation=int(request.headers[OPERATION_HEADER]),
            key=request.headers.get(IDEMPOTENCY_HEADER, anonymous),
            ledger=self.ledger if request.method == "POST" else None,
        )
        reply = await self.behavior.serve(job)
        carried_out = "yes" if self.ledger.has(job.operation) else "no"
        return replace(reply, headers={**reply.headers, CARRIED_OUT_HEADER: carried_out})


class SimulatedTransport(httpx.AsyncBaseTransport):
    """Sends requests to services by host name, and applies the client's read timeout."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of the service.

        Raises:
            ReadTimeout: The service does not answer in time.
            ConnectError: The service refuses the connection.
        """
        limit = request.extensions["timeout"]["read"]
        try:
            async with asyncio.timeout(limit):
                reply = await self._services[request.url.host].answer(request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        except ConnectionRefusedError:
            raise httpx.ConnectError("connection refused", request=request) from None
        return httpx.Response(reply.status, headers=dict(reply.headers), text="done")
