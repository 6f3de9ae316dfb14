"""The middleware around each tool call."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import langchain.agents.middleware as offered
from langchain.agents.middleware import AgentMiddleware
from langchain_core.tools import BaseTool, ToolException
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.call import AsyncExecute, Execute
from agent_tools._call.credentials import OnAuthFailure
from agent_tools._call.observers import Observer, logger
from agent_tools._call.settings import Result, ShareKey
from agent_tools._call.texts import Texts
from agent_tools._classify import Rules
from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.circuit import CircuitPolicy
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.policy import RetryPolicy
from agent_tools._handler import DEFAULT_BUDGET, DEFAULT_CIRCUIT, DEFAULT_LOOP_GUARD, ToolErrorHandler, the_handler
from agent_tools._langgraph.interrupts import aasking_once, asking_once
from agent_tools.middleware._giving_up import END, GivesUp, TooManyFailures

NamedTool = str | BaseTool | Callable[..., Any]

#: LangChain 1.3, which knows no such policy, records no span of a middleware either.
_KNOWS_TRACE_POLICIES = hasattr(offered, "TracePolicy")


class ResilientToolMiddleware(AgentMiddleware[Any, Any, Any]):
    """What `ResilientToolNode` does, for `create_agent`: a failing tool ends neither the run nor the thread.

    Each call gets exactly one answer: the tool's result, or an error message that tells the model what happened
    and what to do. `create_agent` runs each call as a task of its own, so that a call that is made again, or asks a
    human, holds up no other.

    >>> from langchain.agents import create_agent
    >>> from agent_tools import RetryPolicy
    >>> from agent_tools.middleware import ResilientToolMiddleware
    >>> from agent_tools.testing import ScriptedChatModel, call, inject_faults, ok
    >>> def get_order(order: str) -> str:
    ...     "Look up an order."
    ...     return "shipped"
    >>> resilient = ResilientToolMiddleware(per_tool={"get_order": RetryPolicy(max_attempts=4)}, give_up_after=5)
    >>> model = ScriptedChatModel([call("get_order", order="A-1"), "It is shipped."])
    >>> agent = create_agent(model, [get_order], middleware=[resilient])
    >>> with inject_faults(agent, {"get_order": [503, ok]}, waits=False) as report:
    ...     state = agent.invoke({"messages": [("user", "Where is it?")]})
    >>> report
    <RunReport: 1 call: 1 recovered, 0 unanswered>

    Args:
        tools: The tools to look after, or their names; None for all. Several of these with disjoint tools
            may serve one agent.
        policy: How often and how long a call is tried.
        per_tool: Other policies, by the name of the tool.
        classify: Your own rules, asked before ours; see `ToolErrorHandler`.
        expose: Error types whose text was written for the model.
        observer: Called with each `ToolEvent`.
        on_auth_failure: Renews credentials; see `ToolErrorHandler`.
        budget: How many retries the calls of a tool share; None for no limit.
        circuit: When a tool counts as down and is asked by one call at a time; None for never.
        share_key: Under what key a call shares budget and circuit; see `ToolErrorHandler`.
        loop_guard: When a call that keeps failing is answered without running it; None for never.
        texts: Your own words instead of ours; see `ToolErrorHandler`.
        handler: A `ToolErrorHandler` to share with nodes or other middleware, instead of the arguments above.
        give_up_after: So many failed calls in one turn of the user end the run before the model is asked again.
            None lets the model go on. `create_agent` charges for this with one more node.
        jump_to: Where a run goes then: "end" tells the user and ends, any other name is a node of the graph
            around the agent, which takes over with all messages.
        last_words: What the user is told when the run ends; a text of ours where it is None.

    Attributes:
        handler: Knows how the tools are doing (`health`) and can be told to forget it (`reset`).

    Raises:
        TypeError: `tools` is one tool and no list; `give_up_after` is no whole number.
        ValueError: `per_tool` names a tool that is not among `tools`; `give_up_after` is less than 1, or not given
            although there is a `jump_to` or there are `last_words`.
    """

    #: The call is in the span of its tool; this one would hold the whole state.
    trace_policy = offered.TracePolicy(process_inputs=offered.omit_payload) if _KNOWS_TRACE_POLICIES else None

    def __new__(cls, *, give_up_after: int | None = None, **_options: Any) -> Self:
        """Return an instance that has a hook for giving up only if it is to: hooks cost, used or not."""
        if give_up_after is None:
            return super().__new__(cls)
        giving_up: type[Self] = type(cls.__name__, (GivesUp, cls), {"__doc__": cls.__doc__})
        return super().__new__(giving_up)

    def __init__(
        self,
        *,
        tools: Iterable[NamedTool] | None = None,
        policy: RetryPolicy | None = None,
        per_tool: Mapping[str, RetryPolicy] | None = None,
        classify: Rules = (),
        expose: tuple[type[BaseException], ...] = (ToolException,),
        observer: Observer | None = None,
        on_auth_failure: OnAuthFailure | None = None,
        budget: BudgetPolicy | None = DEFAULT_BUDGET,
        circuit: CircuitPolicy | None = DEFAULT_CIRCUIT,
        share_key: ShareKey | None = None,
        loop_guard: LoopGuard | None = DEFAULT_LOOP_GUARD,
        texts: Texts | None = None,
        handler: ToolErrorHandler | None = None,
        give_up_after: int | None = None,
        jump_to: str = "end",
        last_words: str | None = None,
    ) -> None:
        super().__init__()
        self.tools = []  # LangChain's name for tools that a middleware brings along
        self.handler = the_handler(
            handler,
            policy=policy,
            per_tool=per_tool,
            classify=classify,
            expose=expose,
            observer=observer,
            on_auth_failure=on_auth_failure,
            budget=budget,
            circuit=circuit,
            share_key=share_key,
            loop_guard=loop_guard,
            texts=texts,
        )
        self._names = None if tools is None else frozenset(map(_name_of, _several(tools)))
        self._has_own_policies = handler is None  # a shared handler may have some for the tools of others
        self._is_checked = False
        if self._names is not None and self._has_own_policies:
            self.handler.require_tools(self._names)
        if give_up_after is None and (jump_to != END or last_words is not None):
            raise ValueError("jump_to and last_words say what follows on give_up_after: give it, too")
        if give_up_after is not None:
            self._too_many = TooManyFailures(
                after=give_up_after, tools=self._names, jump_to=jump_to, last_words=last_words
            )

    @property
    def name(self) -> str:
        """The name of the class, with the tools that it looks after: LangChain refuses two of one name."""
        kind = self.__class__.__name__
        return kind if self._names is None else f"{kind}[{','.join(sorted(self._names))}]"

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
            self._is_checked = True
            self._check_names(request)
        return self._names is None or request.tool_call["name"] in self._names

    def _check_names(self, request: ToolCallRequest) -> None:
        """Warn of tools that the agent does not have; not before the first call does it tell us."""
        known = sorted(tool.name for tool in getattr(request.runtime, "tools", None) or ())
        if not known:
            return
        for name in sorted((self._names or frozenset()) - set(known)):
            logger.warning("tools names %r, but the tools are %s", name, ", ".join(known))
        if self._names is not None or not self._has_own_policies:
            return
        try:
            self.handler.require_tools(known)
        except ValueError as error:  # other middleware may bring in more tools later
            logger.warning("%s", error)


def _several(tools: Iterable[NamedTool]) -> Iterable[NamedTool]:
    if isinstance(tools, str | BaseTool) or not isinstance(tools, Iterable):
        raise TypeError(f"tools must be a list of tools or their names, not {tools!r}")
    return tools


def _name_of(tool: NamedTool) -> str:
    if isinstance(tool, str):
        return tool
    return tool.name if isinstance(tool, BaseTool) else tool.__name__
