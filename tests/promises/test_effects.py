"""A tool that must not act twice runs again only when nothing can have happened."""

from typing import Any

import httpx
import pytest

from agent_tools import RetryPolicy
from tests.support.toolbox import Flaky, Flavor, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

ONCE = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=False, retry_on={"retryable", "timeout", "network"})
REQUEST = httpx.Request("POST", "http://127.0.0.1/charge")


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (httpx.ReadTimeout("x", request=REQUEST), 1),
        (httpx.ReadError("x", request=REQUEST), 1),
        (http_error(500), 1),
        (http_error(502), 1),
        (http_error(503), 1),
        (http_error(503, {"Retry-After": "0"}), 3),
        (http_error(429), 3),
        (httpx.ConnectError("x", request=REQUEST), 3),
        (httpx.ConnectTimeout("x", request=REQUEST), 3),
        (httpx.PoolTimeout("x", request=REQUEST), 3),
    ],
    ids=["read timeout", "read error", "500", "502", "503", "503 told when", "429", "connect", "connect late", "pool"],
)
def test_a_tool_that_must_not_act_twice_runs_again_only_when_nothing_can_have_happened(
    flavor: Flavor, error: Exception, runs: int
) -> None:
    fn = Flaky([error] * 3)

    def charge() -> str:
        return str(fn())

    answer = flavor.answer(flavor.tool(charge), policy=ONCE)

    assert fn.runs == runs
    assert ("unknown whether it took effect" in answer.content) == (runs == 1)


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
