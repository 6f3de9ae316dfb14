"""A handler's knowledge of its tools: the state of each gate that is not calm, and which calls wait there.

The lock is held for a few assignments, never while a tool runs or a call waits. While nothing fails there is no state
at all, and calls pay nothing. A gate that is calm again is forgotten at once, so no cleanup is needed.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from agent_tools._core.gate_policies import BudgetPolicy, CircuitPolicy

if TYPE_CHECKING:
    from agent_tools._core.gate_state import GateState
    from agent_tools._flow.steps import Flow
    from agent_tools._gate.health import Health
    from agent_tools._gate.store import Change, Link, Store

ResultT = TypeVar("ResultT")

#: The most gates that are remembered; beyond that, the least recently used are forgotten.
MOST = 10_000

#: The most hosts that are remembered for a tool; with more, the host of a call would be a guess.
MOST_HOSTS = 8


@dataclass(slots=True, eq=False, repr=False)
class Queue:
    """The calls that wait at one gate in this process.

    Attributes:
        held: Number of calls.
        held_by_arguments: The same, by the digest of their arguments.
        number_by_ticket: The numbers of the calls that wait for the window, in order.
    """

    held: int = 0
    held_by_arguments: Counter[str | None] = field(default_factory=Counter)
    number_by_ticket: dict[object, int] = field(default_factory=dict)

    def ahead_of(self, ticket: object) -> int:
        """Return how many calls are ahead of this one for the window."""
        number = self.number_by_ticket.get(ticket)
        if number is None:
            return len(self.number_by_ticket)
        return number - next(iter(self.number_by_ticket.values()))

    def holds_others(self, arguments: str | None) -> bool:
        """Return whether a call with other arguments is waiting too."""
        return self.held > self.held_by_arguments[arguments]


class Gates:
    """The gates of a handler, by key.

    Args:
        budget: What the retries of a key may cost.
        circuit: When a key counts as down.
        clock: Returns seconds that never run backwards.
        store: Where the states are shared with other processes; None to share nothing.

    Attributes:
        by_key: The states of the gates that are not calm.
        budget: As above.
        circuit: As above.
        link: The link to the store.
    """

    __slots__ = (
        "__weakref__",
        "_hosts_by_tool",
        "_lock",
        "_numbers",
        "_queues",
        "_sets",
        "_store_link",
        "budget",
        "by_key",
        "circuit",
        "clock",
        "link",
    )

    def __init__(
        self,
        *,
        budget: BudgetPolicy | None,
        circuit: CircuitPolicy | None,
        clock: Callable[[], float],
        store: "Store | None" = None,
    ) -> None:
        self._lock = threading.Lock()
        self._numbers = count()
        self._queues: dict[str, Queue] = {}
        self._hosts_by_tool: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self.by_key: OrderedDict[str, GateState] = OrderedDict()
        self._sets = [self.by_key]
        self.budget = budget
        self.circuit = circuit
        self.clock = clock
        self.link: Link | None = None if store is None else store.connect(self, budget)
        self._store_link = self.link

    def state(self, key: str) -> "GateState":
        """Return the state of a key, by the clock of this process."""
        return self.by_key.get(key) or calm()

    def adopt(self, key: str, state: "GateState") -> None:
        """Adopt the state that another process has found, by the clock of this one."""
        with self._lock:
            self._keep(self._sets[0], key, state)

    def change(self, key: str, change: "Change[ResultT]") -> ResultT:
        """Change the state of a key in this process alone, and return the result of the change."""
        with self._lock:
            before = self.by_key.get(key) or calm()
            state, result = change(before, self.clock())
            if state is not before:
                self._keep(self.by_key, key, state)
            return result

    def change_for_all(self, key: str, change: "Change[ResultT]") -> "Flow[ResultT]":
        """Change the state for all processes that share the store, and return the result of the change."""
        if self.link is None or self.link.is_down:
            return self.change(key, change)
        result: ResultT = yield self.link.asking(key, change)
        return result

    def change_later(self, key: str, change: "Change[object]") -> None:
        """Change the state for all processes without waiting for it."""
        if self.link is None or self.link.is_down:
            self.change(key, change)
        else:
            self.link.change_later(key, change)

    def forget_if_calm(self, key: str) -> None:
        """Forget the wait that a server has asked for once it is over."""
        if key in self.by_key:
            from agent_tools._core.gate_state import calmed  # noqa: PLC0415  # loaded with the first failure

            self.change(key, lambda state, now: (calmed(state, now=now), None))

    def _keep(self, by_key: "OrderedDict[str, GateState]", key: str, state: "GateState") -> None:
        if state == calm():
            by_key.pop(key, None)
            return
        tool, at, host = key.partition(AT)
        for each in ((tool,) if tool else state.tools) if at else ():
            self._note_host(each, host)  # another process may have met it
        by_key[key] = state
        by_key.move_to_end(key)
        if len(by_key) > MOST:
            by_key.popitem(last=False)

    # ---- hosts ----

    def hosts_of(self, tool: str) -> tuple[str, ...]:
        """Return the hosts that errors of `tool` have come from."""
        return self._hosts_by_tool.get(tool, ())

    def met_host(self, tool: str, host: str) -> None:
        """Note that an error of `tool` has come from `host`."""
        with self._lock:
            self._note_host(tool, host)

    def _note_host(self, tool: str, host: str) -> None:
        known = self._hosts_by_tool.get(tool, ())
        self._hosts_by_tool[tool] = (host, *(each for each in known if each != host))[:MOST_HOSTS]
        self._hosts_by_tool.move_to_end(tool)
        if len(self._hosts_by_tool) > MOST:
            self._hosts_by_tool.popitem(last=False)

    # ---- waiting calls ----

    @contextmanager
    def holding(self, key: str, ticket: object, arguments: str | None) -> Iterator[Queue]:
        """Count a call as waiting, in a `with` block."""
        with self._lock:
            queue = self._queues.setdefault(key, Queue())
            queue.held += 1
            queue.held_by_arguments[arguments] += 1
        try:
            yield queue
        finally:
            with self._lock:
                queue.held -= 1
                queue.held_by_arguments[arguments] -= 1
                queue.number_by_ticket.pop(ticket, None)
                if not queue.held:
                    del self._queues[key]

    def queue(self, key: str) -> Queue:
        """Return the calls that wait at a gate."""
        return self._queues.get(key) or Queue()

    def ahead_of(self, key: str, ticket: object) -> int:
        """Return how many calls are ahead of this one in the line for the window."""
        return self.queue(key).ahead_of(ticket)

    def take_number(self, queue: Queue, ticket: object) -> None:
        """Give a call the next number in the line for the window."""
        with self._lock:
            queue.number_by_ticket.setdefault(ticket, next(self._numbers))

    def drop_number(self, queue: Queue, ticket: object) -> None:
        """Take a call out of the line for the window."""
        with self._lock:
            queue.number_by_ticket.pop(ticket, None)

    def may_begin(self, key: str, ticket: object) -> bool:
        """Return whether a call that waits for the window may begin now."""
        with self._lock:
            window = self.state(key).window
            return window is None or self.queue(key).ahead_of(ticket) < window.free(now=self.clock())

    # ---- operators ----

    def health(self) -> "dict[str, Health]":
        """Return the health of each tool that has failed lately; by host if it has failed at several."""
        from agent_tools._gate.health import health_of  # noqa: PLC0415  # only operators ask

        if self.link is not None:
            self.link.listen(within=0.5)
        with self._lock:
            states, now = dict(self.by_key), self.clock()
        tools = Counter(tool_of(key) for key in states)
        return {
            _shown(key, alone=tools[tool_of(key)] == 1): health_of(
                state, states.get(door_of(key), calm()), now=now, policy=self.budget
            )
            for key, state in states.items()
        }

    def reset(self, name: str | None = None) -> None:
        """Forget the failures of a tool or user-defined key, None for all."""
        if self.link is not None:
            self.link.listen(within=0.5)
        for key in [key for key in self.by_key if name is None or name in (key, tool_of(key), _shown(key, alone=True))]:
            self.change(key, _forgotten)
            if self.link is not None and not self.link.is_down:
                self.link.change_later(key, _forgotten)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Start with no states and no store, and restore the previous ones when the block ends.

        Blocks may end in any order.
        """
        fresh: OrderedDict[str, GateState] = OrderedDict()
        with self._lock:
            self._sets.append(fresh)
            self.by_key, self.link = fresh, None
        try:
            yield
        finally:
            with self._lock:
                self._sets = [each for each in self._sets if each is not fresh]
                self.by_key = self._sets[-1]
                self.link = self._store_link if len(self._sets) == 1 else None


@cache
def calm() -> "GateState":
    """Return the state of a gate of which nothing is known; its module is loaded with the first failure."""
    from agent_tools._core.gate_state import CALM  # noqa: PLC0415  # as it says

    return CALM


def _forgotten(_state: "GateState", _now: float) -> "tuple[GateState, None]":
    return calm(), None


#: Separates a tool from its host; no tool has it in its name.
AT = " @ "


def key_at(tool: str, host: str | None) -> str:
    """Return the key of a tool's calls to a host, of all its calls for None."""
    return tool if host is None else f"{tool}{AT}{host}"


def tool_of(key: str) -> str:
    """Return the tool of a key, empty for the key of a host's door."""
    return key.partition(AT)[0]


def door_of(key: str) -> str:
    """Return the key of the host's door, which all tools share; the key itself when no host is known."""
    _, at, host = key.partition(AT)
    return f"{at}{host}" if at else key


def _shown(key: str, *, alone: bool) -> str:
    return (alone and tool_of(key)) or key.removeprefix(AT)
