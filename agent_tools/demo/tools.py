"""Six ordinary tools on one `httpx` client. None of them catches an error: that is the node's job."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
from langchain_core.tools import BaseTool, ToolException, tool
from pydantic import Field

from agent_tools import DoubtfulCall, RetryPolicy
from agent_tools.idempotency import asend_idempotency_key

#: Seconds that the client waits for a service, per connection and per read.
CLIENT_TIMEOUT = 1.0

#: Services may return anything.
Json = dict[str, Any]

# The patterns also keep made-up values of a model out of the URL's path.
OrderId = Annotated[str, Field(pattern=r"^A-\d{1,8}$", description="Order number, such as A-1001")]
CustomerId = Annotated[str, Field(pattern=r"^C-\d{1,8}$", description="Customer number, such as C-10")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The addresses of the shop's services, their key, and who is responsible for what the bot does there."""

    api_url: str
    help_url: str
    api_key: str = field(repr=False)
    on_duty: str = ""


def connect(services: Services) -> httpx.AsyncClient:
    """Return the client for all tools; it sends the key with each request, as a header and in the URL."""
    return httpx.AsyncClient(
        base_url=services.api_url,
        params={"api_key": services.api_key},
        headers={"X-Api-Key": services.api_key},
        timeout=CLIENT_TIMEOUT,
        event_hooks={"request": [asend_idempotency_key]},
        trust_env=False,  # a proxy from the environment would answer in place of the loopback API
    )


def make_tools(client: httpx.AsyncClient, services: Services) -> list[BaseTool]:
    """Return the tools of the bot."""

    @tool
    async def get_order(order: OrderId) -> Json:
        """Look up an order: its status, its items and what was refunded."""
        return _json(await client.get(f"/orders/{order}"))

    @tool
    async def get_shipping(order: OrderId) -> Json:
        """Look up where the parcel of an order is and when it arrives."""
        return _json(await client.get(f"/shipments/{order}"))

    @tool
    async def refund_order(order: OrderId, amount: float) -> Json:
        """Pay the amount, in euros, back to the customer. To be called once per order."""
        asked = {"order": order, "amount": amount, "asked_by": services.on_duty}
        return _json(await client.post("/refunds", json=asked))

    @tool
    async def get_customer(customer: CustomerId) -> Json:
        """Look up a customer: name, address and past orders."""
        return _json(await client.get(f"/customers/{customer}"))

    @tool
    async def check_stock(sku: str) -> Json:
        """Look up how many pieces of an article are in stock, by its article number."""
        return _json(await client.get("/stock", params={"sku": sku}))

    @tool
    async def search_help(query: str) -> Json:
        """Search the help pages: warranty, returns, care."""
        return _json(await client.get(f"{services.help_url}/search", params={"query": query}))

    return [get_order, get_shipping, refund_order, get_customer, check_stock, search_help]


def make_policies(services: Services) -> dict[str, RetryPolicy]:
    """Return the policies of the tools: a refund must not be made twice, and the shop knows whether it was made."""

    async def paid_back(call: DoubtfulCall) -> Json | bool:
        asked = call.arguments
        async with await asyncio.to_thread(connect, services) as client:  # it reads certificates
            paid = _json(await client.get("/refunds", params={"order": asked["order"]}))["refunds"]
        return {"order": asked["order"], "refunded": asked["amount"]} if asked["amount"] in paid else False

    return {"refund_order": RetryPolicy(idempotent=False, verify=paid_back)}


def _json(response: httpx.Response) -> Json:
    """Return the answer of the service.

    Raises:
        ToolException: The service explains what is wrong with the arguments (RFC 9457). The model can
            use that text, so it gets it, without the addresses.
        httpx.HTTPStatusError: Every other refusal.
    """
    if response.headers.get("Content-Type") == "application/problem+json":
        problem = response.json()
        raise ToolException(f"{problem.get('title', 'Refused')}. {problem.get('detail', '')}")
    body: Json = response.raise_for_status().json()
    return body
