"""Records that users create name a misspelled field, and print the fields that were set."""

import copy
import pickle
from dataclasses import replace
from inspect import signature
from typing import Any

import pytest

from agent_tools import BudgetPolicy, CircuitPolicy, ErrorCategory, Failure, LoopGuard, RetryPolicy


@pytest.mark.parametrize(
    ("record", "options", "words"),
    [
        (RetryPolicy, {"max_retries": 3}, "RetryPolicy has no max_retries: use max_attempts, which counts the first"),
        (RetryPolicy, {"timeout": 3}, "RetryPolicy has no timeout: use attempt_timeout for one attempt, or deadline"),
        (RetryPolicy, {"max_atempts": 3}, r"RetryPolicy has no max_atempts: did you mean max_attempts\?"),
        (RetryPolicy, {"longest_call": 3}, "RetryPolicy has no longest_call"),
        (RetryPolicy, {"xyz": 3}, "RetryPolicy has no xyz; it has attempt_timeout, base_delay"),
        (BudgetPolicy, {"token": 3}, r"BudgetPolicy has no token: did you mean tokens\?"),
        (CircuitPolicy, {"failure": 3}, r"CircuitPolicy has no failure: did you mean failures\?"),
        (LoopGuard, {"same_tools": 3}, r"LoopGuard has no same_tools: did you mean same_tool\?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_one_that_is_meant(record: Any, options: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        record(**options)


def test_the_signature_is_that_of_the_fields() -> None:
    assert signature(RetryPolicy).parameters["max_attempts"].default == 3
    assert "max_attempts: int = 3" in str(signature(RetryPolicy))


def test_what_was_not_set_is_not_printed() -> None:
    assert repr(RetryPolicy()) == "RetryPolicy()"
    assert repr(RetryPolicy(max_attempts=5, idempotent=False)) == "RetryPolicy(max_attempts=5, idempotent=False)"
    failure = Failure(category=ErrorCategory.TIMEOUT, status_code=504)
    assert repr(failure) == "Failure(category=<ErrorCategory.TIMEOUT: 'timeout'>, status_code=504)"


def test_records_can_be_copied_pickled_and_changed() -> None:
    policy = RetryPolicy(jitter=0)
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy  # noqa: S301  # our own
    assert replace(policy, max_attempts=2) == RetryPolicy(jitter=0, max_attempts=2)
