"""A payment service on loopback. Its ledger shows how often a customer was charged."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Self

from agent_tools.testing import FaultyServer, Reply, Request


class Trouble(StrEnum):
    """Why a charge has to be requested again."""

    UNAVAILABLE = "unavailable"
    """Nothing is booked: 503 with a `Retry-After`."""
    LOST_ANSWER = "lost answer"
    """The charge is booked, and then the connection is reset."""


class PaymentServer:
    """Books each `Idempotency-Key` once and repeats its number: `POST /charge`, `GET /lookup`.

    The ledger is kept per order, so many runs can share one server.
    """

    def __init__(self) -> None:
        self._server = FaultyServer({"POST /charge": self._charge, "GET /lookup": self._lookup})
        self._lock = threading.Lock()
        self._troubles_by_order: dict[str, Iterator[Trouble]] = {}
        self._number_by_key: dict[str, int] = {}
        self._numbers_by_order: defaultdict[str, list[int]] = defaultdict(list)
        self._keys_by_order: defaultdict[str, list[str]] = defaultdict(list)

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def trouble(self, order: str, troubles: Iterable[Trouble]) -> None:
        """Make the next charges of an order run into `troubles`, one each."""
        with self._lock:
            self._troubles_by_order[order] = iter(troubles)

    def heal(self, order: str) -> None:
        """Answer normally from now on."""
        self.trouble(order, ())

    def charges(self, order: str) -> list[int]:
        """Return the numbers of all charges that were booked for an order."""
        with self._lock:
            return list(self._numbers_by_order[order])

    def keys(self, order: str) -> list[str]:
        """Return the keys of all charge requests for an order, in order of arrival."""
        with self._lock:
            return list(self._keys_by_order[order])

    def lookups(self, order: str) -> int:
        """Return how often an order was looked up."""
        return sum(request.path == "/lookup" and request.query["order"] == order for request in self._server.requests)

    def _charge(self, request: Request) -> Reply:
        order, key = request.json()["order"], request.headers["Idempotency-Key"]
        with self._lock:
            self._keys_by_order[order].append(key)
            trouble = next(self._troubles_by_order.get(order, iter(())), None)
            if trouble is Trouble.UNAVAILABLE:
                return Reply(503, headers={"Retry-After": "0.5"})
            if key not in self._number_by_key:
                self._number_by_key[key] = len(self._number_by_key) + 1
                self._numbers_by_order[order].append(self._number_by_key[key])
            if trouble is Trouble.LOST_ANSWER:
                return Reply(fault="reset")
            return Reply(200, {"charge": self._number_by_key[key]})

    def _lookup(self, request: Request) -> Reply:
        return Reply(200, {"status": f"{request.query['order']} is paid on delivery"})
