"""The tools that a middleware looks after, as its users name them."""

from collections.abc import Callable, Iterable
from typing import Any

from langchain_core.tools import BaseTool

NamedTool = str | BaseTool | Callable[..., Any]


def names_of(tools: Iterable[NamedTool] | None) -> frozenset[str] | None:
    """Return the names of `tools`; None stands for all tools.

    Raises:
        TypeError: `tools` is a single tool instead of a list.
    """
    if tools is None:
        return None
    if isinstance(tools, str | BaseTool) or not isinstance(tools, Iterable):
        raise TypeError(f"tools must be a list of tools or their names, not {tools!r}")
    return frozenset(map(_name_of, tools))


def name_for(middleware: object, names: frozenset[str] | None) -> str:
    """Return the class name with the tools looked after: LangChain refuses two middleware of one name."""
    kind = type(middleware).__name__
    return kind if names is None else f"{kind}[{','.join(sorted(names))}]"


def _name_of(tool: NamedTool) -> str:
    if isinstance(tool, str):
        return tool
    return tool.name if isinstance(tool, BaseTool) else tool.__name__
