"""The contenders, which run the same operations: `ResilientToolNode`, other ways to retry, and an oracle.

Each is a graph of one tool node with the same two tools, created for each run. All peers make three attempts, have
otherwise the defaults of their library, and send no idempotency keys, which they do not have.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import stamina
import tenacity
from httpx_retries import Retry, RetryTransport
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import RetryPolicy as NodeRetryPolicy

from agent_tools import CircuitPolicy, DoubtfulCall, ResilientToolNode, RetryPolicy, ToolErrorHandler, idempotency_key
from agent_tools.idempotency import asend_idempotency_key
from tests.simulation.fleet import SimulatedHealth
from tests.simulation.service import (
    CARRIED_OUT_HEADER,
    IDEMPOTENCY_HEADER,
    OPERATION_HEADER,
    Service,
    SimulatedTransport,
)

ATTEMPTS = 3
CLIENT_TIMEOUT = 5.0
PATIENCE = 5.0

Graph = CompiledStateGraph[Any, Any, Any, Any]
Send = Callable[[str, int, bool], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The surroundings of a contender.

    Attributes:
        scenario: Its name.
        services: By name: "sick" and "healthy".
        clock: Returns virtual seconds.
        chance: Returns numbers from 0 up to 1, the same in each run of a seed.
        health: The store that the workers of `ResilientToolNode` share.
    """

    scenario: str
    services: dict[str, Service]
    clock: Callable[[], float]
    chance: Callable[[], float]
    health: SimulatedHealth | None = None

    def transport(self) -> SimulatedTransport:
        """Return a transport to the services."""
        return SimulatedTransport(self.services)


@dataclass(frozen=True, slots=True)
class Contender:
    """A name, and a function that creates the graph that runs the operations."""

    name: str
    enter: Callable[[World], Graph]

    def __str__(self) -> str:
        return self.name


class ForeseenError(Exception):
    """The oracle knows that a request would fail."""


def ours(name: str = "ours", **options: Any) -> Contender:
    """Return `ResilientToolNode` as a contender; `options` are those of `ToolErrorHandler`."""
    return Contender(name, partial(_enter_ours, options=options))


def _enter_ours(world: World, *, options: dict[str, Any]) -> Graph:
    handler = ToolErrorHandler(**options, health=world.health, clock=world.clock, chance=world.chance)
    return _graph(ResilientToolNode(_tools(_sender(world.transport(), with_keys=True)), handler=handler))


def _enter_declared(world: World, *, is_asked: bool) -> Graph:
    """Return a node whose writes must not be repeated, for a service without keys; `is_asked` adds a `verify`."""

    async def without_key(request: httpx.Request) -> None:
        request.headers.pop(IDEMPOTENCY_HEADER, None)

    hooks: Any = {"request": [asend_idempotency_key, without_key]}
    client = httpx.AsyncClient(transport=world.transport(), timeout=CLIENT_TIMEOUT, event_hooks=hooks)

    async def verify(call: DoubtfulCall) -> str | bool:
        headers = {OPERATION_HEADER: str(call.arguments["operation"])}
        answer = (await client.get(f"http://{call.tool}/", headers=headers)).raise_for_status()
        return "done" if answer.headers[CARRIED_OUT_HEADER] == "yes" else False

    policy = RetryPolicy(idempotent=False, verify=verify if is_asked else None)
    handler = ToolErrorHandler(policy=policy, clock=world.clock, chance=world.chance)
    return _graph(ResilientToolNode(_tools(_sender(client)), handler=handler))


def _enter_node_policy(world: World) -> Graph:
    node = ToolNode(_tools(_sender(world.transport())))
    return _graph(node, retry_policy=NodeRetryPolicy(max_attempts=ATTEMPTS))


def _enter_bare(world: World) -> Graph:
    return _graph(ToolNode(_tools(_sender(world.transport())), handle_tool_errors=True))


