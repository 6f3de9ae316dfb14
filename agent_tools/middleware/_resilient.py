"""The middleware around each tool call."""

from collections.abc import Iterable
from typing import Any, Unpack

import langchain.agents.middleware as offered
from langchain.agents.middleware import AgentMiddleware
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.current import AsyncExecute, Execute, Result
from agent_tools._call.listeners import logger
from agent_tools._call.options import HandlerOptions, lists_options
from agent_tools._handler import ToolErrorHandler, given_to, the_handler
from agent_tools._langgraph.interrupts import aasking_once, asking_once
from agent_tools.middleware._named_tools import NamedTool, name_for, names_of

#: LangChain 1.3 lacks this policy, but it records no spans of middleware either.
_KNOWS_TRACE_POLICIES = hasattr(offered, "TracePolicy")


#: Options of version 0.1.0.
_MOVED = {"give_up_after", "jump_to", "last_words"}


@lists_options
class ResilientToolMiddleware(AgentMiddleware[Any, Any, Any]):
    """What `ResilientToolNode` does, for `create_agent`: a failing tool ends neither the run nor the thread.

    Each call gets exactly one answer: the tool's result, or an error message that tells the model what happened
    and what to do. `create_agent` runs each call as its own task, so a call that is retried or waits for a
    human delays no other.

    >>> from langchain.agents import create_agent
    >>> from agent_tools import RetryPolicy
    >>> from agent_tools.middleware import ResilientToolMiddleware
    >>> from agent_tools.testing import ScriptedChatModel, call, inject_faults, ok
    >>> def get_order(order: str) -> str:
    ...     "Look up an order."
    ...     return "shipped"
    >>> resilient = ResilientToolMiddleware(per_tool={"get_order": RetryPolicy(max_attempts=4)})
    >>> model = ScriptedChatModel([call("get_order", order="A-1"), "It is shipped."])
    >>> agent = create_agent(model, [get_order], middleware=[resilient])
    >>> with inject_faults(agent, {"get_order": [503, ok]}, waits=False) as report:
    ...     state = agent.invoke({"messages": [("user", "Where is it?")]})
    >>> report
    <RunReport: 1 call: 1 recovered, 0 unanswered>

    Args:
        tools: The tools to look after, or their names; None for all. Several of these with disjoint tools
            may serve one agent.
        handler: A `ToolErrorHandler` to share with nodes or other middleware, instead of the options below.
        **options: See `HandlerOptions`.

    Attributes:
        handler: Reports how the tools are doing (`health`), and forgets it (`reset`).

    Raises:
        TypeError: `tools` is a single tool instead of a list.
        ValueError: `per_tool` or `texts` names a tool that is not among `tools`, or, raised by the first call, one that
            the agent does not have. Tools that are added at run time have to be among `tools`.
    """

    #: The call is in the span of its tool; this one would hold the whole state.
    trace_policy = offered.TracePolicy(process_inputs=offered.omit_payload) if _KNOWS_TRACE_POLICIES else None

    def __init__(
        self,
        *,
        tools: Iterable[NamedTool] | None = None,
        handler: ToolErrorHandler | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        super().__init__()
        for name in _MOVED & options.keys():
            raise TypeError(f"{name} has moved: add GiveUpMiddleware(after=...) to the list of middleware")
        self.tools = []  # LangChain's name for tools that a middleware brings along
        self.handler = the_handler(handler, options)
        self._names = names_of(tools)
        self._has_own_policies = handler is None  # a shared handler may have policies for other nodes' tools
        self._is_checked = False
        self._first_warning = iter([True])  # only one of the calls in threads gets it
        if self._names is not None and self._has_own_policies:
            self.handler.require_tools(self._names)

    def __repr__(self) -> str:
        tools = [] if self._names is None else [f"tools={sorted(self._names)}"]
        handler = given_to(self.handler) if self._has_own_policies else [f"handler={self.handler!r}"]
        return f"{type(self).__name__}({', '.join([*tools, *handler])})"

    @property
    def name(self) -> str:
        """The name of the class, with the tools that it looks after: LangChain refuses two of one name."""
        return name_for(self, self._names)

    def looks_after(self, tool: str) -> bool:
        """Return whether the calls of `tool` are handled here."""
        return self._names is None or tool in self._names

    def wrap_tool_call(self, request: ToolCallRequest, handler: Execute) -> Result:
        """Return what the tool returned, or the answer to its last error."""
        if not self._is_ours(request):
            return handler(request)
        return self.handler.wrap_tool_call(request, asking_once(request, handler))

    async def awrap_tool_call(self, request: ToolCallRequest, handler: AsyncExecute) -> Result:
        """Return the same as `wrap_tool_call`."""
        if not self._is_ours(request):
            return await handler(request)
        return await self.handler.awrap_tool_call(request, aasking_once(request, handler))

    def _is_ours(self, request: ToolCallRequest) -> bool:
        if not self._is_checked:
            self._check_names(request)
            self._is_checked = True
        return self.looks_after(request.tool_call["name"])

    def _check_names(self, request: ToolCallRequest) -> None:
        """Refuse misspelled tool names, in the first call: the agent does not show its tools before that."""
        known = sorted(tool.name for tool in getattr(request.runtime, "tools", None) or ())
        if not known:
            return
        unknown = (self._names or frozenset()) - set(known) if next(self._first_warning, False) else ()
        for name in sorted(unknown):
            logger.warning("tools names %r, but the tools are %s", name, ", ".join(known))
        if self._names is None and self._has_own_policies:
            self.handler.require_tools(known)
