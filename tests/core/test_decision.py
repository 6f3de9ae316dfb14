"""What follows a failure: each rule, then the properties of all of them."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools._core.decision import GiveUp, Retry, Situation, Verdict, decide, wait_before_retry
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.reason import Reason

BUSY = Failure(category=ErrorCategory.RETRYABLE, status_code=503)
THROTTLED = Failure(category=ErrorCategory.RETRYABLE, status_code=429, throttled=True, may_have_acted=False)
EXACT = RetryPolicy(base_delay=1.0, multiplier=2.0, throttled_delay=3.0, jitter=0.0)


def verdict(failure: Failure, policy: RetryPolicy = EXACT, *, attempt: int = 1, **situation: Any) -> Verdict:
    return decide(failure, policy, Situation(attempt=attempt, chance=0.5, **situation))


@pytest.mark.parametrize(
    ("attempt", "after"),
    [(1, 1.0), (2, 2.0)],
)
def test_waits_grow_by_the_multiplier(attempt: int, after: float) -> None:
    assert verdict(BUSY, attempt=attempt) == Retry(after)


@pytest.mark.parametrize(("attempt", "after"), [(1, 3.0), (2, 6.0)])
def test_waits_after_throttling_have_a_base_of_their_own_and_double(attempt: int, after: float) -> None:
    assert verdict(THROTTLED, replace(EXACT, multiplier=9.0), attempt=attempt) == Retry(after)


@pytest.mark.parametrize("category", [each for each in ErrorCategory if each is not ErrorCategory.RETRYABLE])
def test_only_retryable_failures_are_retried_by_default(category: ErrorCategory) -> None:
    assert verdict(Failure(category=category)) == GiveUp(Reason.NOT_RETRIED)


def test_the_policy_may_name_other_categories() -> None:
    policy = replace(EXACT, retry_on={"timeout"})

    assert verdict(Failure(category=ErrorCategory.TIMEOUT), policy) == Retry(1.0)
    assert verdict(BUSY, policy) == GiveUp(Reason.NOT_RETRIED)


def test_attempts_are_counted_in_total() -> None:
    assert verdict(BUSY, attempt=2) == Retry(2.0)
    assert verdict(BUSY, attempt=3) == GiveUp(Reason.ATTEMPTS_USED)
    assert verdict(BUSY, replace(EXACT, max_attempts=1)) == GiveUp(Reason.ATTEMPTS_USED)


@pytest.mark.parametrize("veto", list(Veto))
def test_a_veto_ends_it_whatever_it_is(veto: Veto) -> None:
    assert verdict(replace(BUSY, veto=veto)) == GiveUp(Reason.VETO)


def test_a_tool_that_must_not_act_twice_is_retried_only_when_nothing_happened() -> None:
    once = replace(EXACT, idempotent=False)

    assert verdict(BUSY, once) == GiveUp(Reason.MAY_HAVE_ACTED)
    assert verdict(THROTTLED, once) == Retry(3.0)
    assert verdict(replace(BUSY, may_have_acted=False, retry_after=2.0), once) == Retry(3.0)


@pytest.mark.parametrize("veto", [Veto.RUNNING, Veto.TEXT])
def test_what_may_run_twice_or_is_only_guessed_is_retried_when_that_does_no_harm(veto: Veto) -> None:
    uncertain = replace(BUSY, veto=veto)

    assert verdict(uncertain) == GiveUp(Reason.VETO)
    assert verdict(uncertain, replace(EXACT, idempotent=True)) == Retry(1.0)


def test_credentials_are_renewed_where_somebody_can() -> None:
    refused = Failure(category=ErrorCategory.AUTH_FAILURE, status_code=401, may_have_acted=False)

    assert verdict(refused, renewable=True) == Retry(0.0, renew=True)
    assert verdict(refused) == GiveUp(Reason.NOT_RETRIED)
    assert verdict(BUSY, renewable=True) == Retry(1.0)


def test_new_credentials_are_no_reason_to_act_twice_to_ask_twice_or_to_hold_up_a_graph_that_ends() -> None:
    refused = Failure(category=ErrorCategory.AUTH_FAILURE)
    once = replace(EXACT, idempotent=False)

    assert verdict(refused, once, renewable=True) == GiveUp(Reason.NOT_RETRIED)
    assert verdict(replace(refused, may_have_acted=False), once, renewable=True) == Retry(0.0, renew=True)
    assert verdict(refused, renewable=True, approval_lost=True) == GiveUp(Reason.NOT_RETRIED)
    assert verdict(refused, renewable=True, draining=True) == GiveUp(Reason.NOT_RETRIED)


def test_a_lost_approval_and_a_draining_graph_end_it() -> None:
    assert verdict(BUSY, approval_lost=True) == GiveUp(Reason.APPROVAL)
    assert verdict(BUSY, draining=True) == GiveUp(Reason.DRAINING)


def test_retry_after_is_a_floor_with_a_spread_behind_it() -> None:
    assert verdict(replace(BUSY, retry_after=0.5)) == Retry(1.0 + 0.5 * 0.5)
    assert verdict(replace(BUSY, retry_after=7.0)) == Retry(7.0 + 0.5 * 2.0)
    assert verdict(replace(BUSY, retry_after=0.0)) == Retry(1.0)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 7.0])
@pytest.mark.parametrize("failure", [BUSY, THROTTLED], ids=["busy", "throttled"])
def test_calls_that_were_told_the_same_time_are_spread_over_at_least_half_of_it(
    failure: Failure, seconds: float
) -> None:
    told = replace(failure, retry_after=seconds)
    waits = [wait_before_retry(told, RetryPolicy(), attempt=1, chance=part / 10) for part in range(11)]

    assert waits == sorted(waits)
    assert waits[0] >= seconds
    assert waits[-1] - waits[0] >= min(seconds, 1.5)


def test_a_retry_after_beyond_the_limit_is_not_waited_for() -> None:
    policy = replace(EXACT, deadline=None)

    assert isinstance(verdict(replace(BUSY, retry_after=120.0), policy), Retry)
    assert verdict(replace(BUSY, retry_after=120.1), policy) == GiveUp(Reason.RETRY_AFTER)


def test_a_wait_that_would_not_end_before_the_deadline_is_not_begun() -> None:
    policy = replace(EXACT, deadline=10.0)

    assert verdict(BUSY, policy, elapsed=8.9) == Retry(1.0)
    assert verdict(BUSY, policy, elapsed=9.0) == GiveUp(Reason.DEADLINE)
    assert verdict(replace(BUSY, retry_after=60.0), policy) == GiveUp(Reason.DEADLINE)


def test_huge_attempt_numbers_do_not_overflow() -> None:
    policy = replace(EXACT, max_attempts=10**6, deadline=None)

    assert verdict(BUSY, policy, attempt=10**5) == Retry(20.0)
    assert verdict(BUSY, replace(policy, base_delay=0), attempt=10**5) == Retry(0.0)


def test_the_default_wait_is_half_to_whole_of_the_longest() -> None:
    policy = RetryPolicy()

    def wait(chance: float, attempt: int, failure: Failure = BUSY) -> float:
        return wait_before_retry(failure, policy, attempt=attempt, chance=chance)

    assert (wait(0.0, 1), wait(1.0, 1)) == (0.2, 0.4)
    assert (wait(0.0, 2), wait(1.0, 2)) == (1.0, 2.0)
    assert (wait(0.0, 1, THROTTLED), wait(1.0, 1, THROTTLED)) == (1.0, 2.0)


failures = st.builds(
    Failure,
    category=st.sampled_from(ErrorCategory),
    retry_after=st.none() | st.floats(0, 1e9),
    may_have_acted=st.booleans(),
    throttled=st.booleans(),
    veto=st.none() | st.sampled_from(Veto),
)
seconds = st.floats(0, 1e6)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 50),
    base_delay=seconds,
    multiplier=st.floats(1, 1e3),
    throttled_delay=seconds,
    max_delay=seconds,
    jitter=st.floats(0, 1),
    deadline=st.none() | st.floats(0.001, 1e6),
    max_retry_after=seconds,
    retry_on=st.frozensets(st.sampled_from(ErrorCategory)),
    idempotent=st.none() | st.booleans(),
)


@given(failures, policies, st.integers(1, 60), seconds, st.floats(0, 1, exclude_max=True))
def test_no_verdict_ever_breaks_a_promise(
    failure: Failure, policy: RetryPolicy, attempt: int, elapsed: float, chance: float
) -> None:
    result = decide(failure, policy, Situation(attempt=attempt, elapsed=elapsed, chance=chance))
    if isinstance(result, GiveUp):
        return
    assert math.isfinite(result.after)
    assert result.after >= (failure.retry_after or 0)
    assert attempt < policy.max_attempts
    assert failure.category in policy.retry_on
    assert failure.veto is None or (failure.veto in {Veto.RUNNING, Veto.TEXT} and policy.idempotent)
    assert policy.idempotent is not False or not failure.may_have_acted
    assert policy.deadline is None or elapsed + result.after < policy.deadline
    assert (failure.retry_after or 0) <= policy.max_retry_after
