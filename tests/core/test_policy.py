"""An invalid policy is refused when it is created, with the name, the rule and the value."""

import math
from dataclasses import replace
from typing import Any

import pytest

from agent_tools import ErrorCategory, RetryPolicy

REFUSED = [
    ("max_attempts", 0, "max_attempts must be at least 1, not 0"),
    ("max_attempts", -1, "max_attempts must be at least 1, not -1"),
    ("max_attempts", 2.5, "max_attempts must be a whole number, at least 1, not 2.5"),
    ("max_attempts", True, "max_attempts must be a whole number, at least 1, not True"),
    ("base_delay", -0.1, "base_delay must be a finite number of seconds, at least 0, not -0.1"),
    ("base_delay", math.nan, "base_delay must be a finite number of seconds, at least 0, not nan"),
    ("base_delay", "1", "base_delay must be a finite number of seconds, at least 0, not '1'"),
    ("throttled_delay", math.inf, "throttled_delay must be a finite number of seconds, at least 0, not inf"),
    ("max_delay", None, "max_delay must be a finite number of seconds, at least 0, not None"),
    ("max_retry_after", -5, "max_retry_after must be a finite number of seconds, at least 0, not -5"),
    ("multiplier", 0.5, "multiplier must be a finite number, at least 1, not 0.5"),
    ("multiplier", math.nan, "multiplier must be a finite number, at least 1, not nan"),
    ("jitter", 1.5, "jitter must be a number from 0 to 1, not 1.5"),
    ("jitter", math.nan, "jitter must be a number from 0 to 1, not nan"),
    ("deadline", 0, "deadline must be a finite number of seconds above 0, or None, not 0"),
    ("deadline", math.nan, "deadline must be a finite number of seconds above 0, or None, not nan"),
    ("idempotent", "no", "idempotent must be True, False or None, not 'no'"),
    ("idempotent", 0, "idempotent must be True, False or None, not 0"),
    ("failed_when", "error", "failed_when must be a function of the result, or None, not 'error'"),
    ("retry_on", {"flaky"}, "retry_on names 'flaky', but the categories are retryable, non_retryable, auth_"),
    ("retry_on", "timeout", "retry_on must be a set of categories, not 'timeout'"),
    ("retry_on", ErrorCategory.TIMEOUT, "retry_on must be a set of categories, not <ErrorCategory.TIMEOUT"),
    ("retry_on", 5, "retry_on must be a set of categories, not 5"),
    ("classify", 5, "classify must be a function, a mapping or a sequence of them, not 5"),
    ("classify", [{"ValueError": "timeout"}], "classify must map error types or functions of the error, not 'Value"),
    ("classify", {ValueError: "flaky"}, "classify maps ValueError to 'flaky', but the categories are retryable, non"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_nonsense_is_refused_with_name_rule_and_value(name: str, value: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        RetryPolicy(**{name: value})

    assert str(caught.value).startswith(message)


def test_a_misspelled_category_of_a_rule_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValueError, match=r"^classify maps OSError to 'retryabel', .*: did you mean 'retryable'\?$"):
        RetryPolicy(classify=[{OSError: "retryabel"}])  # type: ignore[dict-item]  # as it is at run time


class SaysLater:
    async def __call__(self, result: Any) -> bool:
        return False


@pytest.mark.parametrize("given", [SaysLater(), SaysLater().__call__], ids=["object", "function"])
def test_an_async_failed_when_is_refused_since_every_result_would_count_as_a_failure(given: Any) -> None:
    with pytest.raises(TypeError, match="failed_when must not be async"):
        RetryPolicy(failed_when=given)


def test_categories_may_be_named_by_their_words() -> None:
    policy = RetryPolicy(retry_on=["timeout", ErrorCategory.NETWORK])

    assert policy.retry_on == {ErrorCategory.TIMEOUT, ErrorCategory.NETWORK}


def test_categories_may_come_from_an_iterator() -> None:
    assert RetryPolicy(retry_on=iter(["timeout"])).retry_on == {ErrorCategory.TIMEOUT}


def test_types_of_errors_are_no_categories_and_the_message_says_where_they_belong() -> None:
    with pytest.raises(ValueError, match=r"retry_on names <class 'TimeoutError'>, .*; error types go into `classify`$"):
        RetryPolicy(retry_on={TimeoutError})  # type: ignore[arg-type]  # on purpose


def test_a_policy_cannot_be_changed_and_can_be_compared() -> None:
    assert RetryPolicy() == RetryPolicy(retry_on=("retryable",))
    with pytest.raises(AttributeError):
        RetryPolicy().max_attempts = 5  # type: ignore[misc]  # that is the point


def test_a_policy_can_be_changed_with_replace() -> None:
    assert replace(RetryPolicy(max_attempts=5), idempotent=False) == RetryPolicy(max_attempts=5, idempotent=False)


def test_an_option_that_is_gone_is_taken_with_a_warning_and_leaves_no_trace() -> None:
    with pytest.warns(DeprecationWarning, match="share_waits has no effect any more"):
        policy = RetryPolicy(share_waits=True)
    assert replace(policy, max_attempts=5) == RetryPolicy(max_attempts=5)
