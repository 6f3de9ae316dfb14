"""Sharing with other processes: where the states of gates are kept, and how a handler is linked to it.

A single process needs neither: a lock is enough (`Gates.change`). A store has one link for each handler that uses it;
the link keeps the states that the handler sees up to date, and changes them for all.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agent_tools._core.gate_policies import BudgetPolicy

if TYPE_CHECKING:
    from agent_tools._core.gate_state import GateState
    from agent_tools._flow.steps import Step

ResultT_co = TypeVar("ResultT_co", covariant=True)


class Change(Protocol[ResultT_co]):
    """A pure function that returns the next state and the result of the change."""

    def __call__(self, state: "GateState", now: float, /) -> "tuple[GateState, ResultT_co]":
        """Return both; `now` is by the same clock as the times in `state`."""


class Local(Protocol):
    """The states that a handler sees, by its own clock.

    Attributes:
        clock: Returns seconds that never run backwards.
    """

    @property
    def clock(self) -> Callable[[], float]: ...

    def state(self, key: str) -> "GateState":
        """Return the state of a key."""

    def adopt(self, key: str, state: "GateState") -> None:
        """Adopt the state that another process has found."""

    def change(self, key: str, change: Change[Any]) -> Any:
        """Make a change in this process alone, and return its result."""


class Link(Protocol):
    """The link between a handler and a store.

    Attributes:
        is_down: The store failed or was slow: it is left alone for a while.
        is_listening: It receives the changes of other processes.
    """

    @property
    def is_down(self) -> bool: ...
    @property
    def is_listening(self) -> bool: ...

    def listen(self, *, within: float = 0.0) -> None:
        """Start receiving the changes of other processes; wait up to `within` seconds to catch up."""

    def asking(self, key: str, change: Change[Any]) -> "Step":
        """Return the step that makes a change and returns its result.

        It never raises, and takes no longer than the store's timeout: after that, the change is made in this process.
        """

    def change_later(self, key: str, change: Change[Any]) -> None:
        """Make a change without waiting for it."""


class Store(Protocol):
    """Where processes share the states of their gates."""

    def connect(self, local: Local, policy: BudgetPolicy | None) -> Link:
        """Return a new link for the handler whose states are `local`; their budgets follow `policy`."""
