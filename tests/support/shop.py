"""A shop whose tools count their runs."""

from collections import Counter

from langgraph.types import interrupt

from tests.support.toolbox import Flavor


class KilledError(BaseException):
    """Ends a run like a kill: nothing in the package handles it."""


class Shop:
    """Two tools: one charges, one asks a human. While `is_killed`, both end the run."""

    def __init__(self, flavor: Flavor) -> None:
        self.runs: Counter[str] = Counter()
        self.is_killed = False

        def charge() -> str:
            if self.is_killed:
                raise KilledError
            self.runs["charge"] += 1
            return "charged"

        def close(owner: str) -> str:
            if self.is_killed:
                raise KilledError
            reply = interrupt(f"close {owner}?")
            self.runs[owner] += 1
            return f"{owner}: {reply}"

        self.tools = [flavor.tool(charge), flavor.tool(close)]
