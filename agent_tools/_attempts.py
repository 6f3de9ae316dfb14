"""The attempts of one call: what failed so far, how long it took, what follows."""

from collections.abc import Callable

from agent_tools._core.decision import GiveUp, Reason, Retry, Situation, decide
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.policy import RetryPolicy


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
    """

    __slots__ = ("_chance", "_clock", "failed_at", "failure", "failures", "policy", "reason", "renewed", "started")

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

    def elapsed(self) -> float:
        """Return the seconds since the first attempt began."""
        return self._clock() - self.started

    def may_retry(self, failure: Failure) -> bool:
        """Return whether it is worth finding out what else matters; most failures are settled by their category."""
        return failure.category in self.policy.retry_on or failure.category is ErrorCategory.AUTH_FAILURE

    def time_left(self) -> float | None:
        """Return the seconds that the next attempt may take, None for no limit."""
        limit, deadline = self.policy.attempt_timeout, self.policy.deadline
        if deadline is None:
            return limit
        left = max(0.0, deadline - self.elapsed())
        return left if limit is None else min(limit, left)

    def failed(self, failure: Failure, *, renewable: bool, approval_lost: bool, draining: bool) -> Retry | None:
        """Return what comes after the wait, None when `failure` was the last one; see `Situation`."""
        self.failures += 1
        self.failure = failure
        self.failed_at = self.elapsed()
        now = Situation(
            attempt=self.failures,
            elapsed=self.failed_at,
            chance=self._chance(),
            renewable=renewable,
            approval_lost=approval_lost,
            draining=draining,
        )
        verdict = decide(failure, self.policy, now)
        if isinstance(verdict, GiveUp):
            self.reason = verdict.reason
            return None
        self.renewed = self.renewed or verdict.renew
        return verdict
