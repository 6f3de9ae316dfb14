"""How one call passes the gate of its tool, and reports there what came of its attempts."""

from collections.abc import Callable
from contextlib import closing

from agent_tools._core.decision import Reason
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.steps import Flow, Wait
from agent_tools._flow.waiting import Alarm
from agent_tools._gate.gate import Entering, Entry, Gate, Hold, Refusal

#: The graph began to shut down while the call was held back.
DRAINED = Refusal(Reason.DRAINING, Failure(category=ErrorCategory.RETRYABLE, rule="draining", may_have_acted=False))


class Admission:
    """The attempts of one call, as seen by the gate of its tool: a `Visitor` of that gate.

    Args:
        gate: What all calls of the tool pass.
        policy: Of the tool.
        began: When the call began.
        clock: Returns seconds that never run backwards.
        draw: Returns a number from 0 up to 1 that nobody can foresee.
    """

    __slots__ = ("_entry", "began", "clock", "draw", "gate", "policy")

    def __init__(
        self, gate: Gate, policy: RetryPolicy, *, began: float, clock: Callable[[], float], draw: Callable[[], float]
    ) -> None:
        self.gate = gate
        self.policy = policy
        self.began = began
        self.clock = clock
        self.draw = draw
        self._entry = Entry.PLAIN

    def enter(self, draining: Alarm | None) -> Flow[Refusal | None]:
        """Wait until an attempt may be made; return why it may not after all, None when it may.

        Args:
            draining: Whether the graph is shutting down, which ends the wait.
        """
        whole: bool | None = None
        with closing(self.gate.entering(self)) as entering:  # or a canceled call would still count as held
            while isinstance(said := _next(entering, whole), Hold):
                whole = yield Wait(said.seconds, _either(draining, said.changed))
                if not whole and draining is not None and draining():
                    return DRAINED
        if isinstance(said, Refusal):
            return said
        self._entry = said
        return None

    def failed(self, failure: Failure) -> None:
        """Report that an attempt has failed."""
        self.gate.failed(
            failure,
            now=self.clock(),
            chance=self.draw(),
            entry=self._entry,
            share_wait=self.policy.share_waits,
        )
        self._entry = Entry.PLAIN

    def succeeded(self, *, repaid: int | None) -> None:
        """Report that an attempt has worked; `repaid` are the tokens of its retry, None when it was the first."""
        if not self.gate.is_calm:
            self.gate.succeeded(now=self.clock(), entry=self._entry, repaid=repaid)
        self._entry = Entry.PLAIN

    def leave(self) -> None:
        """Release what an attempt holds that never started or never finished."""
        if self._entry is not Entry.PLAIN:
            self.gate.given_back(now=self.clock(), entry=self._entry)
            self._entry = Entry.PLAIN


def _next(entering: Entering, whole: bool | None) -> Hold | Refusal | Entry:  # noqa: FBT001  # what is sent
    """Return the next hold, or in the end how the attempt enters or why it does not."""
    try:
        return entering.send(whole)
    except StopIteration as ended:
        said: Refusal | Entry = ended.value
        return said


def _either(one: Alarm | None, other: Alarm | None) -> Alarm | None:
    if one is None or other is None:
        return one or other
    return lambda: one() or other()
