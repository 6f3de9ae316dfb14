"""Errors of other HTTP clients and SDKs, raised by the real libraries against a server that misbehaves."""

from typing import Any

import pytest

from agent_tools import ErrorCategory, Failure, diagnose
from agent_tools._core.failure import Veto
from agent_tools.testing import Fault, Reply
from tests.classify.clients import (
    CANARY,
    refused,
    served,
    with_aiohttp,
    with_botocore,
    with_httpx2,
    with_openai,
    with_requests,
    with_slack,
    with_stripe,
    with_urllib,
    with_urllib3,
)

CLIENTS = [
    with_aiohttp,
    with_botocore,
    with_httpx2,
    with_openai,
    with_requests,
    with_slack,
    with_stripe,
    with_urllib,
    with_urllib3,
]
KEEPING_HEADERS = [client for client in CLIENTS if client is not with_urllib3]

CATEGORY_BY_STATUS = {
    401: ErrorCategory.AUTH_FAILURE,
    403: ErrorCategory.AUTH_FAILURE,
    404: ErrorCategory.NON_RETRYABLE,
    422: ErrorCategory.NON_RETRYABLE,
    429: ErrorCategory.RETRYABLE,
    500: ErrorCategory.RETRYABLE,
    503: ErrorCategory.RETRYABLE,
    504: ErrorCategory.TIMEOUT,
}


@pytest.mark.parametrize("status", CATEGORY_BY_STATUS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_status_is_found_wherever_the_client_keeps_it(client: Any, status: int) -> None:
    failure = served(client, Reply(status, {"message": "no"}))
    assert (failure.category, failure.status_code) == (CATEGORY_BY_STATUS[status], status)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", KEEPING_HEADERS)
def test_the_wait_is_found_wherever_the_client_keeps_the_headers(client: Any, status: int) -> None:
    failure = served(client, Reply(status, {"error": {"message": "no"}}, {"Retry-After": "7"}))
    assert (failure.retry_after, failure.may_have_acted) == (7.0, False)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_refused_port_is_network_and_has_not_acted(client: Any) -> None:
    failure = refused(client)
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.NETWORK, False)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_reset_is_network_and_may_have_acted(client: Any) -> None:
    failure = served(client, Reply(fault=Fault.RESET))
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.NETWORK, True)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stalled_answer_is_a_timeout_even_inside_a_class_that_says_connection(client: Any) -> None:
    seconds = 1 if client is with_slack else 0.2  # slack_sdk takes only whole seconds
    failure = served(lambda url: client(url, seconds=seconds), Reply(fault=Fault.STALL))
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.TIMEOUT, True)


@pytest.mark.parametrize("client", CLIENTS)
def test_no_diagnosis_shows_the_key_or_the_address(client: Any) -> None:
    failure = served(client, Reply(401, {"error": {"message": f"bad key {CANARY}", "code": CANARY}}))
    assert CANARY not in repr(failure)
    assert "127.0.0.1" not in repr(failure)


def test_a_status_that_aiohttp_made_up_does_not_prove_that_nothing_happened() -> None:
    failure = served(with_aiohttp, Reply(fault=Fault.GARBAGE))
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.NETWORK, True)


def test_a_403_with_a_spent_limit_is_a_rate_limit() -> None:
    failure = served(with_requests, Reply(403, None, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}))
    assert (failure.category, failure.throttled, failure.retry_after) == (ErrorCategory.RETRYABLE, True, 30.0)


def test_a_403_with_requests_left_is_a_refusal() -> None:
    failure = served(with_requests, Reply(403, None, {"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "30"}))
    assert (failure.category, failure.throttled, failure.retry_after) == (ErrorCategory.AUTH_FAILURE, False, None)


WORDS_OF_AWS = [
    (400, "ValidationException", ErrorCategory.NON_RETRYABLE, False),
    (400, "ResourceNotFoundException", ErrorCategory.NON_RETRYABLE, False),
    (400, "AccessDeniedException", ErrorCategory.AUTH_FAILURE, False),
    (400, "ExpiredTokenException", ErrorCategory.AUTH_FAILURE, False),
    (400, "UnrecognizedClientException", ErrorCategory.AUTH_FAILURE, False),
    (400, "ThrottlingException", ErrorCategory.RETRYABLE, True),
    (400, "ProvisionedThroughputExceededException", ErrorCategory.RETRYABLE, True),
    (400, "RequestLimitExceeded", ErrorCategory.RETRYABLE, True),
    (404, "ThrottlingException", ErrorCategory.NON_RETRYABLE, False),
]


@pytest.mark.parametrize(("status", "word", "category", "throttled"), WORDS_OF_AWS)
def test_aws_hides_what_it_means_behind_a_400(
    status: int,
    word: str,
    category: ErrorCategory,
    throttled: bool,  # a column of the table
) -> None:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{word}", "message": "no"}
    failure = served(with_botocore, Reply(status, body))
    assert (failure.category, failure.throttled) == (category, throttled)


CATEGORY_BY_WORD_OF_SLACK = {
    "channel_not_found": ErrorCategory.NON_RETRYABLE,
    "invalid_auth": ErrorCategory.AUTH_FAILURE,
    "missing_scope": ErrorCategory.AUTH_FAILURE,
    "not_authed": ErrorCategory.AUTH_FAILURE,
    "ratelimited": ErrorCategory.RETRYABLE,
    "request_timeout": ErrorCategory.TIMEOUT,
    "service_unavailable": ErrorCategory.RETRYABLE,
    "token_revoked": ErrorCategory.AUTH_FAILURE,
}


@pytest.mark.parametrize(("word", "category"), CATEGORY_BY_WORD_OF_SLACK.items())
def test_slack_refuses_with_a_200(word: str, category: ErrorCategory) -> None:
    failure = served(with_slack, Reply(200, {"ok": False, "error": word}))
    assert (failure.category, failure.status_code) == (category, None)


def test_a_spent_quota_is_vetoed() -> None:
    body = {"error": {"message": "no", "type": "insufficient_quota", "code": "insufficient_quota"}}
    failure = served(with_openai, Reply(429, body))
    assert (failure.category, failure.veto) == (ErrorCategory.RETRYABLE, Veto.QUOTA)


def test_the_word_of_the_server_is_a_veto() -> None:
    failure = served(with_stripe, Reply(500, {"error": {"message": "no"}}, {"Stripe-Should-Retry": "false"}))
    assert (failure.category, failure.veto) == (ErrorCategory.RETRYABLE, Veto.SERVER)


def test_a_retry_after_in_the_body_is_found() -> None:
    class ApiError(Exception):
        status = 429
        body = '{"parameters": {"retry_after": 7}}'

    assert diagnose(ApiError()).retry_after == 7.0


def test_the_whole_diagnosis_of_a_throttled_call() -> None:
    failure = served(with_openai, Reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"}))
    assert failure == Failure(
        category=ErrorCategory.RETRYABLE,
        error_type="RateLimitError",
        rule="HTTP 429",
        status_code=429,
        retry_after=7.0,
        may_have_acted=False,
        throttled=True,
    )
