"""Where the cause of an error is looked for, and where it is not."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from langchain_core.tools import ToolException

from agent_tools import ErrorCategory, diagnose
from tests.classify.clients import raised_by
from tests.classify.test_contract import status_error

RETRYABLE, NON_RETRYABLE, AUTH, TIMEOUT, NETWORK = ErrorCategory


class OrderServiceError(Exception):
    """An error of an application's own client."""


def from_cause(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


def while_handling(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__context__ = inner
    return outer


@pytest.mark.parametrize(
    ("inner", "category"),
    [
        (status_error(401), AUTH),
        (status_error(404), NON_RETRYABLE),
        (status_error(429), RETRYABLE),
        (status_error(503), RETRYABLE),
        (httpx.ReadTimeout("no"), TIMEOUT),
        (httpx.ConnectError("no"), NETWORK),
        (TimeoutError(), TIMEOUT),
        (KeyError("assignee"), NON_RETRYABLE),
    ],
)
@pytest.mark.parametrize("outer", [ToolException, OrderServiceError, RuntimeError, Exception])
def test_an_error_that_says_nothing_is_what_it_was_raised_from(
    outer: Callable[[str], Exception], inner: Exception, category: ErrorCategory
) -> None:
    assert diagnose(from_cause(outer("order lookup failed"), inner)).category is category


@pytest.mark.parametrize("outer", [ValueError("no such order"), KeyError("order"), TypeError(), NotImplementedError()])
@pytest.mark.parametrize("link", [from_cause, while_handling])
@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_an_error_raised_on_purpose_is_not_promoted(link: Any, outer: BaseException, status: int) -> None:
    assert diagnose(link(outer, status_error(status))).category is NON_RETRYABLE


def test_what_a_name_denies_is_not_promoted_either() -> None:
    class OrderNotFoundError(Exception):
        pass

    assert diagnose(from_cause(OrderNotFoundError(), status_error(503))).category is NON_RETRYABLE


def test_the_context_counts_for_application_classes_only() -> None:
    assert diagnose(while_handling(OrderServiceError(), status_error(503))).category is RETRYABLE
    assert diagnose(while_handling(RuntimeError(), status_error(503))).category is NON_RETRYABLE


def test_from_none_cuts_the_way_in() -> None:
    error = while_handling(OrderServiceError(), status_error(503))
    error.__suppress_context__ = True
    assert diagnose(error).category is NON_RETRYABLE


def test_an_unrelated_bug_in_the_context_does_not_speak_for_a_client() -> None:
    redis = pytest.importorskip("redis")
    assert diagnose(while_handling(redis.ConnectionError(), IndexError())).category is NETWORK


def test_the_facts_of_the_inner_error_come_out() -> None:
    inner = status_error(429, headers={"Retry-After": "7"})
    failure = diagnose(from_cause(ToolException("no"), inner))
    assert (failure.error_type, failure.status_code, failure.retry_after, failure.may_have_acted) == (
        "HTTPStatusError",
        429,
        7.0,
        False,
    )


def test_a_tenacity_retry_error_is_its_last_attempt() -> None:
    tenacity = pytest.importorskip("tenacity")

    def fail() -> None:
        raise status_error(503)

    attempts = tenacity.Retrying(stop=tenacity.stop_after_attempt(2))
    assert diagnose(raised_by(lambda: attempts(fail))).category is RETRYABLE


def test_an_attempt_that_has_not_ended_is_not_waited_for() -> None:
    tenacity = pytest.importorskip("tenacity")
    assert diagnose(tenacity.RetryError(Future())).category is NON_RETRYABLE


def test_an_error_in_the_arguments_is_the_reason() -> None:
    assert diagnose(OrderServiceError("no", httpx.ConnectError("no"))).category is NETWORK


@pytest.mark.parametrize(
    ("leaves", "category"),
    [
        ([status_error(503)], RETRYABLE),
        ([status_error(503), httpx.ReadTimeout("no")], TIMEOUT),
        ([httpx.ReadTimeout("no"), httpx.ConnectError("no")], NETWORK),
        ([httpx.ConnectError("no"), KeyError()], NON_RETRYABLE),
        ([KeyError(), status_error(401), status_error(503)], AUTH),
    ],
)
def test_the_worst_of_a_group_decides(leaves: list[Exception], category: ErrorCategory) -> None:
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", leaves)])
    assert diagnose(nested).category is category


def test_a_group_waits_for_the_longest_and_has_acted_when_any_may_have() -> None:
    slow, slower = (status_error(429, headers={"Retry-After": wait}) for wait in ("3", "7"))
    failure = diagnose(ExceptionGroup("lookups", [slow, slower, status_error(500)]))
    assert (failure.category, failure.retry_after, failure.may_have_acted) == (RETRYABLE, 7.0, True)


@pytest.mark.parametrize(
    ("error", "deciding"),
    [
        (ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError(), status_error(401)])]), "HTTPStatusError"),
        (ExceptionGroup("lookups", [status_error(503), ZeroDivisionError()]), "ZeroDivisionError"),
        (ExceptionGroup("lookups", [from_cause(ToolException("no"), httpx.ConnectError("no"))]), "ConnectError"),
        (ExceptionGroup("lookups", [OrderServiceError("no")]), "OrderServiceError"),
        (from_cause(OrderServiceError("no"), ToolException("no")), "OrderServiceError"),
        (ExceptionGroup("many", [status_error(503)] * 1000), "ExceptionGroup"),
    ],
    ids=["group in a group", "the worst leaf", "chain in a group", "unknown leaf", "unknown chain", "too large"],
)
def test_the_type_is_that_of_the_error_that_decided(error: Exception, deciding: str) -> None:
    assert diagnose(error).error_type == deciding


def test_a_group_in_a_chain_and_a_chain_in_a_group() -> None:
    group = ExceptionGroup("lookups", [from_cause(ToolException("no"), status_error(503))])
    assert diagnose(from_cause(OrderServiceError(), group)).category is RETRYABLE


def test_a_real_task_group_is_looked_into() -> None:
    async def fail() -> None:
        raise httpx.ConnectError("no")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    assert diagnose(raised_by(lambda: asyncio.run(main()))).category is NETWORK


def test_a_group_too_large_to_read_is_not_retried() -> None:
    assert diagnose(ExceptionGroup("many", [status_error(503)] * 1000)).category is NON_RETRYABLE


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    one, two = OrderServiceError(), OrderServiceError()
    assert diagnose(from_cause(one, from_cause(two, one))).category is NON_RETRYABLE


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), Exception(), RuntimeError("HTTP 503"), OSError("HTTP 503")]
)
def test_what_nobody_knows_is_not_retried(error: BaseException) -> None:
    failure = diagnose(error)
    assert (failure.category, failure.rule, failure.may_have_acted) == (NON_RETRYABLE, "default", True)
