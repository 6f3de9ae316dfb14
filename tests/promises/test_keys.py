"""One idempotency key for all attempts of a call, another for any other call."""

import contextvars
from collections import Counter
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode, RetryPolicy, ToolErrorHandler, idempotency_key
from agent_tools.idempotency import asend_idempotency_key, send_idempotency_key
from agent_tools.testing import FaultyServer
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, Repeating, asking, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD = {"configurable": {"thread_id": "1"}}


def _key_tool(flavor: Flavor, seen: list[str], *errors: Exception) -> Any:
    fails = Flaky(errors)

    def charge(amount: int = 5) -> str:
        """Charge the customer."""
        seen.append(idempotency_key())
        return str(fails())

    return flavor.tool(charge)


def _state(message: str, *ids: str) -> dict[str, Any]:
    calls = [ToolCall(name="charge", args={"amount": 5}, id=each) for each in ids]
    return {"messages": [HumanMessage("charge"), AIMessage("", id=message, tool_calls=calls)]}


def test_the_key_is_the_same_for_all_attempts_and_differs_for_another_call_turn_or_thread(flavor: Flavor) -> None:
    seen: list[str] = []
    tool = _key_tool(flavor, seen, http_error(503), http_error(503))
    graph = flavor.graph_of([tool], checkpointer=InMemorySaver())

    flavor.run(graph, _state("ai1", "c1"), THREAD)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    flavor.run(graph, _state("ai2", "c1"), THREAD)  # the id of the call repeats in a later turn
    flavor.run(graph, _state("ai3", "c1", "c2"), THREAD)
    flavor.run(graph, _state("ai1", "c1"), {"configurable": {"thread_id": "2"}})

    assert len(set(seen)) == 5
    assert {len(key) for key in seen} == {32}


@pytest.mark.parametrize("amounts", [(5, 6), (5, 5)])
@pytest.mark.parametrize("call_id", ["c1", ""])
def test_calls_of_one_id_have_keys_of_their_own(flavor: Flavor, call_id: str, amounts: tuple[int, int]) -> None:
    seen: list[str] = []
    calls = [ToolCall(name="charge", args={"amount": amount}, id=call_id) for amount in amounts]
    state = {"messages": [HumanMessage("charge"), AIMessage("", id="ai1", tool_calls=calls)]}
    for _ in range(2):  # in a thread and in a copy of it
        options = {"model": Repeating([], then="Goodbye.", strict=False)} if flavor.door == "create_agent" else {}
        flavor.run(flavor.graph_of([_key_tool(flavor, seen)], checkpointer=InMemorySaver(), **options), state, THREAD)

    assert len(seen) == 4
    assert len(set(seen)) == 2


def test_edited_arguments_have_another_key_and_the_same_ones_the_same(flavor: Flavor) -> None:
    seen: list[str] = []
    for amount in (5, 6, 5):
        edited = ToolCall(name="charge", args={"amount": amount}, id="c1")
        graph = flavor.graph_of([_key_tool(flavor, seen)], checkpointer=InMemorySaver())
        flavor.run(graph, {"messages": [AIMessage("", id="ai1", tool_calls=[edited])]}, THREAD)

    assert len(seen) == 3
    assert seen[0] == seen[2] != seen[1]


def test_the_key_is_the_same_after_an_interrupt_in_another_graph_object(flavor: Flavor) -> None:
    seen: list[str] = []
    saver = InMemorySaver()

    def charge() -> str:
        seen.append(idempotency_key())
        return str(interrupt("charge?"))

    flavor.run(flavor.graph_of([flavor.tool(charge)], checkpointer=saver), asking(("charge", {})), THREAD)
    flavor.run(flavor.graph_of([flavor.tool(charge)], checkpointer=saver), Command(resume="yes"), THREAD)

    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_keys_by_arguments_join_the_calls_that_ask_the_same_in_a_thread(flavor: Flavor) -> None:
    seen: list[str] = []
    policy = RetryPolicy(key_by="arguments")
    graph = flavor.graph_of([_key_tool(flavor, seen)], checkpointer=InMemorySaver(), policy=policy)

    flavor.run(graph, _state("ai1", "c1"), THREAD)
    flavor.run(graph, _state("ai2", "c9"), THREAD)
    flavor.run(graph, _state("ai2", "c9"), {"configurable": {"thread_id": "2"}})

    assert seen[0] == seen[1] != seen[2]


def test_without_a_checkpointer_each_run_has_keys_of_its_own(flavor: Flavor) -> None:
    seen: list[str] = []
    graph = flavor.graph_of([_key_tool(flavor, seen)])
    flavor.run(graph, _state("ai1", "c1"))
    flavor.run(graph, _state("ai1", "c1"))

    assert len(set(seen)) == 2


def test_outside_a_tool_there_is_no_key() -> None:
    with pytest.raises(RuntimeError, match="must be called in a tool of"):
        contextvars.Context().run(idempotency_key)


@pytest.mark.doors("node")  # create_agent answers the model itself
def test_the_schema_that_the_model_sees_is_unchanged(flavor: Flavor) -> None:
    tool = _key_tool(flavor, [])
    before = tool.tool_call_schema.model_json_schema()
    flavor.answer(tool)

    assert ResilientToolNode([tool]).tools_by_name["charge"].tool_call_schema.model_json_schema() == before
    assert set(before["properties"]) == {"amount"}


def test_one_line_sends_the_key_with_httpx(flavor: Flavor) -> None:
    with FaultyServer({"POST /charge": [503, 503, {"ok": True}], "GET /charge": 200}) as server:

        def charge() -> str:
            with httpx.Client(event_hooks={"request": [send_idempotency_key]}) as client:
                client.get(server.url + "/charge")
                return client.post(server.url + "/charge").raise_for_status().text

        async def acharge() -> str:
            async with httpx.AsyncClient(event_hooks={"request": [asend_idempotency_key]}) as client:
                await client.get(server.url + "/charge")
                return (await client.post(server.url + "/charge")).raise_for_status().text

        tool = (
            StructuredTool.from_function(coroutine=acharge, name="charge", description="Charges.")
            if flavor.is_async
            else StructuredTool.from_function(charge, description="Charges.")
        )
        answer = flavor.answer(tool)
        keys = Counter((request.method, request.headers.get("idempotency-key")) for request in server.requests)

    assert answer.status == "success"
    assert keys.pop(("GET", None)) == 3
    assert list(keys.values()) == [3]


def test_a_handler_without_a_graph_still_works() -> None:
    handler = ToolErrorHandler(policy=AT_ONCE)
    request: Any = ToolCallRequest(tool_call=ToolCall(name="x", args={}, id="1"), tool=None, state={}, runtime=None)  # type: ignore[arg-type]
    fails = Flaky([http_error(503)] * 3)
    answer: Any = handler.wrap_tool_call(request, lambda request: fails())

    assert (answer.status, fails.runs) == ("error", 3)
