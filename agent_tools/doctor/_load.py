"""Loads the graph named on the command line: `module:graph` or `path/to/file.py:graph`, as in `langgraph.json`."""

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any  # whatever a module holds

from langgraph.graph import StateGraph


@contextmanager
def graphs_named(name: str) -> Iterator[list[Any]]:
    """Load the graph `name`. A function that makes it is called twice, since the LangGraph server calls it each run.

    Raises:
        ValueError: There is no such module or name.
    """
    where, _, attribute = name.rpartition(":")
    if not where:
        raise ValueError(f"the graph must be named as module:graph, not {name!r}")
    found = getattr(_module(where), attribute, None)
    if found is None:
        raise ValueError(f"{where} has no {attribute!r}")
    if isinstance(found, StateGraph):
        yield [found.compile()]
    elif inspect.isroutine(found):
        yield [_made(found), _made(found)]
    else:
        yield [found]


def _module(where: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    if not where.endswith(".py"):
        return import_module(where.replace(os.sep, "."))
    path = Path(where)
    spec = util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise ValueError(f"there is no file {where}")
    module = util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _made(factory: Callable[..., Any]) -> Any:
    """Return the graph that `factory` makes: a function, a coroutine function, or a context manager of either kind."""
    takes_config = any(each.default is each.empty for each in inspect.signature(factory).parameters.values())
    made = factory({}) if takes_config else factory()
    if hasattr(made, "__enter__"):
        with made as graph:
            return _compiled(graph)
    if hasattr(made, "__aenter__"):
        return asyncio.run(_entered(made))
    return _compiled(asyncio.run(_awaited(made)) if inspect.isawaitable(made) else made)


async def _entered(manager: Any) -> Any:
    async with manager as graph:
        return _compiled(graph)


async def _awaited(made: Any) -> Any:
    return await made


def _compiled(graph: Any) -> Any:
    return graph.compile() if isinstance(graph, StateGraph) else graph
