"""A payment service on loopback. Its ledger shows how often a customer was charged."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Self

from agent_tools.testing import FaultyServer, Reply, Request


class Trouble(StrEnum):
    """What goes wrong with a charge, so that it is requested again."""

    UNAVAILABLE = "unavailable"
    """Nothing is booked: 503 with a `Retry-After`."""
    LOST_REQUEST = "lost request"
    """Nothing is booked: the connection is reset."""
    LOST_ANSWER = "lost answer"
    """The charge is booked, and then the connection is reset."""
    LATE_ANSWER = "late answer"
    """The charge is booked, and no answer comes until the client gives up."""


class PaymentServer:
    """Books charges (`POST /charge`), and can be asked for them (`GET /charges?order=`, `GET /lookup?order=`).

    The ledger is kept per order, so many runs can share one server.

    Args:
        honors_keys: Whether requests with the same `Idempotency-Key` book one charge and get the same number.
        shown_after: Seconds until a booked charge can be looked up.
        answers_after: Seconds from the booking to the answer.
    """

    def __init__(self, *, honors_keys: bool = True, shown_after: float = 0.0, answers_after: float = 0.0) -> None:
        routes = {"POST /charge": self._charge, "GET /charges": self._charges, "GET /lookup": self._lookup}
        self._server = FaultyServer(routes)
        self._lock = threading.Lock()
        self._honors_keys = honors_keys
        self._shown_after = shown_after
        self._answers_after = answers_after
        self._troubles_by_order: dict[str, Iterator[Trouble | None]] = {}
        self._number_by_key: dict[str, int] = {}
        self._booked = 0
        self._shown_at: dict[int, float] = {}
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

    def trouble(self, order: str, troubles: Iterable[Trouble | None]) -> None:
        """Make the next charges of an order meet `troubles`, one each."""
        with self._lock:
            self._troubles_by_order[order] = iter(troubles)

    def heal(self, order: str) -> None:
        """Answer normally from now on."""
        self.trouble(order, ())

    def charges(self, order: str) -> list[int]:
        """Return the numbers of all charges booked for an order."""
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
        order, key = request.json()["order"], request.headers.get("Idempotency-Key", "")
        with self._lock:
            self._keys_by_order[order].append(key)
            trouble = next(self._troubles_by_order.get(order, iter(())), None)
            if trouble is Trouble.UNAVAILABLE:
                return Reply(503, headers={"Retry-After": "0.5"})
            if trouble is Trouble.LOST_REQUEST:
                return Reply(fault="reset")
            number = self._number_of(order, key)
        fault = {Trouble.LOST_ANSWER: "reset", Trouble.LATE_ANSWER: "stall"}.get(trouble) if trouble else None
        return Reply(200, {"charge": number}, delay=self._answers_after, fault=fault)

    def _number_of(self, order: str, key: str) -> int:
        known = self._number_by_key.get(key) if self._honors_keys else None
        if known is not None:
            return known
        self._booked += 1
        self._number_by_key[key] = self._booked
        self._shown_at[self._booked] = time.monotonic() + self._shown_after
        self._numbers_by_order[order].append(self._booked)
        return self._booked

    def _charges(self, request: Request) -> Reply:
        now = time.monotonic()
        found = [number for number in self.charges(request.query["order"]) if self._shown_at[number] <= now]
        return Reply(200, {"charges": found})

    def _lookup(self, request: Request) -> Reply:
        return Reply(200, {"status": f"{request.query['order']} is paid on delivery"})
