"""A service that is reached by `httpx` without a socket, and what it remembers of its clients."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import httpx

#: Names the operation that a request belongs to, for the books alone: no fault looks at it.
OPERATION_HEADER = "X-Operation"
IDEMPOTENCY_HEADER = "Idempotency-Key"
#: Says in each answer whether the operation has been carried out, for those who verify.
CARRIED_OUT_HEADER = "X-Carried-Out"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers; `headers` as HTTP has them."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class Behavior(Protocol):
    """What a service does with a request."""

    async def serve(self, job: "Job") -> Reply:
        """Return the answer, after the time that it takes."""

    async def foresee(self, patience: float) -> bool:
        """Return whether a request works now, having waited up to `patience` for the moment: what an oracle knows."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request, as the service sees it.

    Attributes:
        operation: What it belongs to.
        key: Two writes of the same key are carried out once.
        ledger: Where it is entered when it is carried out; None for a request that only reads.
    """

    operation: int
    key: str
    ledger: "Ledger | None"

    def carry_out(self) -> None:
        """Do what the request asks for."""
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
        """How often a write was carried out that had been carried out before."""
        return sum(times - 1 for times in self._times_by_operation.values())


class Service:
    """A service and its books.

    Attributes:
        behavior: What it does with requests.
        ledger: Of its writes.
        requested_at: When each request came.
    """

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.ledger = Ledger()
        self.requested_at: list[float] = []

    async def answer(self, request: httpx.Request) -> Reply:
        """Return the answer to `request`, in the time that the behavior takes for it."""
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
    """Brings requests to services by the name of the host, and obeys the read timeout of the client."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of the service.

        Raises:
            ReadTimeout: It does not answer in time.
            ConnectError: It refuses.
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
