"""A thread is repaired from outside, for graphs without a repair node."""

import time
from operator import add
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode
from langgraph.types import Command
from typing_extensions import TypedDict

from agent_tools import ResilientToolNode
from agent_tools.routing import repair_thread, route_tool_calls
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import THREAD, Bot, Shop, asking_for, bot_graph, saying, shape_of, thinking
from tests.support.toolbox import Flavor


@pytest.mark.parametrize("database", [None, "threads.sqlite"])
def test_an_interrupted_thread_keeps_the_results_of_calls_that_had_ended(
    flavor: Flavor, database: str | None, tmp_path: Path
) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("charge"), call("approve"), call("lookup")], "As you like."])
    bot = Bot(flavor, bot_graph(model, shop.tools), database and tmp_path / database)
    bot.run(saying("pay"))
    added = bot.repair()

    assert [(answer.tool_call_id, answer.status) for answer in added] == [
        ("call_1", "success"),
        ("call_2", "error"),
        ("call_3", "success"),
    ]
    snapshot = bot.snapshot()
    assert shape_of(snapshot.values["messages"]) == ["human", "ai", "call_1", "call_2", "call_3"]
    assert (snapshot.next, snapshot.tasks, snapshot.interrupts) == ((), (), ())

    messages = bot.run(saying("never mind"))
    assert [message.content for message in messages[2:5:2]] == ["charged", "found"]
    assert messages[-1].content == "As you like."
    assert sorted(shop.done) == ["charge", "lookup"]


@pytest.mark.parametrize("database", [None, "threads.sqlite"])
def test_a_crashed_thread_keeps_the_results_of_calls_that_had_ended(
    flavor: Flavor, database: str | None, tmp_path: Path
) -> None:
    shop = Shop(flavor)

    def crash() -> str:
        time.sleep(0.3)  # let the charge end first
        raise SystemError

    tools = [flavor.tool(shop.charge), flavor.tool(crash)]
    model = ScriptedChatModel([[call("charge"), call("crash")], "I am back."])
    builder = bot_graph(model, ResilientToolNode(tools, handle_tool_errors=False))
    bot = Bot(flavor, builder, database and tmp_path / database)
    with pytest.raises(SystemError):
        bot.run(saying("pay"))
    bot.repair()
    messages = bot.run({"messages": []})

    assert [message.content[:9] for message in messages] == ["pay", "", "charged", "No result", "I am back"]
    assert shop.done == ["charge"]


