"""The user's rules come first, may return any category, and cannot break a diagnosis."""

import logging
from typing import Any

import httpx
import pytest

from agent_tools import ErrorCategory, Failure, diagnose
from tests.classify.clients import CANARY
from tests.classify.test_contract import status_error


class OutOfStockError(Exception):
    pass


def is_busy(error: BaseException) -> bool:
    return "busy" in str(error)


RULES: dict[str, Any] = {
    "a type": {OutOfStockError: ErrorCategory.RETRYABLE},
    "a word": {OutOfStockError: "retryable"},
    "a predicate": {is_busy: ErrorCategory.RETRYABLE},
    "a callable": lambda error: ErrorCategory.RETRYABLE if is_busy(error) else None,
    "a sequence": [{KeyError: ErrorCategory.TIMEOUT}, lambda error: "retryable"],
    "a failure": lambda error: Failure(category=ErrorCategory.RETRYABLE),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_a_rule_may_be_a_mapping_a_predicate_a_callable_or_a_sequence(rules: Any) -> None:
    assert diagnose(OutOfStockError("busy"), rules=rules).category is ErrorCategory.RETRYABLE


def test_a_rule_comes_before_every_table() -> None:
    rules = {httpx.HTTPStatusError: ErrorCategory.NON_RETRYABLE}
    assert diagnose(status_error(503), rules=rules).category is ErrorCategory.NON_RETRYABLE


def test_a_category_leaves_the_facts_alone() -> None:
    rules = {httpx.HTTPStatusError: ErrorCategory.RETRYABLE}
    failure = diagnose(status_error(404, headers={"Retry-After": "7"}), rules=rules)
    assert failure == Failure(
        category=ErrorCategory.RETRYABLE,
        error_type="HTTPStatusError",
        rule="own rule HTTPStatusError",
        status_code=404,
        retry_after=7.0,
        may_have_acted=False,
    )


def test_a_failure_is_taken_as_it_is_but_for_its_type_and_rule() -> None:
    made = Failure(category=ErrorCategory.TIMEOUT, retry_after=3.0, may_have_acted=False, detail="sold out")
    failure = diagnose(OutOfStockError(), rules=lambda error: made)
    assert failure == Failure(
        category=ErrorCategory.TIMEOUT,
        error_type="OutOfStockError",
        rule="own rule <lambda>",
        retry_after=3.0,
        may_have_acted=False,
        detail="sold out",
    )


def test_a_rule_is_asked_about_what_an_unknown_error_wraps() -> None:
    error = ExceptionGroup("lookups", [OutOfStockError()])
    failure = diagnose(error, rules={OutOfStockError: "retryable"})
    assert (failure.category, failure.error_type) == (ErrorCategory.RETRYABLE, "OutOfStockError")


def test_a_rule_about_an_error_decides_whatever_the_error_wraps() -> None:
    error = OutOfStockError()
    error.__cause__ = status_error(404)
    failure = diagnose(error, rules={OutOfStockError: "retryable"})
    assert (failure.category, failure.error_type, failure.status_code) == ("retryable", "OutOfStockError", 404)


@pytest.mark.parametrize("answer", ["sometimes", 3, object(), True])
def test_nonsense_is_skipped(answer: Any) -> None:
    failure = diagnose(status_error(503), rules=[lambda error: answer])
    assert (failure.category, failure.rule) == (ErrorCategory.RETRYABLE, "HTTP 503")


def test_a_rule_that_raises_is_logged_without_its_text_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    def broken(error: BaseException) -> ErrorCategory:
        raise LookupError(CANARY)

    with caplog.at_level(logging.WARNING, logger="agent_tools"):
        failure = diagnose(status_error(503), rules=broken)
    assert failure.category is ErrorCategory.RETRYABLE
    assert [record.getMessage() for record in caplog.records] == ["own rule broken raised LookupError and is skipped"]
    assert CANARY not in caplog.text
