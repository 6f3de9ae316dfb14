"""The categories that never change, with real `httpx` errors, whatever their headers and bodies say."""

from typing import Any

import httpx
import pytest

from agent_tools import ErrorCategory, Failure, diagnose
from agent_tools._core.failure import Veto
from agent_tools.testing import Fault, Reply
from tests.classify.clients import refused, served, with_httpx, with_httpx2

CALLS = pytest.mark.parametrize("call", [with_httpx, with_httpx2])

CATEGORY_BY_STATUS = {
    302: ErrorCategory.NON_RETRYABLE,
    400: ErrorCategory.NON_RETRYABLE,
    401: ErrorCategory.AUTH_FAILURE,
    402: ErrorCategory.NON_RETRYABLE,
    403: ErrorCategory.AUTH_FAILURE,
    404: ErrorCategory.NON_RETRYABLE,
    407: ErrorCategory.AUTH_FAILURE,
    408: ErrorCategory.TIMEOUT,
    409: ErrorCategory.NON_RETRYABLE,
    418: ErrorCategory.NON_RETRYABLE,
    422: ErrorCategory.NON_RETRYABLE,
    425: ErrorCategory.RETRYABLE,
    429: ErrorCategory.RETRYABLE,
    500: ErrorCategory.RETRYABLE,
    501: ErrorCategory.NON_RETRYABLE,
    502: ErrorCategory.RETRYABLE,
    503: ErrorCategory.RETRYABLE,
    504: ErrorCategory.TIMEOUT,
    505: ErrorCategory.NON_RETRYABLE,
    529: ErrorCategory.RETRYABLE,
}

CATEGORY_BY_TRANSPORT_ERROR = {
    "ConnectTimeout": (ErrorCategory.TIMEOUT, False),
    "PoolTimeout": (ErrorCategory.TIMEOUT, False),
    "ReadTimeout": (ErrorCategory.TIMEOUT, True),
    "WriteTimeout": (ErrorCategory.TIMEOUT, True),
    "ConnectError": (ErrorCategory.NETWORK, False),
    "ReadError": (ErrorCategory.NETWORK, True),
    "WriteError": (ErrorCategory.NETWORK, True),
    "CloseError": (ErrorCategory.NETWORK, True),
    "ProxyError": (ErrorCategory.NETWORK, True),
    "RemoteProtocolError": (ErrorCategory.NETWORK, True),
    "LocalProtocolError": (ErrorCategory.NON_RETRYABLE, False),
    "UnsupportedProtocol": (ErrorCategory.NON_RETRYABLE, False),
    "DecodingError": (ErrorCategory.NON_RETRYABLE, True),
    "TooManyRedirects": (ErrorCategory.NON_RETRYABLE, True),
}


def status_error(status: int, **response: Any) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://orders.internal/7")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request, **response))


@pytest.mark.parametrize(("status", "category"), CATEGORY_BY_STATUS.items())
@CALLS
def test_a_status_decides(call: Any, status: int, category: ErrorCategory) -> None:
    failure = served(call, Reply(status, {"error": "no"}))
    assert (failure.category, failure.status_code, failure.rule) == (category, status, f"HTTP {status}")


@pytest.mark.parametrize(("name", "expected"), CATEGORY_BY_TRANSPORT_ERROR.items())
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_transport_error_decides_by_its_class(library: str, name: str, expected: tuple[ErrorCategory, bool]) -> None:
    failure = diagnose(getattr(pytest.importorskip(library), name)("no"))
    assert (failure.category, failure.may_have_acted) == expected


@CALLS
def test_a_refused_port_is_network_and_has_not_acted(call: Any) -> None:
    failure = refused(call)
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.NETWORK, False)


