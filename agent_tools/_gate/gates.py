"""What a handler knows of its tools: a `Gate` for each that has ever failed, by its name or by a key of the user's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.circuit import CircuitPolicy
from agent_tools._gate.gate import Gate, Health

#: From so many shares on, those that have nothing to tell any more are forgotten.
_MANY = 1000


class Gates:
    """The gates of a handler, by key.

    Attributes:
        by_key: Those of which there is something to tell.
    """

    __slots__ = ("_budget", "_circuit", "_lock", "_sets", "by_key")

    def __init__(self, *, budget: BudgetPolicy | None, circuit: CircuitPolicy | None) -> None:
        self._budget = budget
        self._circuit = circuit
        self._lock = threading.Lock()
        self.by_key: dict[str, Gate] = {}
        self._sets = [self.by_key]

    def gate(self, key: str) -> Gate:
        """Return the gate of `key`, a new one if there is none."""
        with self._lock:
            if key not in self.by_key and len(self.by_key) >= _MANY:
                for calm in [each for each, gate in self.by_key.items() if gate.is_calm]:
                    del self.by_key[calm]
            return self.by_key.setdefault(key, Gate(self._budget, self._circuit))

    def health(self, *, now: float) -> dict[str, Health]:
        """Return how each tool is doing that has ever failed."""
        with self._lock:
            return {key: gate.health(now=now) for key, gate in self.by_key.items()}

    def reset(self, key: str | None = None) -> None:
        """Forget the failures of `key`, None for all."""
        with self._lock:
            for gate in self.by_key.values() if key is None else filter(None, [self.by_key.get(key)]):
                gate.reset()

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Start with no gates, and bring back those of before when the block ends; blocks may end in any order."""
        fresh: dict[str, Gate] = {}
        with self._lock:
            self._sets.append(fresh)
            self.by_key = fresh
        try:
            yield
        finally:
            with self._lock:
                self._sets = [each for each in self._sets if each is not fresh]
                self.by_key = self._sets[-1]
