"""How one call passes the gate of its tool, and reports the results of its attempts there."""

from collections.abc import Callable
from dataclasses import replace

from agent_tools._core.failure import Failure
from agent_tools._core.gate_state import Attempt, Entry
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.steps import Flow
from agent_tools._flow.waiting import Alarm
from agent_tools._gate.gate import Gate, Refusal, Standing


class Admission:
    """The attempts of one call, as seen by the gate of its tool: a `Visitor` of that gate.

    Args:
        gate: The gate of the tool.
        policy: The tool's.
        began: When the call began.
        clock: Returns seconds that never run backwards.
        draw: Returns a number from 0 up to 1 that nobody can predict.
        arguments: A digest of the arguments of the call.

    Attributes:
        entry: How the present attempt was let in; PLAIN when there is nothing to release.
        gate: As above; replaced when an attempt turns out to be for another host.
        is_last_retry: The call has failed before, and has no attempt left but the next.
        waited_until: Until when it has waited, or is about to wait, because a server asked it to.
    """

    __slots__ = (
        "_entered",
        "_has_failed",
        "arguments",
        "began",
        "clock",
        "draw",
        "entry",
        "gate",
        "is_last_retry",
        "owed",
        "paid",
        "policy",
        "waited_until",
    )

    def __init__(
        self,
        gate: Gate,
        policy: RetryPolicy,
        *,
        began: float,
        clock: Callable[[], float],
        draw: Callable[[], float],
        arguments: str | None = None,
    ) -> None:
        self.gate = gate
        self.policy = policy
        self.began = began
        self.clock = clock
        self.draw = draw
        self.arguments = arguments
        self.is_last_retry = False
        self.waited_until = 0.0
        self.entry = Entry.PLAIN
        self._entered = gate
        self._has_failed = False
        self.owed = 0  # tokens that were taken for a retry which has not yet begun
        self.paid: int | None = None  # tokens of the last retry, None when there was none

    def enter(self, draining: Alarm | None, *, is_last_retry: bool = False) -> Flow[Refusal | None]:
        """Wait until an attempt may be made; return why it may not be, None when it may.

        Args:
            draining: Whether the graph is shutting down, which ends the wait.
            is_last_retry: The call has failed before, and has no attempt left but this one.
        """
        self.is_last_retry = is_last_retry
        self._entered = self.gate
        entry = yield from self.gate.entering(self, draining)
        if isinstance(entry, Refusal):
            return entry
        self.entry = entry
        return None

    def failed(self, failure: Failure, *, began: float, retries: bool) -> Flow[Standing]:
        """Report a failed attempt; the call `retries` if the gate allows it. Return where the call stands.

        The attempt `began` at that time by the clock.
        """
        if self.gate.key != self._entered.key:
            self.leave()  # a failure at another host tells the old gate nothing
        attempt = self._attempt()
        attempt = replace(attempt, is_retry=self._has_failed, took=attempt.now - began)
        self._has_failed = True
        self.entry = Entry.PLAIN
        longest_wait = self.policy.max_retry_after
        standing = yield from self.gate.failed(failure, attempt, longest_wait=longest_wait, retries=retries)
        if retries:
            self.waited_until = standing.blocked_until
        self.owed = standing.tokens or 0
        return standing

    def succeeded(self) -> None:
        """Report that an attempt has worked; the tokens of its retry go back."""
        if not self.gate.is_calm:
            self.gate.succeeded(self._attempt(), repaid=self.paid)
        self.entry = Entry.PLAIN

    def end(self) -> None:
        """Release what an attempt that never started or never finished holds, and return its tokens."""
        self.leave()
        if self.owed:
            self.gate.repay(self.owed)

    def leave(self) -> None:
        """Release what an attempt that never started or never finished holds."""
        if self.entry is not Entry.PLAIN:
            self._entered.released(self._attempt())
            self.entry = Entry.PLAIN

    def _attempt(self) -> Attempt:
        return Attempt(now=self.clock(), chance=self.draw(), entry=self.entry, arguments=self.arguments)
