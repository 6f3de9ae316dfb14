"""How many workers share the load, and whether they share their health."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from agent_tools._core.gate_policies import BudgetPolicy
from agent_tools._core.gate_state import CALM, GateState
from agent_tools._gate.store import Change, Link, Local

#: Seconds that a worker waits for the store, and seconds for which it does not use one that has failed.
TIMEOUT = 0.1
REST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The workers of a run: each has its own node, and each operation comes to any of them.

    Attributes:
        workers: How many there are.
        store: What they share: nothing, their health, or a store that never answers.
        latency: Seconds until the store answers, and until the others see a change.
    """

    workers: int = 1
    store: Literal["none", "shared", "failing"] = "none"
    latency: float = 0.002

    def __str__(self) -> str:
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return workers if self.store == "none" else f"{workers}, {self.store} store"

    def health(self) -> "SimulatedHealth | None":
        """Return the store of one run."""
        return None if self.store == "none" else SimulatedHealth(self)


ALONE = Fleet()


class SimulatedHealth:
    """A store in virtual time: it makes each change when it arrives, and shows it to all workers.

    Attributes:
        operations: How many changes it has made.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.operations = 0
        self.state_by_key: dict[str, GateState] = {}
        self._links: list[SimulatedLink] = []

    def connect(self, local: Local, policy: BudgetPolicy | None) -> Link:
        """Return a new link; all workers have the same policies here."""
        self._links.append(SimulatedLink(self, local))
        return self._links[-1]

    def change_for_all(self, key: str, change: Change[Any], now: float, *, by: "SimulatedLink") -> Any:
        """Make a change, and show it to the other links later."""
        self.operations += 1
        state, said = change(self.state_by_key.get(key, CALM), now)
        if state != self.state_by_key.get(key, CALM):
            self.state_by_key[key] = state
            for link in self._links:
                if link is not by:
                    self.later(link.local.adopt, key, state)
        return said

    def later(self, what: Callable[..., object], *arguments: Any) -> None:
        """Call `what` after half the latency, the time in one direction."""
        asyncio.get_running_loop().call_later(self.fleet.latency / 2, what, *arguments)


class SimulatedLink:
    """The link between one worker and the store."""

    is_listening = True

    def __init__(self, store: SimulatedHealth, local: Local) -> None:
        self.store = store
        self.local = local
        self.down_until = 0.0

    @property
    def is_down(self) -> bool:
        """Whether the store has just failed."""
        return self.local.clock() < self.down_until

    def listen(self, *, within: float = 0.0) -> None:
        """Do nothing: the store pushes each change to all links."""

    def asking(self, key: str, change: Change[Any]) -> "SimulatedAsking":
        """Return the step that makes a change."""
        return SimulatedAsking(self, key, change)

    def change_later(self, key: str, change: Change[Any]) -> None:
        """Send a change, and wait for nothing."""
        self.store.later(self.make, key, change)

    def make(self, key: str, change: Change[Any]) -> Any:
        """Make a change in the store, and adopt the new state."""
        if self.store.fleet.store == "failing":
            self.down_until = self.local.clock() + REST
            return self.local.change(key, change)
        said = self.store.change_for_all(key, change, self.local.clock(), by=self)
        self.local.adopt(key, self.store.state_by_key.get(key, CALM))
        return said


@dataclass(frozen=True, slots=True)
class SimulatedAsking:
    """Make a change, and wait for its result."""

    link: SimulatedLink
    key: str
    change: Change[Any]

    def do(self) -> Any:
        """Refuse: only async code runs in virtual time."""
        raise NotImplementedError

    async def ado(self) -> Any:
        """Return the result of the change."""
        fleet = self.link.store.fleet
        if fleet.store == "failing":
            await asyncio.sleep(TIMEOUT)
            return self.link.make(self.key, self.change)
        await asyncio.sleep(fleet.latency / 2)
        said = self.link.make(self.key, self.change)
        await asyncio.sleep(fleet.latency / 2)
        return said