def _enter_middleware(world: World) -> Graph:
    middleware = ToolRetryMiddleware(max_retries=ATTEMPTS - 1)
    return _graph(ToolNode(_tools(_sender(world.transport())), awrap_tool_call=middleware.awrap_tool_call))


def _enter_tenacity(world: World) -> Graph:
    retrying = tenacity.retry(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential_jitter(),
        retry=tenacity.retry_if_exception_type(httpx.HTTPError),
        reraise=True,
    )
    return _graph(ToolNode(_tools(retrying(_sender(world.transport()))), handle_tool_errors=True))


def _enter_stamina(world: World) -> Graph:
    stamina.instrumentation.set_on_retry_hooks(())
    retrying = stamina.retry(on=httpx.HTTPError, attempts=ATTEMPTS)
    return _graph(ToolNode(_tools(retrying(_sender(world.transport()))), handle_tool_errors=True))


def _enter_httpx_retries(world: World) -> Graph:
    retry = Retry(total=ATTEMPTS - 1, backoff_factor=0.5)
    transport = RetryTransport(transport=world.transport(), retry=retry)
    return _graph(ToolNode(_tools(_sender(transport)), handle_tool_errors=True))


def _enter_oracle(world: World) -> Graph:
    send = _sender(world.transport(), with_keys=True)

    async def foreseeing(service: str, operation: int, is_write: bool) -> str:
        if not await world.services[service].behavior.foresee(PATIENCE):
            raise ForeseenError
        for _ in range(ATTEMPTS - 1):
            try:
                return await send(service, operation, is_write)
            except httpx.HTTPStatusError:
                continue  # chance cannot be foreseen
        return await send(service, operation, is_write)

    return _graph(ResilientToolNode(_tools(foreseeing), handle_tool_errors="No."))


OURS = ours()
ORACLE = Contender("oracle", _enter_oracle)
PEERS = (
    Contender("node RetryPolicy", _enter_node_policy),
    Contender("ToolNode", _enter_bare),
    Contender("ToolRetryMiddleware", _enter_middleware),
    Contender("tenacity", _enter_tenacity),
    Contender("stamina", _enter_stamina),
    Contender("httpx-retries", _enter_httpx_retries),
)
ONCE = Contender("ours, once", partial(_enter_declared, is_asked=False))
VERIFYING = Contender("ours, verify", partial(_enter_declared, is_asked=True))
PATIENT = ours("ours, patient", circuit=CircuitPolicy(patience=15.0))
VARIANTS = (
    PATIENT,
    ours("ours, no circuit", circuit=None),
    ours("ours, no budget", budget=None),
    ours("ours, neither", circuit=None, budget=None),
    ONCE,
    VERIFYING,
)
CONTENDERS = (OURS, *PEERS, ORACLE)


def _sender(through: httpx.AsyncBaseTransport | httpx.AsyncClient, *, with_keys: bool = False) -> Send:
    """Return a function that makes one request, and raises httpx's errors."""
    client = through
    if not isinstance(client, httpx.AsyncClient):
        client = httpx.AsyncClient(transport=client, timeout=CLIENT_TIMEOUT)

    async def send(service: str, operation: int, is_write: bool) -> str:  # the arguments of a tool
        headers = {OPERATION_HEADER: str(operation)}
        if with_keys and is_write:
            headers[IDEMPOTENCY_HEADER] = idempotency_key()
        response = await client.request("POST" if is_write else "GET", f"http://{service}/", headers=headers)
        return response.raise_for_status().text

    return send


def _tools(send: Send) -> list[BaseTool]:
    return [_tool(send, "sick"), _tool(send, "healthy")]


def _tool(send: Send, service: str) -> BaseTool:
    async def body(operation: int, is_write: bool) -> str:
        return await send(service, operation, is_write)

    return StructuredTool.from_function(coroutine=body, name=service, description=f"Asks the {service} service.")


def _graph(node: ToolNode, **options: Any) -> Graph:
    return StateGraph(MessagesState).add_node("tools", node, **options).add_edge(START, "tools").compile()