def test_after_a_message_that_the_model_has_refused_already_the_results_are_still_found(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge")], "Here I am."])
    bot = Bot(flavor, bot_graph(model, shop.tools))
    bot.run(saying("pay"))
    for _ in range(2):
        with pytest.raises(ValueError, match="every tool call must be answered"):
            bot.run(saying("hello?"))
    bot.repair()
    messages = bot.run(saying("and now?"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "human", "human", "human", "ai"]
    assert messages[3].content == "charged"


def test_a_second_repair_does_nothing(flavor: Flavor) -> None:
    shop = Shop(flavor)
    bot = Bot(flavor, bot_graph(ScriptedChatModel([[call("approve"), call("charge")]]), shop.tools))
    bot.run(saying("pay"))
    bot.repair()
    before = bot.snapshot()

    assert bot.repair() == []
    assert bot.snapshot() == before


def test_a_whole_thread_is_left_alone_and_one_that_does_not_exist_too(flavor: Flavor) -> None:
    bot = Bot(flavor, bot_graph(ScriptedChatModel([call("charge"), "Done."]), Shop(flavor).tools))
    assert bot.repair() == []
    bot.run(saying("pay"))
    before = bot.snapshot()

    assert bot.repair() == []
    assert bot.snapshot() == before


def test_a_thread_in_which_all_calls_had_ended_is_closed_with_their_results(flavor: Flavor) -> None:
    shop = Shop(flavor)

    def breaks(state: Any) -> str:
        raise SystemError

    builder = StateGraph(MessagesState).add_node("model", thinking(ScriptedChatModel([call("charge"), "Done."])))
    builder.add_node("tools", ToolNode(shop.tools)).add_edge(START, "model")
    builder.add_conditional_edges("model", route_tool_calls).add_conditional_edges("tools", breaks, ["model"])
    bot = Bot(flavor, builder)
    with pytest.raises(SystemError):
        bot.run(saying("pay"))
    bot.repair()

    check_history(bot.snapshot().values["messages"])
    assert bot.run({"messages": []})[-1].content == "Done."


class Cart(MessagesState):
    items: Annotated[list[str], add]


def test_what_ended_calls_wrote_to_other_fields_is_kept(flavor: Flavor) -> None:
    def pack(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return [
            Command(update={"items": ["book"]}),
            Command(update={"messages": [ToolMessage("packed", tool_call_id=tool_call_id)]}),
        ]

    model = ScriptedChatModel([[call("approve"), call("pack")], "As you like."])
    builder = StateGraph(Cart).add_node("model", thinking(model)).add_edge(START, "model")
    builder.add_node("tools", ToolNode([flavor.tool(Shop(flavor).approve), flavor.tool(pack)]))
    builder.add_conditional_edges("model", route_tool_calls).add_edge("tools", "model")
    bot = Bot(flavor, builder)
    bot.run(saying("pay"))
    bot.repair()
    values = bot.snapshot().values

    assert values["items"] == ["book"]
    assert [message.content[:9] for message in values["messages"][2:]] == ["No result", "packed"]


def test_an_answer_that_its_tool_wrote_apart_from_other_messages_is_still_found(flavor: Flavor) -> None:
    def pack(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return [
            Command(update={"messages": [SystemMessage("A box was used.")]}),
            Command(update={"messages": [ToolMessage("packed", tool_call_id=tool_call_id)]}),
        ]

    tools = ToolNode([flavor.tool(Shop(flavor).approve), flavor.tool(pack)])
    model = ScriptedChatModel([[call("approve"), call("pack")], "As you like."])
    builder = StateGraph(MessagesState).add_node("model", thinking(model)).add_node("tools", tools)
    builder.add_edge(START, "model").add_conditional_edges("model", route_tool_calls).add_edge("tools", "model")
    bot = Bot(flavor, builder)
    bot.run(saying("pay"))
    with pytest.raises(ValueError, match="every tool call must be answered"):
        bot.run(saying("hello?"))

    assert [answer.content[:9] for answer in bot.repair()] == ["No result", "packed"]


class Text(TypedDict):
    text: str


class TextAndMessages(MessagesState):
    text: str


def test_another_node_can_write_where_the_input_has_no_messages() -> None:
    def ask(state: Any) -> dict[str, Any]:
        return {"messages": [HumanMessage(state["text"]), asking_for("charge")]}

    builder: Any = StateGraph(TextAndMessages, input_schema=Text)
    builder.add_node("ask", ask).add_edge(START, "ask")
    graph = builder.compile(checkpointer=InMemorySaver())
    graph.invoke({"text": "pay"}, THREAD)
    repair_thread(graph, THREAD, as_node="ask")

    assert shape_of(graph.get_state(THREAD).values["messages"]) == ["human", "ai", "c1"]


def test_a_graph_whose_state_is_a_list_is_repaired() -> None:
    builder: Any = StateGraph(Annotated[list[AnyMessage], add_messages])
    builder.add_node("model", lambda messages: [asking_for("charge")]).add_edge(START, "model")
    graph = builder.compile(checkpointer=InMemorySaver())
    graph.invoke([HumanMessage("pay")], THREAD)

    assert len(repair_thread(graph, THREAD)) == 1
    assert shape_of(graph.get_state(THREAD).values) == ["human", "ai", "c1"]


def test_a_wrong_key_is_refused(flavor: Flavor) -> None:
    graph = bot_graph(ScriptedChatModel(["Hi."]), []).compile(checkpointer=InMemorySaver())
    graph.invoke(saying("hi"), THREAD)

    with pytest.raises(ValueError, match="'chat'"):
        repair_thread(graph, THREAD, messages_key="chat")


def test_an_agent_of_langchain_is_repaired(flavor: Flavor) -> None:
    agents = pytest.importorskip("langchain.agents")
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge")], "As you like."])

    class Built:
        def compile(self, *, checkpointer: Any) -> Any:
            return agents.create_agent(model, shop.tools, checkpointer=checkpointer)

    bot = Bot(flavor, Built())
    bot.run(saying("pay"))
    bot.repair()
    messages = bot.run(saying("never mind"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "human", "ai"]
    assert messages[3].content == "charged"
    assert isinstance(messages[-1], AIMessage)
    assert shop.done == ["charge"]
