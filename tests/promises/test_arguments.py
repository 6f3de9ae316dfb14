"""Each attempt gets the arguments that the model gave, and each answer belongs to its own call."""

import threading
from copy import deepcopy
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from agent_tools import ResilientToolNode, idempotency_key
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, asking, http_error

pytestmark = pytest.mark.doors("node", "create_agent")

GIVEN = {"lines": ["a", "b"], "note": {"to": "Ann"}}


def test_what_a_tool_does_to_its_arguments_changes_no_other_attempt_no_key_and_no_history(flavor: Flavor) -> None:
    seen: list[Any] = []
    keys: list[str] = []
    service = Flaky([http_error(503), http_error(503)])

    def order(payload: dict[str, Any]) -> str:
        seen.append(deepcopy(payload))
        payload["lines"].clear()
        del payload["note"]
        keys.append(idempotency_key())
        return str(service())

    state = flavor.run(flavor.graph_of([flavor.tool(order)]), asking(("order", {"payload": deepcopy(GIVEN)})))
    assert seen == [GIVEN] * 3
    assert len(set(keys)) == 1
    message = next(each for each in state["messages"] if isinstance(each, AIMessage))
    assert message.tool_calls[0]["args"] == {"payload": GIVEN}


def test_arguments_that_cannot_be_copied_are_passed_on_as_they_are() -> None:
    lock = threading.Lock()
    seen: list[Any] = []
    service = Flaky([http_error(503)])

    def work(given: Any, lines: list[str]) -> str:
        """Work."""
        seen.append((given["lock"], list(lines)))
        lines.clear()
        return str(service())

    calls = asking(("work", {"given": {"lock": lock}, "lines": ["a"]}))
    builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([work], policy=AT_ONCE))
    builder.add_edge(START, "tools").add_edge("tools", END).compile().invoke(calls)
    assert seen == [(lock, ["a"]), (lock, ["a"])]


def test_a_message_that_a_tool_writes_answers_its_own_call_whatever_id_it_bears(flavor: Flavor) -> None:
    def first() -> ToolMessage:
        return ToolMessage("of first", tool_call_id="c2", name="first")

    def second() -> ToolMessage:
        return ToolMessage("of second", tool_call_id="nobody's", name="second")

    answers = flavor.answers([flavor.tool(first), flavor.tool(second)], ("first", {}), ("second", {}))
    assert sorted((each.tool_call_id, each.content) for each in answers) == [("c1", "of first"), ("c2", "of second")]


@pytest.mark.doors("node")
def test_calls_without_ids_are_run_once_each_and_answered(flavor: Flavor) -> None:
    keys: dict[str, str] = {}

    def pay(to: str) -> str:
        keys[to] = idempotency_key()
        return f"paid {to}"

    def fail() -> None:
        raise http_error(404)

    calls: list[Any] = [{"name": "pay", "args": {"to": to}, "id": None} for to in ("Ann", "Bob")]
    calls += [{"name": "fail", "args": {}, "id": None}, {"name": "nobody", "args": {}, "id": None}]
    message = AIMessage("", tool_calls=calls)
    graph = flavor.graph_of([flavor.tool(pay), flavor.tool(fail)])
    answers = answers_in(flavor.run(graph, {"messages": [HumanMessage("pay"), message]}))
    assert [each.status for each in answers] == ["success", "success", "error", "error"]
    assert [each.content for each in answers[:2]] == ["paid Ann", "paid Bob"]
    assert {each.tool_call_id for each in answers} == {""}
    assert len(set(keys.values())) == 2
