"""The trip of one call through the package: the functions, files and rooms that it enters, and its moves.

A room is a module or package directly in `agent_tools`. A move is a call from one room into another.
Counted by a profiler, so the figures are the same on every machine.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

import agent_tools
from agent_tools import ResilientToolNode, ToolErrorHandler
from agent_tools.testing import no_waiting
from tests.benchmarks import nodes
from tests.support.toolbox import Skipping, http_error

OURS = Path(agent_tools.__file__).parent
THREAD: Any = {"configurable": {"thread_id": "1"}}


@dataclass
class Trip:
    """The files of this package whose functions were called, in order."""

    files: list[Path] = field(default_factory=list)

    def see(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call: the profile function of `sys.setprofile`."""
        if event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(OURS):
                self.files.append(path.relative_to(OURS))

    @property
    def rooms(self) -> list[str]:
        """The room of each call."""
        return [file.parts[0].removesuffix(".py") for file in self.files]

    @property
    def moves(self) -> int:
        """How often the next call was in another room."""
        return sum(one != other for one, other in pairwise(self.rooms))


class Script:
    """A tool that takes one step of its script per run, and works once there are none left."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)

    def __call__(self, number: int) -> str:
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, Exception):
            raise step
        return str(interrupt("may I?")) if step == "ask" else "x"

    def tool(self, *, is_async: bool) -> StructuredTool:
        """Return the script as a LangChain tool."""

        async def arun(number: int) -> str:
            return self(number)

        if is_async:
            return StructuredTool.from_function(coroutine=arun, name="t", description="Does as it is told.")
        return StructuredTool.from_function(self.__call__, name="t", description="Does as it is told.")


def graph_of(script: Script, clock: Callable[[], float], *, is_async: bool) -> Any:
    """Return a graph of one node."""
    handler = ToolErrorHandler(clock=clock, chance=lambda: 0.5)
    node = ResilientToolNode([script.tool(is_async=is_async)], handler=handler)
    builder = StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").add_edge("tools", END)
    return builder.compile(checkpointer=InMemorySaver())


def run(graph: Any, given: Any, *, is_async: bool) -> None:
    """Run the graph once."""
    if is_async:
        asyncio.run(graph.ainvoke(given, THREAD))
    else:
        graph.invoke(given, THREAD)


@contextmanager
def profiled(trip: Trip) -> Iterator[None]:
    """Let `trip` see each call in the block, in this and in new threads."""
    threading.setprofile(trip.see)
    sys.setprofile(trip.see)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # as documented


#: By name: the steps of the tool before the trip and on it; for an approval, the trip is the resumed run.
TRIPS: dict[str, tuple[list[Any], list[Any]]] = {
    "healthy": ([], []),
    "401": ([], [http_error(401)]),
    "503, then ok": ([], [http_error(503)]),
    "held by the circuit": ([http_error(503)] * 6, []),
    "approval resumed": (["ask"], ["ask"]),
}


def trip_of(before: list[Any], steps: list[Any], *, is_async: bool) -> Trip:
    """Return the trip of the last call."""
    trip, script = Trip(), Script(*before)
    with no_waiting() as waits:
        graph, state = graph_of(script, Skipping(waits), is_async=is_async), nodes.state("t", 1)
        while script.steps:
            run(graph, state, is_async=is_async)
        script.steps = list(steps)
        with profiled(trip):
            run(graph, Command(resume="yes") if before == ["ask"] else state, is_async=is_async)
    return trip


def main() -> None:
    """Print a row per trip."""
    print("| trip | mode | calls | files | rooms | moves between rooms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (before, steps) in TRIPS.items():
        for is_async in (False, True):
            trip_of(before, steps, is_async=is_async)  # first, since the first call loads modules
            trip = trip_of(before, steps, is_async=is_async)
            mode, files, rooms = "async" if is_async else "sync", len(set(trip.files)), len(set(trip.rooms))
            print(f"| {name} | {mode} | {len(trip.files)} | {files} | {rooms} | {trip.moves} |", flush=True)


if __name__ == "__main__":
    main()
