"""The shop's API: a real server on loopback that fails in every way, and the promise for each.

The key, the address of a colleague and the name of an internal host are planted in requests and replies,
so that "no secret is shown" is a claim that could be false.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from agent_tools.demo.tools import Services
from agent_tools.testing import FaultyServer, Reply, Request, refused_url

API_KEY: Final = "sk-demo-5c1f09e7ab2d4863"
COLLEAGUE: Final = "kim@kettle-shop.example"
INTERNAL_HOST: Final = "crm-2.kettle-shop.internal"

#: The refund is booked this many seconds after the request; the answer never comes.
_BOOKED_AFTER: Final = 0.2

_ARTICLE_NUMBER: Final = re.compile(r"[A-Z]{4}-\d{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a call of the scripted model meets, and how it ends.

    Attributes:
        turn: The turn of the conversation in which it is made, counted from 1.
        tool: Name of the tool.
        subject: What it asks about: its first argument.
        meets: What the service does, in words.
        route: Where its requests arrive: a method and a path, or a path alone.
        requests: How many of them the server sees.
        category: Category of the error; None without an error.
        outcome: "ok", "recovered" or "failed".
    """

    turn: int = 1
    tool: str
    subject: str
    meets: str
    route: str
    requests: int
    category: str | None
    outcome: str


PROMISES: Final = (
    Promise(
        tool="get_order",
        subject="A-1042",
        meets="503, 503, then 200",
        route="GET /orders/A-1042",
        requests=3,
        category="retryable",
        outcome="recovered",
    ),
    Promise(
        tool="get_shipping",
        subject="A-1042",
        meets="429 with Retry-After: 1, then 200",
        route="GET /shipments/A-1042",
        requests=2,
        category="retryable",
        outcome="recovered",
    ),
    Promise(
        tool="get_order",
        subject="A-1007",
        meets="answers at once",
        route="GET /orders/A-1007",
        requests=1,
        category=None,
        outcome="ok",
    ),
    Promise(
        tool="refund_order",
        subject="A-1007",
        meets="pays back, then hangs; is asked",
        route="/refunds",
        requests=2,
        category="timeout",
        outcome="recovered",
    ),
    Promise(
        tool="get_customer",
        subject="C-88",
        meets="401",
        route="GET /customers/C-88",
        requests=1,
        category="auth_failure",
        outcome="failed",
    ),
    Promise(
        tool="check_stock",
        subject="blue kettle",
        meets="422 with a problem document",
        route="GET /stock",
        requests=1,
        category="non_retryable",
        outcome="failed",
    ),
    Promise(
        tool="search_help",
        subject="warranty",
        meets="refuses the connection",
        route="GET /search",
        requests=0,
        category="network",
        outcome="failed",
    ),
    Promise(
        turn=2,
        tool="get_order",
        subject="A-1007",
        meets="answers at once",
        route="GET /orders/A-1007",
        requests=1,
        category=None,
        outcome="ok",
    ),
)

#: The throttled route, and the seconds it asks to wait.
THROTTLED_ROUTE: Final = "GET /shipments/A-1042"
RETRY_AFTER: Final = 1


@dataclass(slots=True)
class Shop:
    """The running API.

    Attributes:
        services: Its addresses and its key.
        server: The server, which keeps the requests.
        refunds: The amounts that were really paid back, by order.
    """

    services: Services
    server: FaultyServer
    refunds: dict[str, list[float]]

    def secrets(self) -> tuple[str, ...]:
        """Return what neither the model nor the user may see, nor the screen show."""
        addresses = (url.removeprefix("http://") for url in (self.services.api_url, self.services.help_url))
        return (API_KEY, COLLEAGUE, INTERNAL_HOST, *addresses)


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Run the API on a free port of 127.0.0.1 while the `with` block lasts."""
    ledger = _Ledger()
    with FaultyServer(
        {
            "GET /orders/A-1042": [*[Reply(503, {"detail": f"no answer from {INTERNAL_HOST}"})] * 2, _ON_ITS_WAY],
            "GET /orders/A-1007": ledger.order,
            "GET /orders/A-1100": [_BUSY, _ON_ITS_WAY | {"order": "A-1100"}],
            "GET /shipments/A-1042": [Reply(429, headers={"Retry-After": str(RETRY_AFTER)}), _IN_LYON],
            "GET /customers/C-88": Reply(401, {"detail": f"{INTERNAL_HOST} does not know {API_KEY}, ask {COLLEAGUE}"}),
            "GET /stock": _stock,
            "POST /refunds": ledger.refund,
            "GET /refunds": ledger.refunded,
        }
    ) as server:
        services = Services(api_url=server.url, help_url=refused_url(), api_key=API_KEY, on_duty=COLLEAGUE)
        yield Shop(services, server, ledger.refunds)


_ON_ITS_WAY: Final = {"order": "A-1042", "status": "sent", "items": ["teapot"]}
_BUSY: Final = Reply(503, headers={"Retry-After": "20"})
_IN_LYON: Final = {"order": "A-1042", "parcel": "in Lyon", "arrives": "Thursday"}


@dataclass(slots=True)
class _Ledger:
    """What was paid back."""

    refunds: dict[str, list[float]] = field(default_factory=dict)

    def order(self, _request: Request) -> Reply:
        refunded = self.refunds.get("A-1007", [])
        return Reply(200, {"order": "A-1007", "status": "delivered", "items": ["kettle"], "refunds": refunded})

    def refunded(self, request: Request) -> Reply:
        order = request.query["order"]
        return Reply(200, {"order": order, "refunds": self.refunds.get(order, [])})

    def refund(self, request: Request) -> Reply:
        time.sleep(_BOOKED_AFTER)
        asked = request.json()
        self.refunds.setdefault(asked["order"], []).append(asked["amount"])
        if asked["order"] == "A-1099":
            return Reply(200, {"order": "A-1099", "refunded": asked["amount"]})
        return Reply(fault="stall")


def _stock(request: Request) -> Reply:
    sku = request.query.get("sku", "")
    if _ARTICLE_NUMBER.fullmatch(sku):
        return Reply(200, {"sku": sku, "in_stock": 12})
    problem = {  # RFC 9457, 3
        "type": f"https://{INTERNAL_HOST}/problems/article-number",
        "title": "Not an article number",
        "status": 422,
        "detail": f"An article number looks like KETL-0002; {COLLEAGUE} has the list.",
    }
    return Reply(422, problem, {"Content-Type": "application/problem+json"})
