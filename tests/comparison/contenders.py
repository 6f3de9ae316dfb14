"""The contenders: three attempts if that can be set, otherwise configured as in their documentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

import httpx
import tenacity
from httpx_retries import Retry, RetryTransport
from langchain.agents.middleware import ToolErrorMiddleware, ToolRetryMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import RetryPolicy as NodeRetryPolicy

from agent_tools import ResilientToolNode, RetryPolicy
from agent_tools.testing import ScriptedChatModel
from tests.support.toolbox import Graph

ATTEMPTS = 3

#: The one tool that must not act twice; only `ResilientToolNode` can be told.
CHARGE = "charge"

Body = Callable[[], Any]


def as_it_is(body: Body) -> Body:
    """Return `body`."""
    return body


def plain_transport() -> httpx.BaseTransport:
    """Return a transport that sends each request once."""
    return httpx.HTTPTransport(verify=False)  # loading certificates would take longer than the test


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to handle failing tools.

    Attributes:
        column: Its name in the table.
        node: Makes the tool node.
        retry_policy: Of the node; None for none.
        around: Wraps the body of each tool.
        transport: Makes the transport of the tools' HTTP client.
    """

    column: str
    node: Callable[[Sequence[BaseTool]], ToolNode]
    retry_policy: NodeRetryPolicy | None = None
    around: Callable[[Body], Body] = as_it_is
    transport: Callable[[], httpx.BaseTransport] = plain_transport

    def tool(self, name: str, body: Body) -> BaseTool:
        """Return a tool that takes no arguments, an async one if `body` is."""
        wrapped, about = self.around(body), f"Runs {name}."
        if iscoroutinefunction(body):
            return StructuredTool.from_function(coroutine=wrapped, name=name, description=about)
        return StructuredTool.from_function(wrapped, name=name, description=about)

    def graph(self, tools: Sequence[BaseTool]) -> Graph:
        """Return a graph with only the tool node."""
        builder = StateGraph(MessagesState).add_node("tools", self.node(tools), retry_policy=self.retry_policy)
        return builder.add_edge(START, "tools").add_edge("tools", END).compile()

    def agent(self, model: ScriptedChatModel, tools: Sequence[BaseTool]) -> Graph:
        """Return the usual loop of `model` and `tools` with a checkpointer."""
        bound = model.bind_tools(tools)

        def think(state: MessagesState) -> dict[str, list[AIMessage]]:
            return {"messages": [bound.invoke(state["messages"])]}

        builder = StateGraph(MessagesState).add_node("model", think)
        builder.add_node("tools", self.node(tools), retry_policy=self.retry_policy)
        builder.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
        return builder.compile(checkpointer=InMemorySaver())


def answering(tools: Sequence[BaseTool]) -> ToolNode:
    """Return a node that answers every error."""
    return ToolNode(tools, handle_tool_errors=True)


def with_both_middlewares(tools: Sequence[BaseTool]) -> ToolNode:
    """Return LangChain's retries inside LangChain's answers, as `ToolErrorMiddleware` documents it.

    The text names the type of the error, as recommended there.
    """
    retries = ToolRetryMiddleware(max_retries=ATTEMPTS - 1, on_failure="error")
    answers: ToolErrorMiddleware[Any, Any] = ToolErrorMiddleware(
        lambda error, request: f"`{request.tool_call['name']}` failed with {type(error).__name__}."
    )

    def around(request: Any, execute: Any) -> Any:
        return answers.wrap_tool_call(request, lambda inner: retries.wrap_tool_call(inner, execute))

    async def aaround(request: Any, execute: Any) -> Any:
        return await answers.awrap_tool_call(request, lambda inner: retries.awrap_tool_call(inner, execute))

    return ToolNode(tools, wrap_tool_call=around, awrap_tool_call=aaround)


def ours(tools: Sequence[BaseTool]) -> ToolNode:
    """Return `ResilientToolNode` with the tool that must not act twice declared."""
    declared = {tool.name: RetryPolicy(idempotent=False) for tool in tools if tool.name == CHARGE}
    return ResilientToolNode(tools, per_tool=declared)


CONTENDERS = (
    Contender(column="ToolNode", node=answering),
    # Its answers would hide the errors from the policy.
    Contender(column="RetryPolicy", node=ToolNode, retry_policy=NodeRetryPolicy(max_attempts=ATTEMPTS)),
    Contender(column="middleware", node=with_both_middlewares),
    Contender(
        column="tenacity",
        node=answering,
        around=tenacity.retry(
            stop=tenacity.stop_after_attempt(ATTEMPTS), wait=tenacity.wait_random_exponential(), reraise=True
        ),
    ),
    Contender(
        column="httpx-retries",
        node=answering,
        transport=lambda: RetryTransport(plain_transport(), retry=Retry(total=ATTEMPTS - 1)),
    ),
    Contender(column="ResilientToolNode", node=ours),
)
