"""Which fault comes next, tool by tool.

The faults of a tool come in the order they were written, and the last one repeats forever, like the replies of a
`FaultyServer`. A run that asks a human is not finished, so the run after the answer gets the same fault.
"""

import random
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from agent_tools._core.policy import require_fraction
from agent_tools.testing._faults import FaultLike, Step, ok, refused, step_of, timeout
from agent_tools.testing._reply import Reply


@dataclass(frozen=True, slots=True)
class Mix:
    """Random faults, the same ones for the same seed."""

    seed: int
    rate: float
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"random_faults(seed={self.seed}, rate={self.rate:g}, kinds={list(self.steps)})"

    def of_tool(self, tool: str) -> Iterator[Step]:
        """Yield what each run of `tool` does, independently of other tools."""
        chance = random.Random(f"{self.seed} {tool}")  # noqa: S311  # a test, no secret
        while True:
            yield chance.choice(self.steps) if chance.random() < self.rate else ok


#: What happens to services on a bad day, for `random_faults`.
BAD_DAY: tuple[FaultLike, ...] = (500, 503, Reply(429, headers={"Retry-After": "1"}), timeout, refused)


def random_faults(*, seed: int, rate: float = 0.3, kinds: Iterable[FaultLike] = BAD_DAY) -> Mix:
    """Return random faults, for one tool in the mapping, or in place of the mapping for all.

    The nth run of a tool meets the same fault in every test run; concurrent calls of one tool take its faults in the
    order in which they start.

    >>> from agent_tools.testing import random_faults, refused
    >>> random_faults(seed=7, rate=0.5, kinds=[503, refused])
    random_faults(seed=7, rate=0.5, kinds=[503, refused])

    Args:
        seed: Each seed gives another sequence.
        rate: The share of runs that fail, from 0 to 1.
        kinds: The faults, all equally likely.

    Raises:
        ValueError: `rate` is not from 0 to 1, or there are no `kinds`.
    """
    require_fraction("rate", rate)
    steps = tuple(map(step_of, kinds))
    if not steps:
        raise ValueError("kinds must have at least one fault")
    return Mix(seed, rate, steps)


ToolFaults = Mix | FaultLike | Sequence[FaultLike]
Faults = Mix | Mapping[str, ToolFaults]


class Plan:
    """The remaining steps, tool by tool. Safe to share between threads.

    Args:
        faults: As for `inject_faults`.
        tools: The names of all tools.

    Raises:
        TypeError: `faults` is neither a mapping by tool nor a mix, or one of them is not a fault.
        ValueError: A tool does not exist, or has no faults.
    """

    def __init__(self, faults: Faults, tools: Iterable[str]) -> None:
        if not isinstance(faults, Mix | Mapping):
            raise TypeError(f"faults must be a mapping by tool name, or random_faults(...), not {faults!r}")
        known = sorted(tools)
        by_tool = dict.fromkeys(known, faults) if isinstance(faults, Mix) else faults
        for tool in by_tool:
            if tool not in known:
                raise ValueError(f"faults names {tool!r}, but the tools are {', '.join(known)}")
        self._coming_by_tool = {tool: _coming(tool, given) for tool, given in by_tool.items()}
        self._given_back_by_tool: dict[str, list[Step]] = {tool: [] for tool in by_tool}
        self._lock = threading.Lock()

    def next(self, tool: str) -> Step:
        """Return what the next run of `tool` does."""
        if tool not in self._coming_by_tool:
            return ok
        with self._lock:
            given_back = self._given_back_by_tool[tool]
            return given_back.pop() if given_back else next(self._coming_by_tool[tool])

    def give_back(self, tool: str, step: Step) -> None:
        """Let the next run of `tool` do `step`: this one asked a human."""
        if tool in self._coming_by_tool:
            with self._lock:
                self._given_back_by_tool[tool].append(step)


def _coming(tool: str, given: object) -> Iterator[Step]:
    if isinstance(given, Mix):
        return given.of_tool(tool)
    listed = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    try:
        steps = [step_of(each) for each in listed]
    except (TypeError, ValueError) as error:
        raise type(error)(f"faults[{tool!r}]: {error}") from None
    if not steps:
        raise ValueError(f"faults[{tool!r}] must have at least one fault")
    return chain(steps, repeat(steps[-1]))
