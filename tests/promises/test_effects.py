"""A tool that must not act twice runs again only when it is known that nothing happened.

For what its requests show see `tests/call/test_requests.py`, for `verify` see `tests/call/test_verifying.py`.
"""

from typing import Any

import httpx
import pytest

from agent_tools import RetryPolicy
from tests.support.toolbox import Flaky, Flavor, http_error

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]

ONCE = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=False, retry_on={"retryable", "timeout", "network"})
REQUEST = httpx.Request("POST", "http://127.0.0.1/charge")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("x", request=REQUEST),
        http_error(500),
        http_error(503, {"Retry-After": "0"}),
        http_error(429),
        http_error(404),
        httpx.ConnectError("x", request=REQUEST),
        httpx.PoolTimeout("x", request=REQUEST),
    ],
    ids=["read timeout", "500", "503 told when", "429", "404", "connect", "pool"],
)
def test_an_error_proves_nothing_of_requests_that_nobody_saw(
    flavor: Flavor, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    fn = Flaky([error] * 9)

    def charge() -> str:
        return str(fn())

    answer = flavor.answer(flavor.tool(charge), policy=ONCE)

    assert fn.runs == 1
    assert answer.artifact["may_have_acted"] is True
    assert "unknown whether it took effect" in answer.content
    assert len(answer.content.split()) <= 60


def test_the_log_says_once_what_would_allow_more(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    def charge() -> str:
        raise http_error(429)

    tool = flavor.tool(charge)
    flavor.answers([tool], *[("charge", {})] * 3, policy=ONCE)

    (line,) = [record.getMessage() for record in caplog.records if "verify" in record.getMessage()]
    assert line.startswith("charge is idempotent=False and is not run again")
    assert "send_idempotency_key" in line


def posting_error(status: int, method: str) -> httpx.HTTPStatusError:
    request = httpx.Request(method, "http://127.0.0.1/charge")
    return httpx.HTTPStatusError("x", request=request, response=httpx.Response(status, request=request))


@pytest.mark.parametrize(
    ("error", "policy", "warnings"),
    [
        (posting_error(503, "POST"), RetryPolicy(base_delay=0), 1),
        (posting_error(500, "PATCH"), RetryPolicy(base_delay=0), 1),
        (posting_error(429, "POST"), RetryPolicy(throttled_delay=0), 0),
        (posting_error(503, "PUT"), RetryPolicy(base_delay=0), 0),
        (posting_error(503, "GET"), RetryPolicy(base_delay=0), 0),
        (posting_error(503, "POST"), RetryPolicy(base_delay=0, idempotent=True), 0),
        (posting_error(503, "POST"), RetryPolicy(base_delay=0, max_attempts=1), 0),
        (httpx.ReadTimeout("x", request=REQUEST), RetryPolicy(base_delay=0), 0),
    ],
    ids=["POST 503", "PATCH 500", "POST 429", "PUT 503", "GET 503", "declared", "once", "not retried"],
)
def test_an_undeclared_tool_that_may_act_twice_is_named_once(
    flavor: Flavor, error: Exception, policy: RetryPolicy, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    def charge() -> str:
        raise error

    flavor.answers([flavor.tool(charge)], ("charge", {}), ("charge", {}), policy=policy, circuit=None)
    lines = [record.getMessage() for record in caplog.records if "verify" in record.getMessage()]

    assert len(lines) == warnings
    assert all(line.startswith("charge sends a POST or PATCH again") and "idempotent=" in line for line in lines)


def test_what_an_earlier_attempt_may_have_done_stays_in_doubt(flavor: Flavor) -> None:
    fn = Flaky([posting_error(503, "POST"), posting_error(404, "POST")])

    def charge() -> str:
        return str(fn())

    answer = flavor.answer(flavor.tool(charge), policy=RetryPolicy(base_delay=0))

    assert fn.runs == 2
    assert answer.artifact["may_have_acted"] is True
    assert "unknown whether it took effect" in answer.content


@pytest.mark.parametrize(
    ("hints", "runs"),
    [
        ({}, 3),
        ({"destructiveHint": True}, 1),
        ({"destructiveHint": True, "idempotentHint": True}, 3),
        ({"idempotentHint": True}, 3),
    ],
    ids=str,
)
def test_the_hints_of_an_mcp_server_are_used_for_more_care_only(
    flavor: Flavor, hints: dict[str, Any], runs: int
) -> None:
    fn = Flaky([http_error(500)] * 3)

    def charge() -> str:
        return str(fn())

    flavor.answer(flavor.tool(charge, metadata=hints))

    assert fn.runs == runs


def test_a_declared_policy_is_not_overruled_by_a_hint(flavor: Flavor) -> None:
    fn = Flaky([http_error(500)] * 2)

    def charge() -> str:
        return str(fn())

    policy = RetryPolicy(base_delay=0, idempotent=True)

    assert flavor.answer(flavor.tool(charge, metadata={"destructiveHint": True}), policy=policy).content == "done"
