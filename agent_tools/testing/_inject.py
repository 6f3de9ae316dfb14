"""Faults for the tools of an agent, without changing them.

Inside the block, the node runs copies of its tools whose body first does what the script says. So a fault is raised
where the tool itself would raise it: inside its run, after its arguments were checked, and visible to traces, wrappers
and error handlers. The tools, their schemas, the model they are bound to, and their health in the handler stay as they
are.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp
from langgraph.prebuilt import ToolNode

from agent_tools._call.observers import listening
from agent_tools._langgraph.clean_errors import aclean_as, clean_as
from agent_tools._langgraph.run import calls_in, runs_in_thread
from agent_tools._langgraph.twins import survived, twin_of
from agent_tools.report import RunReport
from agent_tools.testing._fault_plan import Faults, Plan
from agent_tools.testing._faults import Step, ok
from agent_tools.testing._no_waiting import no_waiting
from agent_tools.testing._recording import Recording
from agent_tools.testing._results import NoSuchFieldError
from agent_tools.testing._tool_nodes import handlers_of, tool_nodes_in

Body = Callable[..., Any]  # a tool takes and returns what it likes


@contextmanager
def inject_faults(agent: object, faults: Faults, *, waits: bool = True) -> Iterator[RunReport]:
    """Let the tools of `agent` fail as scripted; `as` gives the report of all calls.

    >>> from langgraph.graph import START, MessagesState, StateGraph
    >>> from agent_tools import ResilientToolNode
    >>> from agent_tools.testing import ScriptedChatModel, after, call, inject_faults, ok, timeout
    >>> def get_order(order: str) -> str:
    ...     "Look up an order."
    ...     return "shipped"
    >>> def charge(amount: int) -> str:
    ...     "Charge the customer."
    ...     return "charged"
    >>> tools = ResilientToolNode([get_order, charge])
    >>> agent = StateGraph(MessagesState).add_node("tools", tools).add_edge(START, "tools").compile()
    >>> asked = ScriptedChatModel([[call("get_order", order="A-1"), call("charge", amount=5)]]).invoke("help")
    >>> with inject_faults(agent, {"get_order": [503, 503, ok], "charge": after(timeout)}, waits=False) as report:
    ...     state = agent.invoke({"messages": [asked]})
    >>> report
    <RunReport: 2 calls: 1 recovered, 1 given up (1 timeout), 0 unanswered>
    >>> [(call.tool, call.attempts) for call in report.calls], report.lost
    ([('get_order', 3), ('charge', 1)], ())

    A fault is a status (400 to 599) or a `Reply`, which become the error of `httpx`; a `Fault`, `timeout`, `refused`
    or `hang(seconds)`; any error or type of error; `ok` and `slow(seconds)`, which run the tool; `after(fault)`, which
    runs it and then fails; or `truncated()`, `without("field")` and `corrupted("field")`, which run it and damage its
    result. Each run of the tool takes the next one, and the last one repeats, as with `FaultyServer`: `503` alone
    fails forever, `[503, ok]` once. A run that ends by asking a human (`interrupt`) uses none up.

    Circuits and retry budgets start fresh in the block, and have their earlier state again after it.

    It works sync and async, in all threads, and with async-only tools such as those of MCP servers. Inside the block,
    everyone else who uses the same node meets the faults, too. Tools that are not named work as always. What a tool
    calls itself is not affected.

    Args:
        agent: A `ToolNode` or `ResilientToolNode`, or a compiled graph that runs some, including one made by
            `create_agent`. Its subgraphs and the agents that its nodes and tools call are included.
        faults: Faults by the name of the tool, or `random_faults(...)` for all.
        waits: False skips the waits of this package, as `no_waiting` does. The time that tools take is not skipped.

    Raises:
        TypeError: `agent` has no tool node, `faults` is neither a mapping by tool nor `random_faults(...)`, or one of
            them is not a fault.
        ValueError: No tool has this name, a fault makes no sense, or, at the end of the block, a result had none of the
            fields to damage.
    """
    nodes = tool_nodes_in(agent)
    plan = Plan(faults, {name for node in nodes for name in node.tools_by_name})
    recording = Recording()
    injection = Injection(plan, recording)
    with ExitStack() as stack:
        stack.enter_context(listening(recording.heard))
        if not waits:
            stack.enter_context(no_waiting())
        for handler in {handler for node in nodes for handler in handlers_of(node)}:
            stack.enter_context(handler.fresh_health())
        for node in nodes:
            stack.enter_context(injection.into(node))
        yield recording
    for mistake in injection.mistakes:
        raise ValueError(mistake)


class Injection:
    """The faults injected by one block.

    Args:
        plan: The faults to come.
        recording: Records what happens.

    Attributes:
        over: Set when the block has ended: a faulty copy that is still in use then runs the tool itself.
        mistakes: Steps that could not be done as scripted.
    """

    def __init__(self, plan: Plan, recording: Recording) -> None:
        self._plan = plan
        self._recording = recording
        self.over = threading.Event()
        self.mistakes: list[str] = []

    @contextmanager
    def into(self, node: ToolNode) -> Iterator[None]:
        """Let `node` run faulty copies of its tools, and record its runs."""
        tools, own = node.tools_by_name, vars(node)
        with _lock:
            own.update(invoke=self._watched(node), ainvoke=self._awatched(node))
            tools.update({name: self._faulty(tool) for name, tool in tools.items()})
        try:
            yield
        finally:
            self.over.set()
            with _lock:
                _restore(own, ("invoke", "ainvoke"))
                _restore(tools, list(tools))

    def _watched(self, node: ToolNode) -> Body:
        invoke = node.invoke

        def watched(input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
            with self._recording.node_run(_calls_in(node, input), config) as returned:
                returned.append(invoke(input, config, **kwargs))
            return returned[0]

        vars(watched)[_LAYER] = Layer(self, vars(node).get("invoke"))
        return watched

    def _awatched(self, node: ToolNode) -> Body:
        ainvoke = node.ainvoke

        async def watched(input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
            with self._recording.node_run(_calls_in(node, input), config) as returned:
                returned.append(await ainvoke(input, config, **kwargs))
            return returned[0]

        vars(watched)[_LAYER] = Layer(self, vars(node).get("ainvoke"))
        return watched

    def _faulty(self, tool: BaseTool) -> BaseTool:
        """Return a copy of `tool` that follows the script and runs the body of `tool` itself.

        Entries in the instance's `__dict__` take precedence over the methods of its class.
        """
        faulty = tool.model_copy()
        run, arun, own = self._recorded(tool), self._arecorded(tool), vars(faulty)
        own[_LAYER] = Layer(self, tool, run=run, arun=arun)
        own.update(run=partial(run, faulty), arun=partial(arun, twin_of(faulty)), _run=clean_as(tool, self._body(tool)))
        if not runs_in_thread(tool):  # otherwise an async run also calls `_run`, and would take two faults
            own["_arun"] = survived(aclean_as(tool, self._abody(tool)))
        return faulty

    def _recorded(self, tool: BaseTool) -> Body:
        run = _layer_of(tool).run or type(tool).run

        def recorded(faulty: BaseTool, *args: Any, **kwargs: Any) -> Any:
            with self._recording.tool_run(kwargs.get("tool_call_id")):
                return run(faulty, *args, **kwargs)

        return recorded

    def _arecorded(self, tool: BaseTool) -> Body:
        arun = _layer_of(tool).arun or type(tool).arun

        async def recorded(faulty: BaseTool, *args: Any, **kwargs: Any) -> Any:
            with self._recording.tool_run(kwargs.get("tool_call_id")):
                return await arun(faulty, *args, **kwargs)

        return recorded

    # The bodies keep the names of the methods they replace: in a traceback, these show how far a call got.

    def _body(self, tool: BaseTool) -> Body:
        run = tool._run  # noqa: SLF001  # the documented hook

        @wraps(run)
        def _run(*args: Any, **kwargs: Any) -> Any:
            with self._step(tool) as step:
                if step.delay:
                    self.over.wait(step.delay)
                result = run(*args, **kwargs) if step.acts else None
            return self._end(tool, step, result)

        return _run

    def _abody(self, tool: BaseTool) -> Body:
        arun = tool._arun  # noqa: SLF001  # the documented hook

        @wraps(arun)
        async def _arun(*args: Any, **kwargs: Any) -> Any:
            with self._step(tool) as step:
                if step.delay:
                    await asyncio.sleep(step.delay)
                result = await arun(*args, **kwargs) if step.acts else None
            return self._end(tool, step, result)

        return _arun

    def _end(self, tool: BaseTool, step: Step, result: Any) -> Any:
        try:
            return step.end(result)
        except NoSuchFieldError as mistake:
            self.mistakes.append(f"faults[{tool.name!r}]: {step}: {mistake}")
            return result

    @contextmanager
    def _step(self, tool: BaseTool) -> Iterator[Step]:
        """Take the next step of `tool`, and give it back when the tool asks a human."""
        step = ok if self.over.is_set() else self._plan.next(tool.name)
        try:
            yield step
        except GraphBubbleUp:
            self._plan.give_back(tool.name, step)
            raise


@dataclass(frozen=True, slots=True)
class Layer:
    """What an injection put on top of a tool or method, and what is beneath; blocks may end in any order."""

    injection: Injection | None = None
    beneath: Any = None  # a tool, a method, or None for that of the class
    run: Body | None = None
    arun: Body | None = None


#: The name of a layer in the `__dict__` of the object it made.
_LAYER = "_agent_tools_layer"

_lock = threading.Lock()


def _layer_of(thing: object) -> Layer:
    return getattr(thing, "__dict__", {}).get(_LAYER) or Layer()


def _restore(holder: dict[str, Any], names: Iterable[str]) -> None:
    """Remove the layers whose blocks are over, down to one still in use or to the original."""
    for name in names:
        thing = holder.get(name)
        while (injection := _layer_of(thing).injection) is not None and injection.over.is_set():
            thing = _layer_of(thing).beneath
        if thing is None:
            holder.pop(name, None)
        else:
            holder[name] = thing


def _calls_in(node: ToolNode, node_input: Any) -> list[ToolCall]:
    try:
        return calls_in(node, node_input)[0]
    except Exception:  # noqa: BLE001  # the node is about to say so itself
        return []
