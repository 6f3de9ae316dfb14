import pytest

from agent_tools import BudgetPolicy, ErrorCategory, Failure


def test_a_throttled_retry_costs_less_than_a_transient_one() -> None:
    policy = BudgetPolicy()
    assert policy.cost_of_retry(Failure(category=ErrorCategory.RETRYABLE)) == 14
    assert policy.cost_of_retry(Failure(category=ErrorCategory.RETRYABLE, throttled=True)) == 5


@pytest.mark.parametrize("field", ["tokens", "transient_cost", "throttled_cost", "success_gain"])
def test_nonsense_is_refused_where_it_is_written(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be at least 1, not 0"):
        BudgetPolicy(**{field: 0})
