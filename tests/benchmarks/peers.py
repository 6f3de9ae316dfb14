"""The CPU time of each way to handle errors while nothing fails, relative to `ToolNode(handle_tool_errors=True)`.

They take turns within one run, as in `overhead`. httpx-retries works in the HTTP client and has no part in a call
without a request: its row shows how much two equal nodes differ here.
"""

import statistics
from itertools import product

from tests.benchmarks import nodes
from tests.benchmarks.overhead import cpu_per_call
from tests.comparison.contenders import CONTENDERS

TURNS = 21
BARE = CONTENDERS[0].column


def works() -> str:
    return "x"


async def aworks() -> str:
    return "x"


def ratios(*, calls: int, is_async: bool) -> dict[str, float]:
    """Return by contender the median of the ratios of its CPU seconds to those of the bare node."""
    state = nodes.state("lookup", calls)
    graphs = {each.column: each.graph([each.tool("lookup", aworks if is_async else works)]) for each in CONTENDERS}
    turns = []
    for turn in range(TURNS):
        order = list(graphs) if turn % 2 else list(reversed(graphs))
        took = {name: cpu_per_call(graphs[name], state, calls=calls, is_async=is_async) for name in order}
        turns.append({name: took[name] / took[BARE] for name in graphs})
    return {name: statistics.median(turn[name] for turn in turns) for name in graphs}


def main() -> None:
    """Print a row per way of calling."""
    names = [each.column for each in CONTENDERS]
    print(f"| calls at once | mode | {' | '.join(names)} |")
    print("| --- | --- |" + " --- |" * len(names))
    for calls, is_async in product((1, 16), (False, True)):
        found = ratios(calls=calls, is_async=is_async)
        cells = " | ".join(f"{found[name]:.2f}" for name in names)
        print(f"| {calls} | {'async' if is_async else 'sync'} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
