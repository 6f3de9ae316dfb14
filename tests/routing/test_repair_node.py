"""The model sees only complete histories, with the results that LangGraph has recorded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES, _messages_delta_reducer, add_messages
from langgraph.types import Command
from pydantic import BaseModel

from agent_tools import ResilientToolNode
from agent_tools.routing import repair_node, route_tool_calls
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import THREAD, Bot, Shop, asking_for, bot_graph, saying, shape_of, thinking
from tests.support.toolbox import Flavor


def crashing(shop: Shop) -> ResilientToolNode:
    return ResilientToolNode(shop.tools, handle_tool_errors=False)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("database", [None, "threads.sqlite"])
def test_a_new_message_instead_of_a_resume_keeps_the_results_of_calls_that_had_ended(
    flavor: Flavor, database: str | None, durability: str, tmp_path: Path
) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge"), call("lookup")], "As you like.", "Bye."])
    builder = bot_graph(model, shop.tools, repair=True)
    bot = Bot(flavor, builder, database and tmp_path / database, durability)
    bot.run(saying("pay"))
    messages = bot.run(saying("never mind"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "call_3", "human", "ai"]
    assert [message.status for message in messages[2:5]] == ["error", "success", "success"]
    assert [message.content for message in messages[3:5]] == ["charged", "found"]
    assert messages[2].content.startswith("No result was recorded for `approve`")
    assert sorted(shop.done) == ["charge", "lookup"]

    check_history(bot.run(saying("bye")))
    assert sorted(shop.done) == ["charge", "lookup"]


def test_a_new_message_after_a_crash_keeps_the_results_of_calls_that_had_ended(flavor: Flavor, tmp_path: Path) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge")], [call("crash")], "I am back.", "Bye."])
    bot = Bot(flavor, bot_graph(model, crashing(shop), repair=True), tmp_path / "threads.sqlite")
    bot.run(saying("pay"))
    with pytest.raises(SystemError):
        bot.run(saying("never mind, look it up"))
    messages = bot.run(saying("are you there?"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "human", "ai", "call_3", "human", "ai"]
    assert [message.content[:9] for message in messages[2:4]] == ["No result", "charged"]
    assert messages[6].content.startswith("No result was recorded for `crash`")
    assert shop.done == ["charge"]


@pytest.mark.parametrize("recorded", [None, False])
def test_calls_that_shared_a_node_have_a_result_if_they_were_recorded(flavor: Flavor, recorded: bool | None) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("charge"), call("approve")], "Let me check."])
    node = ResilientToolNode(shop.tools, record=recorded)
    bot = Bot(flavor, bot_graph(model, node, route=tools_or_end, repair=True))
    bot.run(saying("pay"))
    messages = bot.run(saying("well?"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "human", "ai"]
    assert [message.status for message in messages[2:4]] == ["error" if recorded is False else "success", "error"]
    assert shop.done == ["charge"]


class Delta(TypedDict):
    """A state whose checkpoints keep only the writes to its messages."""

    messages: Annotated[list[AnyMessage], DeltaChannel(_messages_delta_reducer)]


#: Up to LangGraph 1.2.23 no node can replace all messages of a `DeltaChannel`.
CAN_REPLACE = not _messages_delta_reducer([HumanMessage("hi")], [[RemoveMessage(id=REMOVE_ALL_MESSAGES)]])


@pytest.mark.skipif(not CAN_REPLACE, reason="LangGraph is too old to replace the messages of a DeltaChannel")
@pytest.mark.parametrize("per_call", [False, True])
def test_results_are_found_where_checkpoints_keep_what_was_written_alone(flavor: Flavor, per_call: bool) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("charge"), call("approve")], "Let me check."])

    def think(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    builder: Any = StateGraph(Delta).add_node("repair", repair_node()).add_node("model", think)
    builder.add_node("tools", ResilientToolNode(shop.tools)).add_edge(START, "repair").add_edge("repair", "model")
    builder.add_conditional_edges("model", route_tool_calls if per_call else tools_or_end).add_edge("tools", "model")
    graph = builder.compile(checkpointer=InMemorySaver())
    for text in ("pay", "well?"):
        messages = flavor.run(graph, saying(text), THREAD)["messages"]

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "human", "ai"]
    assert [message.status for message in messages[2:4]] == ["success", "error"]
    assert shop.done == ["charge"]


def test_only_what_is_missing_is_written_where_the_order_allows_it(flavor: Flavor) -> None:
    graph = StateGraph(MessagesState).add_node("repair", repair_node()).add_edge(START, "repair").compile()
    orphan = ToolMessage("of nobody", tool_call_id="x", id="t1")
    broken = {"messages": [HumanMessage("hi"), orphan, asking_for("charge", message_id="a1")]}
    (update,) = flavor.stream(graph, broken, "updates")

    assert [message.id for message in update["repair"]["messages"]] == ["t1", "a1-c1"]
    assert shape_of(flavor.run(graph, broken)["messages"]) == ["human", "ai", "c1"]


def tools_or_end(state: Any) -> str:
    return "tools" if state["messages"][-1].tool_calls else END


def test_an_answer_of_another_turn_with_the_same_call_id_is_not_taken(flavor: Flavor) -> None:
    shop = Shop(flavor)
    script = [asking_for("charge"), "Charged.", asking_for("approve", message_id="second"), "As you like."]
    bot = Bot(flavor, bot_graph(ScriptedChatModel(script), shop.tools, repair=True))
    bot.run(saying("pay"))
    bot.run(saying("and ask"))
    messages = bot.run(saying("never mind"))

    assert shape_of(messages) == ["human", "ai", "c1", "ai", "human", "ai", "c1", "human", "ai"]
    assert messages[2].content == "charged"
    assert messages[6].content.startswith("No result was recorded for `approve`")


def test_a_resume_finds_nothing_to_repair(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge")], "Done.", "Bye."])
    bot = Bot(flavor, bot_graph(model, shop.tools, repair=True))
    bot.run(saying("pay"))
    bot.run(Command(resume="Ada"))
    messages = bot.run(saying("bye"))

    assert [message.status for message in messages if isinstance(message, ToolMessage)] == ["success", "success"]


def test_a_whole_history_is_not_written_and_no_checkpoint_is_read(flavor: Flavor) -> None:
    class Unread(InMemorySaver):
        def list(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("a checkpoint was read")

        def alist(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("a checkpoint was read")

    graph = bot_graph(ScriptedChatModel([call("charge"), "Done.", "Bye."]), Shop(flavor).tools, repair=True)
    compiled = graph.compile(checkpointer=Unread())
    thread = {"configurable": {"thread_id": "1"}}
    updates = flavor.stream(compiled, saying("pay"), "updates", thread)
    updates += flavor.stream(compiled, saying("bye"), "updates", thread)

    assert [update["repair"] for update in updates if "repair" in update] == [None, None]


def test_running_twice_changes_nothing(flavor: Flavor) -> None:
    builder = StateGraph(MessagesState).add_node("one", repair_node()).add_node("two", repair_node())
    graph = builder.add_edge(START, "one").add_edge("one", "two").compile()
    given = {"messages": [HumanMessage("pay"), asking_for("charge", message_id="a1"), HumanMessage("well?")]}
    one, two = flavor.stream(graph, given, "updates")

    assert one["one"]["messages"][3].id == "a1-c1"
    assert two == {"two": None}


class PydanticState(BaseModel):
    messages: Annotated[list[AnyMessage], add_messages]


@dataclass
class DataclassState:
    messages: Annotated[list[AnyMessage], add_messages]


@pytest.mark.parametrize("schema", [MessagesState, PydanticState, DataclassState])
def test_every_kind_of_state_is_repaired(flavor: Flavor, schema: type) -> None:
    graph = StateGraph(schema).add_node("repair", repair_node()).add_edge(START, "repair").compile()
    final = flavor.run(graph, {"messages": [asking_for("charge"), HumanMessage("well?")]})

    assert shape_of(final["messages"]) == ["ai", "c1", "human"]


def test_a_state_that_is_a_list_is_repaired(flavor: Flavor) -> None:
    builder: Any = StateGraph(Annotated[list[AnyMessage], add_messages])
    graph = builder.add_node("repair", repair_node()).add_edge(START, "repair").compile()

    assert shape_of(flavor.run(graph, [asking_for("charge"), HumanMessage("well?")])) == ["ai", "c1", "human"]


def test_an_empty_state_is_whole(flavor: Flavor) -> None:
    graph = StateGraph(MessagesState).add_node("repair", repair_node()).add_edge(START, "repair").compile()

    assert flavor.run(graph, {"messages": []})["messages"] == []


def test_a_wrong_key_is_refused(flavor: Flavor) -> None:
    graph = StateGraph(MessagesState).add_node("repair", repair_node(messages_key="chat")).add_edge(START, "repair")

    with pytest.raises(ValueError, match="'chat'"):
        flavor.run(graph.compile(), {"messages": []})


def test_a_bot_with_a_memory_of_its_own_inside_another_graph_is_repaired_with_what_was_kept(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge")], "As you like."])
    inner = bot_graph(model, shop.tools, repair=True).compile(checkpointer=True)
    outer = StateGraph(MessagesState).add_node("bot", inner).add_edge(START, "bot").add_edge("bot", END)
    graph = outer.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    flavor.run(graph, saying("pay"), thread)
    messages = flavor.run(graph, saying("never mind"), thread)["messages"]

    answers = [message for message in messages if isinstance(message, ToolMessage)]
    assert [message.content[:9] for message in answers] == ["No result", "charged"]
    assert shop.done == ["charge"]


def test_the_node_joins_the_tasks_of_all_calls_before_the_model(flavor: Flavor) -> None:
    model = ScriptedChatModel([[call("charge"), call("lookup")], "Done."])
    builder = StateGraph(MessagesState).add_node("model", thinking(model)).add_node("repair", repair_node())
    builder.add_node("tools", ResilientToolNode(Shop(flavor).tools)).add_edge("tools", "repair")
    builder.add_edge(START, "repair").add_edge("repair", "model").add_conditional_edges("model", route_tool_calls)
    final = flavor.run(builder.compile(), saying("pay"))

    assert shape_of(final["messages"]) == ["human", "ai", "call_1", "call_2", "ai"]
    assert isinstance(final["messages"][-1], AIMessage)
