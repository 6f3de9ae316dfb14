"""The CPU time of recorded calls, relative to `ToolNode` with the same in-memory checkpointer."""

import asyncio
import statistics
import time
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from tests.benchmarks import nodes

TURNS, RUNS = 21, 20


def cpu_of(kind: str, *, calls: int, is_async: bool, has_checkpointer: bool) -> float:
    """Return the CPU seconds of `RUNS` runs, each in its own thread of the graph."""
    node = nodes.NODES[kind]([nodes.tool("look", is_async=is_async, fails=False)], handle_tool_errors=True)
    builder = StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").add_edge("tools", END)
    graph: Any = builder.compile(checkpointer=InMemorySaver() if has_checkpointer else None)
    state = nodes.state("look", calls)
    threads: list[Any] = [{"configurable": {"thread_id": str(number)}} for number in range(RUNS)]

    async def arun() -> None:
        for thread in threads:
            await graph.ainvoke(state, thread)

    started = time.process_time()
    if is_async:
        asyncio.run(arun())
    else:
        for thread in threads:
            graph.invoke(state, thread)
    return time.process_time() - started


def main() -> None:
    """Print a row per way of calling."""
    print("| calls at once | mode | checkpointer | ours / bare |")
    print("| --- | --- | --- | --- |")
    for calls, has_checkpointer in ((8, True), (1, True), (8, False)):
        for is_async in (False, True):
            options: Any = {"calls": calls, "is_async": is_async, "has_checkpointer": has_checkpointer}
            ratios = [cpu_of("ours", **options) / cpu_of("bare", **options) for _ in range(TURNS)]
            words = "async" if is_async else "sync", "in memory" if has_checkpointer else "none"
            print(f"| {calls} | {words[0]} | {words[1]} | {statistics.median(ratios):.2f} |", flush=True)


if __name__ == "__main__":
    main()
