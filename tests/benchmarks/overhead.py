"""The CPU time of `ResilientToolNode`, relative to `ToolNode(handle_tool_errors=True)`.

The two take turns within one run, and the median of their ratios counts: a machine may
be shared and noisy, but two figures taken a second apart are comparable.
"""

import asyncio
import statistics
import time
from itertools import product
from typing import Any

from tests.benchmarks import nodes

TURNS = 41
CALLS_PER_TURN = 160


def cpu_per_call(graph: Any, state: dict[str, Any], *, calls: int, is_async: bool) -> float:
    """Return the CPU seconds of one call, measured over `CALLS_PER_TURN`."""
    runs = max(1, CALLS_PER_TURN // calls)

    def sync_turn() -> None:
        for _ in range(runs):
            graph.invoke(state)

    async def async_turn() -> None:
        for _ in range(runs):
            await graph.ainvoke(state)

    started = time.process_time()
    if is_async:
        asyncio.run(async_turn())
    else:
        sync_turn()
    return (time.process_time() - started) / (runs * calls)


def ratio(*, calls: int, is_async: bool, fails: bool, tools: int = 1, history: int = 0) -> tuple[float, float]:
    """Return the CPU seconds of a bare call and the ratio of ours to it, both medians."""
    made = [nodes.tool(f"tool_{number}", is_async=is_async, fails=fails) for number in range(tools)]
    graphs = {kind: nodes.graph(kind, *made) for kind in nodes.NODES}
    return median_ratio(graphs, nodes.state("tool_0", calls, history=history), calls=calls, is_async=is_async)


def median_ratio(graphs: dict[str, Any], state: dict[str, Any], *, calls: int, is_async: bool) -> tuple[float, float]:
    """Return the CPU seconds of a call of the graph "bare" and the ratio of "ours" to it, both medians."""
    bare, ratios = [], []
    for turn in range(TURNS):
        order = list(graphs) if turn % 2 else list(reversed(graphs))
        took = {kind: cpu_per_call(graphs[kind], state, calls=calls, is_async=is_async) for kind in order}
        bare.append(took["bare"])
        ratios.append(took["ours"] / took["bare"])
    return statistics.median(bare), statistics.median(ratios)


def main() -> None:
    """Print a row per way of calling."""
    print("| calls at once | mode | outcome | bare, us a call | ours / bare |")
    print("| --- | --- | --- | --- | --- |")
    for fails, calls, is_async in product((False, True), (1, 16), (False, True)):
        bare, times = ratio(calls=calls, is_async=is_async, fails=fails)
        words = ("async" if is_async else "sync", "raises" if fails else "works")
        print(f"| {calls} | {words[0]} | {words[1]} | {bare * 1e6:.0f} | {times:.3f} |", flush=True)


if __name__ == "__main__":
    main()
