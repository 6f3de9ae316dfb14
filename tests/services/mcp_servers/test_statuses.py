"""HTTP errors from a gate in front of an MCP server, which the client raises in exception groups."""

import pytest

from agent_tools import RetryPolicy
from agent_tools.testing import no_waiting
from tests.services.mcp_servers.conftest import Ask
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import Tools, http, tools_at

pytestmark = pytest.mark.doors("node", "create_agent")

CALL = "tools/call"
AFTER_7 = {"Retry-After": "7"}
STATUSES = [
    (401, {}, "auth_failure", 1),
    (403, {}, "auth_failure", 1),
    (429, AFTER_7, "retryable", 3),
    (500, {}, "retryable", 3),
    (503, {}, "retryable", 3),
]


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["initialize", CALL])
@pytest.mark.parametrize(("status", "headers", "category", "requests"), STATUSES, ids=lambda value: f"{value}")
async def test_a_status_means_the_same_at_the_handshake_and_at_the_call(
    ask: Ask, gate: Gate, tools: Tools, where: str, status: int, headers: dict[str, str], category: str, requests: int
) -> None:
    gate.refuse(where, status, headers)

    with no_waiting() as waits:
        turn = await ask([tools["ok"]], ("ok", {}), circuit=None)  # it might open on a busy machine

    facts = turn.answer.artifact
    assert turn.answer.status == "error"
    assert f"HTTP {status}" in turn.answer.content
    assert (facts["category"], facts["status_code"], facts["attempts"]) == (category, status, requests)
    assert facts["error_type"] == "HTTPStatusError"
    assert facts["retry_after"] == (7.0 if headers else None)
    assert gate.count(where) == requests
    assert turn.told == ["tool_retry"] * (requests - 1) + ["tool_failed"]
    assert len(waits) == requests - 1
    assert all(wait >= (7.0 if headers else 0.0) for wait in waits)


@pytest.mark.anyio
async def test_no_request_comes_before_the_time_that_the_server_asked_for(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.refuse(CALL, 429, {"Retry-After": "1"}, times=1)

    turn = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.content[0]["text"] == "order 1 is shipped"
    assert turn.told == ["tool_retry", "tool_recovered"]
    assert turn.seconds >= 1.0
    assert gate.count(CALL) == 2


@pytest.mark.anyio
async def test_a_wait_that_is_too_long_is_told_and_not_waited_for(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.refuse(CALL, 503, AFTER_7)

    turn = await ask([tools["ok"]], ("ok", {}), policy=RetryPolicy(max_retry_after=5))

    assert "asks to be left alone for 7 s" in turn.answer.content
    assert gate.count(CALL) == 1


@pytest.mark.anyio
async def test_only_the_refused_call_runs_again_and_its_siblings_keep_their_results(
    ask: Ask, gate: Gate, tools: Tools
) -> None:
    gate.refuse("destroys", 401)
    gate.refuse("fails_with_is_error", 503, times=2)

    turn = await ask(
        list(tools.values()), ("ok", {"order": "5"}), ("destroys", {}), ("fails_with_is_error", {}), ("ok", {})
    )

    assert [answer.status for answer in turn.answers] == ["success", "error", "error", "success"]
    assert turn.answers[0].content[0]["text"] == "order 5 is shipped"
    assert turn.answers[1].artifact["category"] == "auth_failure"
    assert (gate.count("ok"), gate.count("destroys"), gate.count("fails_with_is_error")) == (2, 1, 3)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "headers", "requests"),
    [(500, {}, 1), (503, {}, 1), (503, {"Retry-After": "0"}, 3), (429, {}, 3)],
    ids=["500", "503", "503 with Retry-After", "429"],
)
async def test_a_tool_with_a_destructive_hint_runs_once_unless_nothing_can_have_happened(
    ask: Ask, gate: Gate, tools: Tools, status: int, headers: dict[str, str], requests: int
) -> None:
    gate.refuse("destroys", status, headers)

    turn = await ask([tools["destroys"]], ("destroys", {}))

    assert gate.count("destroys") == requests
    assert ("It is unknown whether it took effect" in turn.answer.content) == (requests == 1)


@pytest.mark.anyio
async def test_renewed_credentials_get_one_more_attempt(ask: Ask, gate: Gate, url: str) -> None:
    connection = http(url, headers={"Authorization": "Bearer old"})
    tools = await tools_at(connection)
    gate.reset()
    gate.refuse("initialize", 401, times=1)

    def renew(_event: object) -> bool:
        connection["headers"] = {"Authorization": "Bearer new"}
        return True

    turn = await ask([tools["ok"]], ("ok", {}), on_auth_failure=renew)

    assert turn.answer.status == "success"
    first, *others = [asked.headers["Authorization"] for asked in gate.asked]
    assert first == "Bearer old"
    assert set(others) == {"Bearer new"}


@pytest.mark.anyio
async def test_a_session_that_the_server_has_forgotten_is_opened_anew(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.refuse("destroys", 404, times=1)

    turn = await ask([tools["destroys"]], ("destroys", {}))

    assert turn.answer.content[0]["text"] == "deleted"
    assert turn.told == ["tool_retry", "tool_recovered"]
    assert (gate.count("initialize"), gate.count("destroys")) == (2, 2)


@pytest.mark.anyio
async def test_a_server_that_forgets_each_session_is_asked_twice(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.refuse(CALL, 404)

    turn = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.artifact["category"] == "non_retryable"
    assert turn.answer.artifact["may_have_acted"] is False  # HTTP 404, which the client turns into an McpError
    assert gate.count(CALL) == 2


@pytest.mark.anyio
async def test_a_refusal_that_the_client_only_logs_is_a_closed_connection(ask: Ask, gate: Gate, tools: Tools) -> None:
    gate.refuse("notifications/initialized", 503)

    turn = await ask([tools["ok"]], ("ok", {}))

    assert turn.answer.artifact["error_type"] == "ClosedResourceError"
    assert turn.answer.artifact["category"] == "network"
    assert gate.count(CALL) == 0
