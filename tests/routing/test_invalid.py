"""Calls with unreadable arguments are answered, and the model is called again, but not forever."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import END

from agent_tools.routing import answer_invalid_tool_calls, route_tool_calls_to
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import Bot, Shop, asking_for, bot_graph, invalid_call, saying, shape_of
from tests.support.toolbox import Flavor


def unreadable(number: int = 1) -> AIMessage:
    return AIMessage("", invalid_tool_calls=[invalid_call(f"i{number}")])


def _bot(flavor: Flavor, model: Any, shop: Shop) -> Bot:
    builder = bot_graph(model, shop.tools, route=route_tool_calls_to("tools", invalid="invalid"))
    return Bot(flavor, builder.add_node("invalid", answer_invalid_tool_calls()))


def test_the_model_is_told_and_asked_again(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([unreadable(), call("charge"), "Done."])
    messages = _bot(flavor, model, shop).run(saying("pay"))

    assert shape_of(messages) == ["human", "ai", "i1", "ai", "call_1", "ai"]
    assert (messages[2].status, messages[2].name) == ("error", "charge")
    assert messages[2].content == (
        "`charge` was not run: its arguments are not valid JSON. Call it with arguments that are."
    )
    assert messages[2].artifact == {"reason": "invalid_tool_call", "may_have_acted": False}
    assert shop.done == ["charge"]


def test_readable_calls_of_the_same_message_run_and_the_model_is_asked_once_for_all(flavor: Flavor) -> None:
    shop = Shop(flavor)
    both = AIMessage("", tool_calls=asking_for("charge").tool_calls, invalid_tool_calls=[invalid_call()])
    model = ScriptedChatModel([both, "Done."])
    messages = _bot(flavor, model, shop).run(saying("pay"))

    assert sorted(shape_of(messages)[2:4]) == ["c1", "i1"]
    assert messages[-1].content == "Done."
    assert shop.done == ["charge"]


def test_after_the_third_in_a_row_the_run_ends_answered_and_the_next_turn_is_accepted(flavor: Flavor) -> None:
    model = ScriptedChatModel([unreadable(1), unreadable(2), unreadable(3), "Hello again."])
    bot = _bot(flavor, model, Shop(flavor))
    messages = bot.run(saying("pay"))

    assert shape_of(messages) == ["human", "ai", "i1", "ai", "i2", "ai", "i3"]
    check_history(messages)
    assert bot.run(saying("hello?"))[-1].content == "Hello again."


def test_a_readable_message_between_starts_the_count_anew(flavor: Flavor) -> None:
    model = ScriptedChatModel([unreadable(1), unreadable(2), call("charge"), unreadable(3), unreadable(4), "Done."])

    assert _bot(flavor, model, Shop(flavor)).run(saying("pay"))[-1].content == "Done."


@pytest.mark.parametrize(("limit", "goto"), [(0, END), (1, "model")])
def test_the_limit_is_configured(limit: int, goto: str) -> None:
    node = answer_invalid_tool_calls(max_in_a_row=limit)

    assert node({"messages": [HumanMessage("pay"), unreadable()]}).goto == goto


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="max_in_a_row must not be negative, not -1"):
        answer_invalid_tool_calls(max_in_a_row=-1)


def test_a_call_without_a_name_is_answered_and_one_without_an_id_cannot_be() -> None:
    message = AIMessage("", invalid_tool_calls=[invalid_call("i1", name=None), invalid_call(None)])
    command = answer_invalid_tool_calls(model="agent", otherwise="bye", messages_key="chat")({"chat": [message]})

    (answer,) = command.update["chat"]
    assert answer.content.startswith("The tool was not run")
    assert command.goto == "agent"


def test_a_state_that_is_a_list_gets_a_list() -> None:
    (answer,) = answer_invalid_tool_calls()([unreadable()]).update

    assert isinstance(answer, ToolMessage)


def test_a_message_of_somebody_else_has_nothing_to_answer() -> None:
    assert answer_invalid_tool_calls()([HumanMessage("hi")]).update == []


def test_the_node_is_drawn_with_the_ways_it_goes(flavor: Flavor) -> None:
    graph = _bot(flavor, None, Shop(flavor)).builder.compile().get_graph()

    assert {edge.target for edge in graph.edges if edge.source == "invalid"} == {"model", END}
    assert {edge.target for edge in graph.edges if edge.source == "model"} == {"tools", "invalid", END}
