"""What runs the tools of a graph: tool nodes, handlers, middleware, and retries around them."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any  # whatever a graph is made of

from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from agent_tools._handler import ToolErrorHandler
from agent_tools.testing._tool_nodes import tool_nodes_in

Graph = Pregel[Any, Any, Any, Any]

#: A node's function that calls one of these creates a handler in each run.
_MAKERS = frozenset({"ResilientToolNode", "ToolErrorHandler", "ResilientToolMiddleware"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What runs the tools of an agent.

    Attributes:
        nodes: The tool nodes.
        retried_nodes: Names of nodes that run tools and that LangGraph's `retry_policy` runs again.
        makers: Names of nodes that create a handler in each run.
    """

    nodes: tuple[ToolNode, ...]
    retried_nodes: tuple[str, ...]
    makers: tuple[str, ...]

    def tools(self) -> Iterator[tuple[ToolNode, BaseTool]]:
        """Yield each tool and the node that runs it."""
        for node in self.nodes:
            for tool in node.tools_by_name.values():
                yield node, tool


def survey(agent: object) -> Survey:
    """Return what runs the tools of `agent`.

    Raises:
        TypeError: Nothing in `agent` is seen to run tools.
    """
    graphs = [agent] if isinstance(agent, Pregel) else []
    makers = tuple(name for graph in graphs for name, node in graph.nodes.items() if _makes_handler(node.bound))
    try:
        nodes = tuple(tool_nodes_in(agent))
    except TypeError:
        if not makers:
            raise
        nodes = ()
    return Survey(nodes=nodes, retried_nodes=tuple(_retried(graphs)), makers=makers)


def handler_of(node: ToolNode, tool: str) -> ToolErrorHandler | None:
    """Return the handler that handles errors of `tool`, or None."""
    own = getattr(node, "handler", None)
    if isinstance(own, ToolErrorHandler):
        return own
    for wrapper in wrappers_of(node):
        if isinstance(wrapper, ToolErrorHandler):
            return wrapper
        handler = getattr(wrapper, "handler", None)
        if isinstance(handler, ToolErrorHandler) and wrapper.looks_after(tool):
            return handler
    return None


def wrappers_of(node: ToolNode) -> list[Any]:
    """Return the middleware around the tool calls of `node`, outermost first."""
    found: list[Any] = []
    for name, value in vars(node).items():
        if name.endswith("wrap_tool_call"):
            _collect(value, found, 0)
    return found


def _collect(thing: Any, found: list[Any], depth: int) -> None:
    if inspect.ismethod(thing) and thing.__name__.endswith("wrap_tool_call"):
        if not any(thing.__self__ is each for each in found):
            found.append(thing.__self__)
    elif inspect.isfunction(thing) and depth < _DEEPEST_CHAIN:
        cells = dict(zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True))
        for name in sorted(cells, key=lambda each: each != "outer"):  # LangChain's chain is pairs of outer and inner
            _collect(cells[name].cell_contents, found, depth + 1)


_DEEPEST_CHAIN = 60


def _retried(graphs: list[Graph]) -> Iterator[str]:
    for graph in graphs:
        for name, node in graph.nodes.items():
            if node.retry_policy and _runs_tools(node.bound):
                yield name


def _runs_tools(bound: object) -> bool:
    try:
        return bool(tool_nodes_in(bound))
    except TypeError:
        return False


def _makes_handler(bound: object) -> bool:
    functions = [getattr(bound, name, None) for name in ("func", "afunc")]
    return any(
        _MAKERS & set(each.__code__.co_names) and each.__module__.partition(".")[0] not in ("langchain", "langgraph")
        for each in functions
        if inspect.isfunction(each)
    )
