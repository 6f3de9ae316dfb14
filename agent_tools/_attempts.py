"""One tool call in progress: what failed so far, how long it took, what follows."""

from collections.abc import Callable

from agent_tools._core.decision import GiveUp, Reason, decide
from agent_tools._core.failure import Failure
from agent_tools._core.policy import RetryPolicy


class Attempts:
    """Counts the failed attempts of one call and decides after each of them.

    Time and chance come in as functions, so that tests need not wait: `clock` returns seconds that never
    run backwards, `chance` a number from 0 up to 1 that nobody can foresee.

    Attributes:
        policy: What the user wants for this tool.
        failures: Number of attempts that failed.
        failure: The last of them, None as long as there is none.
        reason: Why no attempt follows, None as long as one does.
    """

    __slots__ = ("_chance", "_clock", "_started", "failure", "failures", "policy", "reason")

    def __init__(self, policy: RetryPolicy, *, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        self._chance = chance
        self._started = clock()
        self.failures = 0
        self.failure: Failure | None = None
        self.reason: Reason | None = None

    def elapsed(self) -> float:
        """Return the seconds since the first attempt began."""
        return self._clock() - self._started

    def remaining(self) -> float | None:
        """Return the seconds until the deadline, None when there is none."""
        deadline = self.policy.deadline
        if deadline is None or not self.failures:
            return deadline  # before the first failure next to no time has passed
        return deadline - self.elapsed()

    def wait_after(self, failure: Failure) -> float | None:
        """Return the seconds until the next attempt, None when `failure` was the last one."""
        self.failures += 1
        self.failure = failure
        verdict = decide(
            failure, policy=self.policy, attempt=self.failures, elapsed=self.elapsed(), chance=self._chance()
        )
        if isinstance(verdict, GiveUp):
            self.reason = verdict.reason
            return None
        return verdict.after