@CALLS
def test_a_stalled_answer_is_a_timeout_and_may_have_acted(call: Any) -> None:
    failure = served(lambda url: call(url, seconds=0.2), Reply(fault=Fault.STALL))
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.TIMEOUT, True)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.TRUNCATE])
@CALLS
def test_a_broken_connection_is_network_and_may_have_acted(call: Any, fault: Fault) -> None:
    failure = served(call, Reply(fault=fault))
    assert (failure.category, failure.may_have_acted) == (ErrorCategory.NETWORK, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501])
def test_no_word_in_header_or_body_moves_a_status_of_httpx(status: int) -> None:
    error = status_error(
        status,
        json={"error": {"code": "rate_limit_exceeded", "type": "ThrottlingException"}},
        headers={"X-RateLimit-Remaining": "0", "Retry-After": "7"},
    )
    assert diagnose(error).category is CATEGORY_BY_STATUS[status]


def test_a_subclass_stays_what_its_base_is_however_it_is_called() -> None:
    class OrderNotFoundError(httpx.ConnectTimeout):
        status_code = 503

    class Unauthorized(httpx.HTTPStatusError):
        status_code = 401

    response = httpx.Response(503)
    assert diagnose(OrderNotFoundError("no")).category is ErrorCategory.TIMEOUT
    unauthorized = Unauthorized("no", request=httpx.Request("GET", "http://x"), response=response)
    assert diagnose(unauthorized).category is ErrorCategory.RETRYABLE


MAY_HAVE_ACTED = [
    (400, {}, False),
    (429, {}, False),
    (500, {}, True),
    (500, {"Retry-After": "7"}, True),
    (502, {}, True),
    (503, {}, True),
    (503, {"Retry-After": "7"}, False),
    (503, {"Retry-After": "soon"}, True),
    (504, {}, True),
]


@pytest.mark.parametrize(("status", "headers", "expected"), MAY_HAVE_ACTED)
def test_only_a_refusal_proves_that_nothing_happened(
    status: int,
    headers: dict[str, str],
    expected: bool,  # a column of the table
) -> None:
    assert diagnose(status_error(status, headers=headers)).may_have_acted is expected


VETOES = [
    (503, {"headers": {"x-should-retry": "false"}}, Veto.SERVER),
    (500, {"headers": {"Stripe-Should-Retry": "False"}}, Veto.SERVER),
    (503, {"headers": {"x-should-retry": "true"}}, None),
    (429, {"json": {"error": {"code": "insufficient_quota"}}}, Veto.QUOTA),
    (429, {"json": {"error": {"type": "billing_hard_limit_reached"}}}, Veto.QUOTA),
    (429, {"json": {"error": {"message": "insufficient_quota"}}}, None),
    (429, {"content": b"insufficient_quota"}, None),
    (429, {}, None),
]


@pytest.mark.parametrize(("status", "response", "veto"), VETOES)
def test_a_veto_keeps_the_category(status: int, response: dict[str, Any], veto: Veto | None) -> None:
    failure = diagnose(status_error(status, **response))
    assert (failure.category, failure.veto) == (ErrorCategory.RETRYABLE, veto)


def test_only_too_many_requests_are_throttled() -> None:
    assert [status for status in CATEGORY_BY_STATUS if diagnose(status_error(status)).throttled] == [429]


def test_headers_sent_twice_are_no_wait() -> None:
    failure = served(with_httpx, Reply(503, None, [("Retry-After", "7"), ("Retry-After", "7")]))
    assert failure.retry_after is None


def test_a_body_that_was_not_read_is_left_alone() -> None:
    request = httpx.Request("GET", "http://orders.internal/7")
    response = httpx.Response(429, request=request, stream=httpx.ByteStream(b"{}"), headers={"retry-after": "7"})
    failure = diagnose(httpx.HTTPStatusError("no", request=request, response=response))
    assert failure == Failure(
        category=ErrorCategory.RETRYABLE,
        error_type="HTTPStatusError",
        rule="HTTP 429",
        status_code=429,
        retry_after=7.0,
        may_have_acted=False,
        throttled=True,
    )
