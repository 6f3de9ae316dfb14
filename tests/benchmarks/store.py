"""The cost of shared health: with a real Redis on loopback, and without one.

Only ratios from one run are comparable; of each pair the faster half counts.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from langgraph.graph import START, MessagesState, StateGraph

from agent_tools import RedisHealth, ResilientToolNode, RetryPolicy, ToolErrorHandler
from tests.services.fleet.store import SERVER, redis_server
from tests.support.toolbox import http_error

CALLS = 300
POLICY = RetryPolicy(max_attempts=2, base_delay=0.0)


def main() -> None:
    """Print the table."""
    if SERVER is None:
        print("redis-server is missing: apt-get install redis-server")
        return
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as store:
        rows = {"a call that works": False, "a call that fails once": True}
        print(f"{'':24}{'alone':>10}{'shared':>10}{'ratio':>8}{'operations per attempt':>26}")
        for name, fails in rows.items():
            handlers = [_handler(None), _handler(RedisHealth(store.url, prefix=name))]
            alone, shared = _seconds([_run(handler, fails=fails) for handler in handlers])
            link: Any = handlers[1]._settings.gates.link
            operations = link.operations / (CALLS * (1 + fails))
            ratio = shared / alone
            print(f"{name:24}{alone * 1e3:>7.2f} ms{shared * 1e3:>7.2f} ms{ratio:>8.2f}{operations:>26.2f}")


def _handler(health: RedisHealth | None) -> ToolErrorHandler:
    handler = ToolErrorHandler(policy=POLICY, circuit=None, health=health)
    handler.health()  # it is up to date
    return handler


def _run(handler: ToolErrorHandler, *, fails: bool) -> Any:
    runs = iter(range(10**9))

    def lookup() -> str:
        if fails and next(runs) % 2 == 0:
            raise http_error(503)
        return "found"

    tool = StructuredTool.from_function(lookup, description="Looks up.")
    node = ResilientToolNode([tool], handler=handler)
    graph = StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").compile()
    call = {"name": "lookup", "args": {}, "id": "call", "type": "tool_call"}
    return lambda: graph.invoke({"messages": [AIMessage("", tool_calls=[call])]})


def _seconds(runs: list[Any]) -> list[float]:
    """Return the seconds of each; they take turns, so that other load affects all alike."""
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(CALLS):
        for run, seconds in zip(runs, taken, strict=True):
            began = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - began)
    return [statistics.median(sorted(seconds)[: CALLS // 2]) for seconds in taken]
