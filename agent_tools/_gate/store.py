"""What is shared with other processes: where the states of gates are kept, and how a handler is linked to it.

In one process there is neither: a lock will do (`Gates.change`). A store is linked to each handler that uses it; the
link keeps the states that the handler sees up to date, and changes them for all.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.gate_state import GateState
from agent_tools._flow.steps import Step

SaidT_co = TypeVar("SaidT_co", covariant=True)


class Change(Protocol[SaidT_co]):
    """A pure function from one state to the next, and what there is to say of it."""

    def __call__(self, state: GateState, now: float, /) -> tuple[GateState, SaidT_co]:
        """Return both; `now` is by the same clock as the times in `state`."""


class Local(Protocol):
    """The states that a handler sees, by its own clock.

    Attributes:
        clock: Returns seconds that never run backwards.
    """

    @property
    def clock(self) -> Callable[[], float]: ...

    def state(self, key: str) -> GateState:
        """Return what is known of a key."""

    def hear(self, key: str, state: GateState) -> None:
        """Take over what another process has found out."""

    def change(self, key: str, change: Change[Any]) -> Any:
        """Make a change in this process alone, and return what there is to say of it."""


class Link(Protocol):
    """What links a handler to a store.

    Attributes:
        is_down: The store failed or was slow: it is left alone for a while.
        is_listening: It hears what others find out.
    """

    @property
    def is_down(self) -> bool: ...
    @property
    def is_listening(self) -> bool: ...

    def listen(self, *, within: float = 0.0) -> None:
        """Begin to hear what others find out; wait so many seconds at most until that is up to date."""

    def asking(self, key: str, change: Change[Any]) -> Step:
        """Return the step that makes a change and returns what there is to say of it.

        It never raises, and takes no longer than the store may take: then the change is made in this process.
        """

    def tell(self, key: str, change: Change[Any]) -> None:
        """Make a change without waiting for it."""


class Store(Protocol):
    """Where processes share the states of their gates."""

    def connect(self, local: Local, policy: BudgetPolicy | None) -> Link:
        """Return a new link for the handler whose states are `local`; their budgets go by `policy`."""
