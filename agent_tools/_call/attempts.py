"""The attempts of one call: what failed so far, how long it took, what follows."""

from collections.abc import Callable
from dataclasses import replace

from agent_tools._core.decision import Reason, Retry, Situation, decide
from agent_tools._core.events import ToolEvent
from agent_tools._core.failure import Failure
from agent_tools._core.loop_guard import Stop
from agent_tools._core.policy import RetryPolicy
from agent_tools._gate.gate import Gate, Refusal


class Attempts:
    """Counts the failed attempts of one call and decides after each of them.

    Time and chance come in as functions, so that tests need not wait: `clock` returns seconds that never
    run backwards, `chance` a number from 0 up to 1 that nobody can foresee.

    Attributes:
        policy: What the user wants for this tool.
        started: When the first attempt began, by the clock.
        renewed: Whether the credentials were renewed for this call, which happens once.
        failures: Number of attempts that failed.
        failure: The last of them, None as long as there is none.
        failed_at: When it failed, in seconds since the first attempt began.
        reason: Why no attempt follows, None as long as one does.
        owed: Tokens of the retry budget that were taken for a retry which has not yet begun.
        paid: Tokens that the last retry took, None when there was none.
        untold: Events that the callbacks of the run have not been told yet.
    """

    __slots__ = (
        "_chance",
        "_clock",
        "failed_at",
        "failure",
        "failures",
        "owed",
        "paid",
        "policy",
        "reason",
        "renewed",
        "started",
        "untold",
    )

    def __init__(
        self, policy: RetryPolicy, *, started: float, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.policy = policy
        self.started = started
        self.renewed = False
        self._clock = clock
        self._chance = chance
        self.failures = 0
        self.failed_at = 0.0
        self.failure: Failure | None = None
        self.reason: Reason | None = None
        self.owed = 0
        self.paid: int | None = None
        self.untold: list[ToolEvent] = []

    def elapsed(self) -> float:
        """Return the seconds since the first attempt began."""
        return self._clock() - self.started

    def time_left(self) -> float | None:
        """Return the seconds that the next attempt may take, None for no limit."""
        limit, left = self.policy.attempt_timeout, self.call_left()
        return min((each for each in (limit, left) if each is not None), default=None)

    def call_left(self) -> float | None:
        """Return the seconds until the deadline of the call, None without one."""
        return None if self.policy.deadline is None else max(0.0, self.policy.deadline - self.elapsed())

    def settled(self, failure: Failure) -> None:
        """Note a `failure` of a category that is not retried."""
        self.failures += 1
        self.failure = failure
        self.failed_at = self._clock() - self.started
        self.reason = Reason.NOT_RETRIED

    def failed(
        self, failure: Failure, gate: Gate | None, *, renewable: bool, approval_lost: bool, draining: bool
    ) -> Retry | None:
        """Return what comes after the wait, None when `failure` was the last one; see `Situation`."""
        self.failures += 1
        self.failure = failure
        now = self._clock()
        self.failed_at = now - self.started
        opens_in = None if gate is None else gate.opens_in(now=now)
        situation = Situation(
            attempt=self.failures,
            elapsed=self.failed_at,
            chance=self._chance(),
            renewable=renewable,
            approval_lost=approval_lost,
            draining=draining,
            opens_in=opens_in,
            patience=0.0 if gate is None else gate.patience(now=now),
        )
        verdict = decide(failure, self.policy, situation)
        if gate is not None and isinstance(verdict, Retry) and not verdict.renew and not self._pay(gate, failure):
            verdict = decide(failure, self.policy, replace(situation, affordable=False))
        if isinstance(verdict, Retry):
            self.renewed = self.renewed or verdict.renew
            return verdict
        self.reason = verdict.reason
        if verdict.reason is Reason.CIRCUIT and opens_in is not None:
            self.failure = replace(failure, retry_after=round(opens_in, 1))
        return None

    def refused(self, refusal: Refusal | Stop) -> None:
        """Note why there is no attempt; the failure stays the call's own, if it has made any."""
        self.reason = refusal.reason
        if self.failure is None:
            self.failure, self.failed_at = refusal.failure, self.elapsed()
            return
        self.failure = replace(self.failure, retry_after=refusal.failure.retry_after)

    def begun(self) -> None:
        """Note that a retry begins: now its tokens are spent."""
        self.paid, self.owed = self.owed, 0

    def _pay(self, gate: Gate, failure: Failure) -> bool:
        cost = gate.spent(failure)
        self.owed = cost or 0
        return cost is not None
