"""What a handler knows of its tools: a `Share` for each that has ever failed, by its name or by a key of the user's."""

import threading

from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.circuit import CircuitPolicy
from agent_tools._share import Health, Share

#: From so many shares on, those that have nothing to tell any more are forgotten.
_MANY = 1000


class Ledger:
    """The shares of a handler, by key.

    Attributes:
        shares: Those of which there is something to tell.
    """

    __slots__ = ("_budget", "_circuit", "_lock", "shares")

    def __init__(self, *, budget: BudgetPolicy | None, circuit: CircuitPolicy | None) -> None:
        self._budget = budget
        self._circuit = circuit
        self._lock = threading.Lock()
        self.shares: dict[str, Share] = {}

    def share(self, key: str) -> Share:
        """Return the share of `key`, a new one if there is none."""
        with self._lock:
            if key not in self.shares and len(self.shares) >= _MANY:
                for calm in [each for each, share in self.shares.items() if share.is_calm]:
                    del self.shares[calm]
            return self.shares.setdefault(key, Share(self._budget, self._circuit))

    def health(self, *, now: float) -> dict[str, Health]:
        """Return how each tool is doing that has ever failed."""
        with self._lock:
            return {key: share.health(now=now) for key, share in self.shares.items()}

    def reset(self, key: str | None = None) -> None:
        """Forget the failures of `key`, None for all."""
        with self._lock:
            for share in self.shares.values() if key is None else filter(None, [self.shares.get(key)]):
                share.reset()
