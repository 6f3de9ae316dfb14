"""Memory of 10,000 calls that wait for a retry, compared with 10,000 tools that sleep in a bare node.

Each kind is measured in its own process, in two ways: live objects while the calls wait (tracemalloc), and the
growth of the resident memory, which includes the peak when all tools begin at once.
"""

import asyncio
import gc
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from langchain_core.tools import StructuredTool

from agent_tools import RetryPolicy
from tests.benchmarks import nodes

CALLS = 10_000
PAGE = os.sysconf("SC_PAGE_SIZE")


def used(how: str) -> int:
    """Return the bytes that this process uses, in "live" objects or "resident" pages."""
    gc.collect()
    if how == "live":
        return tracemalloc.get_traced_memory()[0]
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def growth(kind: str, how: str) -> int:
    """Return by how many bytes this process grows while `CALLS` calls sleep or wait."""
    begun = 0

    async def sleeps(number: int) -> str:
        nonlocal begun
        begun += 1
        if kind == "ours":
            raise ConnectionResetError("the service is gone")
        await asyncio.sleep(3600)
        return "x"

    tool = StructuredTool.from_function(coroutine=sleeps, name="sleeps", description="Sleeps.")
    policy = RetryPolicy(base_delay=3600, max_delay=3600, deadline=None, retry_on={"network"})
    options: dict[str, Any] = {"policy": policy} if kind == "ours" else {}
    graph = nodes.graph(kind, tool, **options)
    state = nodes.state("sleeps", CALLS)
    before = used(how)
    run = asyncio.create_task(graph.ainvoke(state))
    while begun < CALLS:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    grown = used(how) - before
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    return grown


def main() -> None:
    """Print both figures of both kinds, and the ratios."""
    if len(sys.argv) == 3:  # a child of the call below
        if sys.argv[2] == "live":
            tracemalloc.start(1)
        print(asyncio.run(growth(*sys.argv[1:])))
        return
    for how in ("live", "resident"):
        grown = {
            kind: int(
                subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.memory", kind, how], check=True, capture_output=True
                ).stdout
            )
            for kind in nodes.NODES
        }
        print(f"{how}: {CALLS:,} sleeping tools, bare {grown['bare'] / 1e6:.0f} MB; waiting retries, ours ", end="")
        print(f"{grown['ours'] / 1e6:.0f} MB; ratio {grown['ours'] / grown['bare']:.2f}", flush=True)


if __name__ == "__main__":
    main()
