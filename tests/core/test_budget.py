import random

import pytest

from agent_tools import BudgetPolicy, ErrorCategory, Failure
from agent_tools._core.budget import Budget, affords, after_failure, after_outage, after_success, full, with_tokens


def test_a_throttled_retry_costs_less_than_a_transient_one() -> None:
    policy = BudgetPolicy()
    assert policy.cost_of_retry(Failure(category=ErrorCategory.RETRYABLE)) == 14
    assert policy.cost_of_retry(Failure(category=ErrorCategory.RETRYABLE, throttled=True)) == 5


@pytest.mark.parametrize("field", ["tokens", "transient_cost", "throttled_cost", "success_gain"])
def test_nonsense_is_refused_where_it_is_written(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be at least 1, not 0"):
        BudgetPolicy(**{field: 0})


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True])
def test_a_part_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="max_failing must be a number from 0 to 1, not"):
        BudgetPolicy(max_failing=value)


def attempts(budget: Budget, pattern: str) -> Budget:
    """Return the budget after attempts that fail (x) or work (.)."""
    for each in pattern:
        budget = after_failure(budget) if each == "x" else after_success(budget, repaid=None)
    return budget


@pytest.mark.parametrize(
    ("pattern", "is_affordable"),
    [
        ("", True),
        ("x" * 16, True),
        ("x" * 17, False),
        (".x" * 100, False),
        ("....x" * 100, True),
        ("x" * 100 + "." * 32, True),
        ("x" * 100 + "." * 26, False),
    ],
    ids=["none", "a few in a row", "many in a row", "half", "a fifth", "many, then as many successes", "then fewer"],
)
def test_there_is_no_retry_while_more_than_two_fifths_of_the_latest_attempts_failed(
    pattern: str, is_affordable: bool
) -> None:
    assert affords(attempts(full(BudgetPolicy()), pattern), 14) is is_affordable


def test_the_limit_is_the_users() -> None:
    assert affords(attempts(full(BudgetPolicy(max_failing=1.0)), "x" * 1000), 14)
    assert not affords(attempts(full(BudgetPolicy(max_failing=0.0)), "x"), 14)


def test_when_a_service_is_back_the_next_successes_decide() -> None:
    back = after_outage(attempts(full(BudgetPolicy()), "x" * 1000))
    assert back.failing == 0.4
    assert affords(back, 14)
    assert not affords(attempts(back, "x"), 14)
    assert affords(attempts(back, ".x."), 14)


def test_failures_that_were_long_ago_are_forgotten() -> None:
    assert attempts(full(BudgetPolicy()), "x" * 1000 + "." * 200) == full(BudgetPolicy())


def test_tokens_are_taken_and_brought_back() -> None:
    spent = with_tokens(full(BudgetPolicy(tokens=20)), -14)
    assert spent.tokens == 6
    assert not affords(spent, 14)
    assert after_success(spent, repaid=14).tokens == 20
    assert after_success(spent, repaid=None).tokens == 7
    assert with_tokens(spent, 100).tokens == 20


@pytest.mark.parametrize(("part", "at_least"), [(0.1, 0.998), (0.2, 0.99)])
def test_it_costs_next_to_nothing_when_requests_fail_by_chance(part: float, at_least: float) -> None:
    chance, budget, worked = random.Random(1), full(BudgetPolicy()), 0  # noqa: S311
    for _ in range(calls := 20_000):
        paid = None
        for attempt in (1, 2, 3):
            if chance.random() >= part:
                worked, budget = worked + 1, after_success(budget, repaid=paid)
                break
            budget = after_failure(budget)
            if attempt == 3 or not affords(budget, 14):
                break
            paid, budget = 14, with_tokens(budget, -14)
    assert worked >= at_least * calls
