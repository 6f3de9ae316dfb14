"""The overhead in instructions, counted by callgrind: the same figure on every machine.

Takes some minutes a row, and needs valgrind. Each kind of node runs with a few and with more repetitions; the
difference counts, which excludes the start of Python and the imports.
"""

import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys
from typing import Any

from tests.benchmarks import nodes

FEW, MORE = 3, 63


def repeat(kind: str, mode: str, calls: int, outcome: str, times: int) -> None:
    """Run a graph `times` times: the program that is measured."""
    gc.disable()
    graph = nodes.graph(kind, nodes.tool("t", is_async=mode == "async", fails=outcome == "raises"))
    state = nodes.state("t", calls)

    async def main() -> None:
        for _ in range(times):
            await graph.ainvoke(state)

    if mode == "async":
        asyncio.run(main())
        return
    for _ in range(times):
        graph.invoke(state)


def instructions(*arguments: Any) -> int:
    """Return the instructions of `repeat(*arguments)` in a process of its own."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", __spec__.name]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "LANGSMITH_TRACING": "false"}
    done = subprocess.run([*command, *map(str, arguments)], env=environment, check=True, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind printed no total: {done.stderr[-500:]}")
    return int(found[1])


def main() -> None:
    """Print a row per way of calling; arguments choose one: `python -m ... async 16 works`."""
    if len(sys.argv) == 6:  # a child of instructions()
        kind, mode, calls, outcome, times = sys.argv[1:]
        repeat(kind, mode, int(calls), outcome, int(times))
        return
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: no instructions counted")
        return
    chosen = (
        [sys.argv[1:]]
        if len(sys.argv) == 4
        else [[mode, calls, "works"] for mode in ("async", "sync") for calls in ("1", "16")]
    )
    for mode, calls, outcome in chosen:
        counted = {
            kind: instructions(kind, mode, calls, outcome, MORE) - instructions(kind, mode, calls, outcome, FEW)
            for kind in nodes.NODES
        }
        print(f"{mode}, {calls} at once, {outcome}: {counted['ours'] / counted['bare']:.4f}", flush=True)


if __name__ == "__main__":
    main()
