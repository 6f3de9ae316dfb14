"""One task per call, so that finished calls do not run again."""

import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import InjectedState, ToolNode, tools_condition
from langgraph.types import Command, Send
from pydantic import BaseModel

from agent_tools.routing import route_tool_calls, route_tool_calls_to
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import Bot, Shop, asking_for, bot_graph, invalid_call, saying, shape_of, thinking
from tests.support.toolbox import Flavor, untraced


class PydanticState(BaseModel):
    messages: Annotated[list[AnyMessage], add_messages]


@dataclass
class DataclassState:
    messages: list[AnyMessage]


def states(message: AnyMessage) -> list[tuple[Any, str]]:
    return [
        ([message], "messages"),
        ({"messages": [message]}, "messages"),
        ({"chat": [message]}, "chat"),
        (PydanticState(messages=[message]), "messages"),
        (DataclassState(messages=[message]), "messages"),
    ]


@pytest.mark.parametrize(("state", "key"), states(asking_for("charge", "lookup")))
def test_each_call_gets_a_task_of_its_own(state: Any, key: str) -> None:
    one, two = route_tool_calls(state, key)

    assert (one.node, [made["name"] for made in one.arg]) == ("tools", ["charge"])
    assert (two.node, [made["name"] for made in two.arg]) == ("tools", ["lookup"])
    assert tools_condition(state, key) == "tools"


@pytest.mark.parametrize(("state", "key"), states(AIMessage("Done.")))
def test_without_calls_the_run_ends(state: Any, key: str) -> None:
    assert route_tool_calls(state, messages_key=key) == tools_condition(state, messages_key=key) == END


def test_a_human_message_at_the_end_ends_the_run_as_with_tools_condition() -> None:
    assert route_tool_calls([HumanMessage("hi")]) == tools_condition([HumanMessage("hi")]) == END


@pytest.mark.parametrize("state", [{"messages": []}, {}, {"chat": [AIMessage("")]}, []])
def test_a_state_without_messages_is_refused_by_the_name_of_the_key(state: Any) -> None:
    with pytest.raises(ValueError, match="'messages'"):
        route_tool_calls(state)


def test_other_names_of_nodes_and_key_are_configured_once() -> None:
    route = route_tool_calls_to("my_tools", invalid="unreadable", otherwise="goodbye", messages_key="chat")
    half = AIMessage("", tool_calls=asking_for("charge").tool_calls, invalid_tool_calls=[invalid_call()])

    assert route({"chat": [AIMessage("Done.")]}) == "goodbye"
    assert route({"chat": [half]}) == [Send("my_tools", [half.tool_calls[0]]), "unreadable"]


def _edges(route: Any, *path_map: Any) -> set[tuple[str, str, bool]]:
    builder = StateGraph(MessagesState).add_node("model", thinking(None)).add_node("tools", ToolNode([]))
    builder.add_edge(START, "model").add_conditional_edges("model", route, *path_map).add_edge("tools", "model")
    return {(edge.source, edge.target, edge.conditional) for edge in builder.compile().get_graph().edges}


def test_the_graph_is_drawn_as_with_tools_condition() -> None:
    assert _edges(route_tool_calls) == _edges(tools_condition)
    assert _edges(route_tool_calls_to("tools")) == _edges(tools_condition)
    assert _edges(route_tool_calls, ["tools", END]) == _edges(tools_condition)


def test_a_name_that_no_node_has_is_refused_when_the_graph_is_compiled() -> None:
    with pytest.raises(ValueError, match="my_tools"):
        _edges(route_tool_calls_to("my_tools"))


@pytest.mark.parametrize("database", [None, "threads.sqlite"])
def test_after_an_interrupt_calls_that_had_ended_do_not_run_again(
    flavor: Flavor, database: str | None, tmp_path: Path
) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("approve"), call("charge"), call("lookup")], "All done."])
    bot = Bot(flavor, bot_graph(model, shop.tools), database and tmp_path / database)

    bot.run(saying("pay"))
    assert sorted(shop.done) == ["charge", "lookup"]
    messages = bot.run(Command(resume="Ada"))

    assert sorted(shop.done) == ["charge", "lookup"]
    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "call_3", "ai"]
    assert [message.content for message in messages[2:5]] == ["approved by Ada", "charged", "found"]


def test_tools_see_the_state_of_the_graph(flavor: Flavor) -> None:
    def count(messages: Annotated[list[AnyMessage], InjectedState("messages")]) -> str:
        return str(len(messages))

    bot = Bot(flavor, bot_graph(ScriptedChatModel([[call("count"), call("count")], "Two."]), [flavor.tool(count)]))

    assert [message.content for message in bot.run(saying("how many?"))[2:4]] == ["2", "2"]


def test_the_model_is_asked_once_for_all_answers(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("charge"), call("fail"), call("lookup")], "Fine."])
    messages = Bot(flavor, bot_graph(model, shop.tools)).run(saying("go"))

    assert len(model.seen) == 2
    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "call_3", "ai"]


def _process_that(folder: Path, *actions: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.routing.killed", str(folder), *actions]
    return subprocess.run(  # our own module
        command, cwd=root, env=untraced(), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.long
def test_after_kill_9_calls_that_had_ended_do_not_run_again(tmp_path: Path) -> None:
    answers = {"resume": "found", "repair": "No result was recorded"}
    (tmp_path / "start").mkdir()
    died = _process_that(tmp_path, "start")
    assert died.returncode == -signal.SIGKILL, died.stderr
    for action in answers:
        shutil.copytree(tmp_path / "start", tmp_path / action)
    again = _process_that(tmp_path, *answers)
    assert again.returncode == 0, again.stderr

    for action, answer in answers.items():
        assert (tmp_path / action / "ledger").read_text() == "charged\n"
        _, _, charged, other, *_ = (tmp_path / action / "history").read_text().splitlines()
        assert charged == "call_1 charged"
        assert other.startswith(f"call_2 {answer}")


def test_a_bot_in_a_graph_with_memory_talks_on_after_a_resume(flavor: Flavor) -> None:
    shop = Shop(flavor)
    model = ScriptedChatModel([[call("charge"), call("approve")], "Done.", "Bye."])
    graph = bot_graph(model, shop.tools).compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "2"}}
    flavor.run(graph, saying("pay"), thread)
    flavor.run(graph, Command(resume="Ada"), thread)

    check_history(flavor.run(graph, saying("bye"), thread)["messages"])
    assert shop.done == ["charge"]
