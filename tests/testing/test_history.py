"""A history that a provider would refuse is refused."""

import pytest
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)

from agent_tools.testing import check_history

ASKED = HumanMessage("where is my order?")


def calling(*ids: str | None) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name="get_order", args={}, id=call_id) for call_id in ids])


def answer(call_id: str, content: str = "shipped", **options: str) -> ToolMessage:
    return ToolMessage(content, tool_call_id=call_id, **options)


UNREADABLE = AIMessage(
    "", invalid_tool_calls=[InvalidToolCall(type="invalid_tool_call", name="get_order", args="{", id="c1", error=None)]
)

WHOLE: dict[str, list[AnyMessage]] = {
    "nothing": [],
    "no calls": [SystemMessage("be kind"), ASKED, AIMessage("hello"), ASKED],
    "one call": [ASKED, calling("c1"), answer("c1"), AIMessage("shipped")],
    "an answer is last": [ASKED, calling("c1"), answer("c1")],
    "parallel, answered in another order": [ASKED, calling("c1", "c2"), answer("c2"), answer("c1")],
    "an id comes back in a later turn": [ASKED, calling("c1"), answer("c1"), calling("c1"), answer("c1")],
    "an empty answer of a tool that worked": [ASKED, calling("c1"), answer("c1", "")],
    "an error that says something": [ASKED, calling("c1"), answer("c1", "it is down", status="error")],
    "an unreadable call with its answer": [ASKED, UNREADABLE, answer("c1", "unreadable", status="error")],
}

BROKEN: dict[str, tuple[list[AnyMessage], str]] = {
    "unanswered at the end": ([calling("c1")], "before the model is asked again: no answer to 'c1'"),
    "unanswered before a human": ([calling("c1"), ASKED], "before the next human message: no answer to 'c1'"),
    "one of two unanswered": ([calling("c1", "c2"), answer("c1")], "no answer to 'c2'"),
    "unanswered in an older turn": ([calling("c1"), calling("c1"), answer("c1")], "before the next ai message"),
    "unreadable and unanswered": ([UNREADABLE], "no answer to 'c1'"),
    "answered twice": ([calling("c1"), answer("c1"), answer("c1")], "'c1' must be answered once, not twice"),
    "answered twice, later": (
        [calling("c1", "c2"), answer("c1"), answer("c2"), ASKED, answer("c1")],
        "no call there has the id 'c1'",
    ),
    "an answer without call": ([ASKED, answer("c9")], "no call there has the id 'c9'"),
    "an answer to a stranger": ([calling("c1"), answer("c9")], "no call there has the id 'c9'"),
    "an empty error": ([calling("c1"), answer("c1", "", status="error")], "error answer to tool call 'c1'"),
    "two calls with one id": ([calling("c1", "c1"), answer("c1")], "an id of its own, not 'c1'"),
    "a call without id": ([calling(None)], "an id of its own, not ''"),
}


@pytest.mark.parametrize("messages", WHOLE.values(), ids=WHOLE)
def test_a_whole_history_is_accepted(messages: list[AnyMessage]) -> None:
    check_history(messages)


@pytest.mark.parametrize(("messages", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_history_is_refused_with_the_id_and_the_rule(messages: list[AnyMessage], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_history(messages)
