"""What follows from a failure: `Retry` after some seconds, or `GiveUp` with the reason.

One pure function, `decide`. Everything it depends on is an argument, the time that has passed and the
chance included, so every rule can be tested as a row of a table.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent_tools._core.failure import Failure
from agent_tools._core.policy import RetryPolicy

#: Waits after a refusal for too many requests double, whatever `multiplier` says: the limiter refills
#: by the second, and three attempts must not wait half a minute for that.
THROTTLED_MULTIPLIER = 2.0

#: Most seconds by which calls that were told the same `Retry-After` are spread. Obeying it to the
#: letter sends all of them back in the same instant.
RETRY_AFTER_SPREAD = 2.0


class Reason(StrEnum):
    """Why there is no further attempt."""

    NOT_RETRIED = "not_retried"
    """Its category is not one that the policy retries."""
    VETO = "veto"
    """The server said that a retry is pointless, or a quota is used up."""
    MAY_HAVE_ACTED = "may_have_acted"
    """The tool must not act twice, and this failure does not prove that it has not acted."""
    ATTEMPTS_USED = "attempts_used"
    """All attempts are made."""
    RETRY_AFTER = "retry_after"
    """The server asks for a longer wait than the policy grants."""
    DEADLINE = "deadline"
    """The wait would not end before the deadline."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Answer now, for this `reason`."""

    reason: Reason


Verdict = Retry | GiveUp


def decide(failure: Failure, *, policy: RetryPolicy, attempt: int, elapsed: float, chance: float) -> Verdict:
    """Return what follows from `failure`.

    Args:
        failure: What went wrong just now.
        policy: What the user wants for this tool.
        attempt: Number of attempts made so far, this one included.
        elapsed: Seconds since the first attempt began.
        chance: A number from 0 up to 1 that nobody can foresee.
    """
    if failure.category not in policy.retry_on:
        return GiveUp(Reason.NOT_RETRIED)
    if failure.veto is not None:
        return GiveUp(Reason.VETO)
    if policy.idempotent is False and failure.may_have_acted:
        return GiveUp(Reason.MAY_HAVE_ACTED)
    if attempt >= policy.max_attempts:
        return GiveUp(Reason.ATTEMPTS_USED)
    if failure.retry_after is not None and failure.retry_after > policy.max_retry_after:
        return GiveUp(Reason.RETRY_AFTER)
    after = wait_before_retry(failure, policy=policy, attempt=attempt, chance=chance)
    if policy.deadline is not None and elapsed + after >= policy.deadline:
        return GiveUp(Reason.DEADLINE)
    return Retry(after)


def wait_before_retry(failure: Failure, *, policy: RetryPolicy, attempt: int, chance: float) -> float:
    """Return the seconds to wait after failed attempt number `attempt`.

    A `Retry-After` is a floor under our own wait, never a replacement for it, and the calls that
    obey it are spread behind it.
    """
    longest = min(_longest_wait(failure, policy, attempt), policy.max_delay)
    after = longest * (1 - policy.jitter * chance)
    if failure.retry_after is None:
        return after
    return max(after, failure.retry_after) + chance * min(failure.retry_after, RETRY_AFTER_SPREAD)


def _longest_wait(failure: Failure, policy: RetryPolicy, attempt: int) -> float:
    base, multiplier = policy.base_delay, policy.multiplier
    if failure.throttled:
        base, multiplier = policy.throttled_delay, THROTTLED_MULTIPLIER
    try:
        return base * multiplier ** (attempt - 1)
    except OverflowError:  # far beyond any max_delay
        return policy.max_delay
