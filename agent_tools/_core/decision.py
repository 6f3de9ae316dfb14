"""What follows from a failure: `Retry` after some seconds, or `GiveUp` with the reason.

One pure function, `decide`. Everything it depends on is an argument, time and chance included, so every
rule can be tested as a row of a table.
"""

from dataclasses import dataclass

from agent_tools._core.effects import Effect
from agent_tools._core.failure import FORGOTTEN_SESSION, ErrorCategory, Failure, Veto
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.reason import Reason

#: After a refusal for too many requests, waits double whatever `multiplier` says: a rate limit refills
#: within seconds, and three attempts must not wait half a minute for that.
THROTTLED_MULTIPLIER = 2.0

#: Failures that pass. Of these, timeouts and broken connections are not retried by default because the call may have
#: acted, which does not matter once it is verified that it did not happen.
PASSING = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})

#: These vetoes only protect against acting twice, so a tool declared idempotent is retried anyway.
VETOES_UNLESS_IDEMPOTENT = frozenset({Veto.RUNNING, Veto.TEXT})

#: Calls that got the same `Retry-After` are spread over at most this many seconds, where their number is unknown.
#: Obeying it to the letter would send all of them back in the same instant.
RETRY_AFTER_SPREAD = 2.0

#: Where their number is known, each goes up to this many seconds after its place in the line.
DOOR_SPREAD = 0.25


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `after` seconds, with new credentials if `renew`."""

    after: float
    renew: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Answer now, for this `reason`."""

    reason: Reason


Verdict = Retry | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What else matters, beside the failure and the policy.

    Attributes:
        attempt: Number of attempts made so far, the failed one included.
        elapsed: Seconds since the first attempt began.
        chance: A random number from 0 up to 1.
        renewable: The credentials can be renewed, and have not been renewed for this call yet.
        approval_lost: The attempt used up an approval that the next one would need.
        draining: The graph is shutting down.
        opens_in: Seconds until the open circuit of the tool lets a probe through; None when it is not open.
        patience: Longest time in seconds that a call waits for that.
        affordable: The retry budget of the tool allows one more.
        effect: What the attempts so far have changed; None to use what the failure says about its own request.
        behind: Seconds after the first call that got the same `Retry-After`; None when unknown.
    """

    attempt: int
    elapsed: float = 0.0
    chance: float = 0.0
    renewable: bool = False
    approval_lost: bool = False
    draining: bool = False
    opens_in: float | None = None
    patience: float = 0.0
    affordable: bool = True
    effect: Effect | None = None
    behind: float | None = None


def decide(failure: Failure, policy: RetryPolicy, now: Situation) -> Verdict:
    """Return what follows from `failure`; the first rule that applies decides."""
    if failure.category is ErrorCategory.AUTH_FAILURE and _is_worth_new_credentials(failure, policy, now):
        return Retry(0.0, renew=True)
    if _is_session_to_open_anew(failure, policy, now):
        return Retry(0.0)
    if failure.category not in policy.retry_on and not (_is_verified(now) and failure.category in PASSING):
        return GiveUp(Reason.NOT_RETRIED)
    reason = _harmful(failure, policy, now) or _too_much(failure, policy, now)
    if reason is not None:
        return GiveUp(reason)
    wait = wait_before_retry(failure, policy, attempt=now.attempt, chance=now.chance, behind=now.behind)
    after = max(wait, now.opens_in or 0.0)
    if policy.deadline is not None and now.elapsed + after >= policy.deadline:
        return GiveUp(Reason.DEADLINE)
    return Retry(after) if now.affordable else GiveUp(Reason.BUDGET)


def _is_worth_new_credentials(failure: Failure, policy: RetryPolicy, now: Situation) -> bool:
    """Return whether the credentials can be renewed and nothing else rules out a retry."""
    return now.renewable and not (_may_act_twice(failure, policy, now) or now.approval_lost or now.draining)


def _is_session_to_open_anew(failure: Failure, policy: RetryPolicy, now: Situation) -> bool:
    """Return whether a retry opens a new session: only once, since the address may be what is wrong."""
    is_first = failure.rule == FORGOTTEN_SESSION and now.attempt == 1
    return is_first and (_harmful(failure, policy, now) or _too_much(failure, policy, now)) is None


def _harmful(failure: Failure, policy: RetryPolicy, now: Situation) -> Reason | None:
    """Return why a retry might do harm."""
    is_harmless = (failure.veto in VETOES_UNLESS_IDEMPOTENT and policy.idempotent) or (
        failure.veto is Veto.TEXT and _is_verified(now)
    )
    if failure.veto is not None and not is_harmless:
        return Reason.VETO
    return Reason.MAY_HAVE_ACTED if _may_act_twice(failure, policy, now) else None


def _may_act_twice(failure: Failure, policy: RetryPolicy, now: Situation) -> bool:
    may_have_acted = failure.may_have_acted if now.effect is None else now.effect is Effect.UNKNOWN
    return policy.idempotent is False and may_have_acted


def _is_verified(now: Situation) -> bool:
    """Return whether the call is known not to have happened, whatever the failure looks like."""
    return now.effect is Effect.DID_NOT_HAPPEN


def _too_much(failure: Failure, policy: RetryPolicy, now: Situation) -> Reason | None:
    """Return why it is too late for a retry, or too early."""
    if now.attempt >= policy.max_attempts:
        return Reason.ATTEMPTS_USED
    if now.approval_lost:
        return Reason.APPROVAL
    if now.draining:
        return Reason.DRAINING
    if failure.retry_after is not None and failure.retry_after > policy.max_retry_after:
        return Reason.RETRY_AFTER
    if now.opens_in is not None and now.opens_in > now.patience:
        return Reason.CIRCUIT
    return None


def wait_before_retry(
    failure: Failure, policy: RetryPolicy, *, attempt: int, chance: float, behind: float | None = None
) -> float:
    """Return the seconds to wait after failed attempt number `attempt`.

    A `Retry-After` is a lower bound for the policy's own wait, never a replacement, and the calls that
    obey it are spread out after it.
    """
    longest = min(_longest_wait(failure, policy, attempt), policy.max_delay)
    after = longest * (1 - policy.jitter * (1 - chance))  # grows with chance, as the spread below does
    if failure.retry_after is None:
        return after
    if behind is None:
        return max(after, failure.retry_after) + chance * min(failure.retry_after, RETRY_AFTER_SPREAD)
    return max(after, failure.retry_after + behind + DOOR_SPREAD * chance)


def _longest_wait(failure: Failure, policy: RetryPolicy, attempt: int) -> float:
    base, multiplier = policy.base_delay, policy.multiplier
    if failure.throttled:
        base, multiplier = policy.throttled_delay, THROTTLED_MULTIPLIER
    if not base:
        return 0.0
    try:
        return base * multiplier ** (attempt - 1)
    except OverflowError:  # far beyond any max_delay
        return policy.max_delay
