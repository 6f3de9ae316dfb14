"""Finished calls do not run again, however often their node is resumed."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langgraph.channels import UntrackedValue
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode, tool_node
from agent_tools._langgraph import recorder
from agent_tools.testing import ScriptedChatModel
from tests.support.shop import KilledError, Shop
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, asking, graph_of, graph_with, http_error

THREAD: Any = {"configurable": {"thread_id": "1"}}
CHARGE_AND_TWO = asking(("charge", {}), ("close", {"owner": "Ann"}), ("close", {"owner": "Bob"}))


def said(state: Any, key: str = "messages") -> list[Any]:
    return [message.content for message in state[key] if isinstance(message, ToolMessage)]


def approved(flavor: Flavor, graph: Any, state: Any, config: Any = THREAD, **options: Any) -> tuple[list[str], Any]:
    """Answer each question with a plain "yes"; return the questions and the final state."""
    asked = []
    state = flavor.run(graph, state, config, **options)
    while "__interrupt__" in state:
        (question,) = state["__interrupt__"]
        asked.append(question.value)
        state = flavor.run(graph, Command(resume=f"yes to {question.value}"), config, **options)
    return asked, state


def in_one_node(flavor: Flavor, tools: Any) -> Any:
    return graph_of(tools, checkpointer=InMemorySaver())


def in_a_loop(flavor: Flavor, tools: Any) -> Any:
    model = ScriptedChatModel([CHARGE_AND_TWO["messages"][-1], "Done."])

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState).add_node("model", think).add_node("tools", ResilientToolNode(tools))
    builder.add_edge(START, "model").add_conditional_edges("model", tools_condition).add_edge("tools", "model")
    return builder.compile(checkpointer=InMemorySaver())


def in_a_sequence(flavor: Flavor, tools: Any) -> Any:
    return graph_with(RunnableLambda(lambda state: state) | ResilientToolNode(tools), checkpointer=InMemorySaver())


def in_a_subgraph(flavor: Flavor, tools: Any) -> Any:
    return graph_with(graph_with(ResilientToolNode(tools)), checkpointer=InMemorySaver())


def in_a_function(flavor: Flavor, tools: Any) -> Any:
    return graph_with(in_a_function_of(flavor, ResilientToolNode(tools)), checkpointer=InMemorySaver())


def in_a_function_of(flavor: Flavor, node: ResilientToolNode) -> Any:
    def by_hand(state: MessagesState) -> Any:
        return node.invoke(state)

    async def aby_hand(state: MessagesState) -> Any:
        return await node.ainvoke(state)

    return aby_hand if flavor.is_async else by_hand


@pytest.mark.parametrize("durability", ["sync", "exit"])
@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("wiring", [in_one_node, in_a_loop, in_a_sequence, in_a_subgraph, in_a_function])
def test_a_charge_beside_two_questions_runs_once(
    flavor: Flavor, wiring: Callable[..., Any], limit: int | None, durability: Any
) -> None:
    shop = Shop(flavor)
    config = THREAD if limit is None else {**THREAD, "max_concurrency": limit}
    graph = wiring(flavor, shop.tools)
    start: Any = {"messages": [HumanMessage("help")]} if wiring is in_a_loop else CHARGE_AND_TWO
    asked, state = approved(flavor, graph, start, config, durability=durability)

    assert asked == ["close Ann?", "close Bob?"]
    assert said(state) == ["charged", "Ann: yes to close Ann?", "Bob: yes to close Bob?"]
    assert shop.runs == {"charge": 1, "Ann": 1, "Bob": 1}


def test_a_retry_beside_a_question_is_made_once(flavor: Flavor) -> None:
    service = Flaky([http_error(503)])

    def charge() -> str:
        return str(service())

    def close() -> str:
        return str(interrupt("close?"))

    graph = graph_of([flavor.tool(charge), flavor.tool(close)], checkpointer=InMemorySaver())
    _, state = approved(flavor, graph, asking(("charge", {}), ("close", {})))

    assert said(state) == ["done", "yes to close?"]
    assert service.runs == 2


@pytest.mark.parametrize("shape", ["custom key", "list"])
def test_other_shapes_of_state_are_recorded_too(flavor: Flavor, shape: str) -> None:
    class Chat(TypedDict):
        chat: Annotated[list[Any], add_messages]

    shop = Shop(flavor)
    key = "chat" if shape == "custom key" else "messages"
    builder: Any = StateGraph(Chat if shape == "custom key" else Annotated[list[Any], add_messages])
    builder.add_node("tools", ResilientToolNode(shop.tools, messages_key=key)).add_edge(START, "tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    messages = CHARGE_AND_TWO["messages"]
    state: Any = flavor.run(graph, {"chat": messages} if shape == "custom key" else messages, THREAD)
    for _ in range(2):
        state = flavor.run(graph, Command(resume="yes"), THREAD)

    answers = [each.content for each in (state["chat"] if shape == "custom key" else state)[2:]]
    assert answers == ["charged", "Ann: yes", "Bob: yes"]
    assert shop.runs["charge"] == 1


def test_a_node_that_is_told_so_records_nothing(flavor: Flavor) -> None:
    shop = Shop(flavor)
    graph = graph_of(shop.tools, checkpointer=InMemorySaver(), record=False)
    calls = asking(("charge", {}), ("close", {"owner": "Ann"}))
    approved(flavor, graph, calls)
    assert shop.runs["charge"] == 2  # as under ToolNode


def test_a_single_call_is_recorded_where_the_node_is_told_so(flavor: Flavor) -> None:
    shop = Shop(flavor)
    node = ResilientToolNode(shop.tools, record=True)

    def by_hand(state: MessagesState) -> Any:
        answers = node.invoke(state)
        interrupt("publish?")
        return answers

    async def aby_hand(state: MessagesState) -> Any:
        answers = await node.ainvoke(state)
        interrupt("publish?")
        return answers

    graph = graph_with(aby_hand if flavor.is_async else by_hand, checkpointer=InMemorySaver())
    asked, state = approved(flavor, graph, asking(("charge", {})))
    assert (asked, said(state)) == (["publish?"], ["charged"])
    assert shop.runs["charge"] == 1


def test_commands_are_recorded_whole(flavor: Flavor) -> None:
    runs = []

    def note() -> Any:
        runs.append("note")
        return Command(update={"messages": [ToolMessage("noted", tool_call_id="c1")]}, goto="after")

    def close() -> str:
        return str(interrupt("close?"))

    visited = []

    def after(state: MessagesState) -> None:
        visited.append(said(state))

    builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([flavor.tool(note), flavor.tool(close)]))
    graph = builder.add_node("after", after).add_edge(START, "tools").compile(checkpointer=InMemorySaver())
    _, state = approved(flavor, graph, asking(("note", {}), ("close", {})))

    assert said(state) == ["noted", "yes to close?"]
    assert runs == ["note"]
    assert visited == [["noted", "yes to close?"]]


@pytest.mark.parametrize("durability", ["sync", "exit"])
def test_what_cannot_be_saved_is_passed_on_as_under_a_tool_node(
    flavor: Flavor, durability: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Connected(MessagesState):
        connection: Annotated[Any, UntrackedValue(Any)]

    def connection() -> str:
        return "open"

    def connect() -> Any:
        return Command(update={"connection": connection, "messages": [ToolMessage("connected", tool_call_id="c1")]})

    shop = Shop(flavor)
    builder = StateGraph(Connected).add_node("tools", ResilientToolNode([flavor.tool(connect), *shop.tools]))
    graph = builder.add_edge(START, "tools").compile(checkpointer=InMemorySaver())
    calls = asking(("connect", {}), ("charge", {}), ("close", {"owner": "Ann"}))
    _, state = approved(flavor, graph, calls, durability=durability)
    assert said(state) == ["connected", "charged", "Ann: yes to close Ann?"]
    assert state["connection"] is connection
    assert shop.runs["charge"] == 1
    assert "the result of connect cannot be saved (TypeError)" in caplog.text


def test_a_call_that_failed_for_good_is_not_run_again(flavor: Flavor) -> None:
    service = Flaky([http_error(404)] * 3)

    def look_up() -> str:
        return str(service())

    def close() -> str:
        return str(interrupt("close?"))

    graph = graph_of([flavor.tool(look_up), flavor.tool(close)], checkpointer=InMemorySaver())
    _, state = approved(flavor, graph, asking(("look_up", {}), ("close", {})))
    assert [answer.status for answer in answers_in(state)] == ["error", "success"]
    assert service.runs == 1


@pytest.mark.parametrize("is_inside", [False, True], ids=["", "graph inside"])
def test_an_answer_by_id_that_a_crash_took_is_asked_for_again(flavor: Flavor, is_inside: bool) -> None:
    """LangGraph keeps the plain answer to the question before, and nothing of one by id."""
    is_killed, answers = False, []

    def close(owner: str) -> str:
        if is_killed:
            raise KilledError
        answers.append((owner, interrupt(f"close {owner}?")))
        return "closed"

    node = ResilientToolNode([flavor.tool(close)])
    saver = InMemorySaver()
    graph = graph_with(graph_with(node) if is_inside else node, checkpointer=saver)
    flavor.run(graph, asking(("close", {"owner": "Ann"}), ("close", {"owner": "Bob"})), THREAD)
    state = flavor.run(graph, Command(resume="yes to close Ann?"), THREAD)
    (question,) = state["__interrupt__"]
    is_killed = True
    with pytest.raises(KilledError):
        flavor.run(graph, Command(resume={question.id: "no to close Bob?"}), THREAD)
    is_killed = False

    state = flavor.run(graph, None, THREAD)
    assert [each.value for each in state["__interrupt__"]] == ["close Bob?"]
    flavor.run(graph, Command(resume="no to close Bob?"), THREAD)
    assert answers == [("Ann", "yes to close Ann?"), ("Bob", "no to close Bob?")]


def test_a_question_of_the_function_behind_the_calls_gets_the_answer_to_it(flavor: Flavor) -> None:
    shop = Shop(flavor)
    node, got = ResilientToolNode(shop.tools), []

    def step(state: MessagesState) -> Any:
        answers = node.invoke(state)
        got.append(interrupt("publish?"))
        return answers

    async def astep(state: MessagesState) -> Any:
        answers = await node.ainvoke(state)
        got.append(interrupt("publish?"))
        return answers

    graph = graph_with(astep if flavor.is_async else step, checkpointer=InMemorySaver())
    asked, state = approved(flavor, graph, CHARGE_AND_TWO)
    assert asked == ["close Ann?", "close Bob?", "publish?"]
    assert got == ["yes to publish?"]
    assert said(state) == ["charged", "Ann: yes to close Ann?", "Bob: yes to close Bob?"]


@pytest.mark.parametrize("by_id", [False, True])
@pytest.mark.parametrize("ours_first", [True, False])
def test_a_thread_may_change_between_a_tool_node_and_this_one(flavor: Flavor, ours_first: bool, by_id: bool) -> None:
    shop, saver = Shop(flavor), InMemorySaver()
    graphs = [graph_with(kind(shop.tools), checkpointer=saver) for kind in (ResilientToolNode, ToolNode)]
    first, second = graphs if ours_first else reversed(graphs)
    state = flavor.run(first, asking(("charge", {}), ("close", {"owner": "Ann"})), THREAD)
    (question,) = state["__interrupt__"]
    state = flavor.run(second, Command(resume={question.id: "no"} if by_id else "no"), THREAD)
    if by_id and ours_first:  # the other kind of node has other ids: it asks again
        (question,) = state["__interrupt__"]
        state = flavor.run(second, Command(resume={question.id: "no"}), THREAD)
    assert said(state) == ["charged", "Ann: no"]


@pytest.mark.parametrize("mode", ["updates", "messages", "custom"])
@pytest.mark.parametrize("limit", [1, 2])
def test_calls_are_run_where_nodes_take_all_places_of_the_step(flavor: Flavor, mode: Any, limit: int) -> None:
    if not flavor.is_async and limit == 1 and mode != "updates":
        pytest.skip("LangGraph itself waits forever: it streams in a thread of its own")
    shop = Shop(flavor)
    builder = StateGraph(MessagesState)
    for name in ("one", "two", "three"):
        builder.add_node(name, ResilientToolNode(shop.tools, name=name)).add_edge(START, name)
    graph = builder.compile(checkpointer=InMemorySaver())
    calls = asking(("charge", {}), ("charge", {}))
    flavor.stream(graph, calls, mode, {**THREAD, "max_concurrency": limit})
    assert shop.runs["charge"] == 6


def test_streams_show_each_answer_once_by_the_name_of_the_node(flavor: Flavor) -> None:
    shop = Shop(flavor)
    calls = asking(("charge", {}), ("charge", {}))

    def graph() -> Any:
        return graph_of(shop.tools, checkpointer=InMemorySaver())

    shown = [(part[0].id, part[1]["langgraph_node"]) for part in flavor.stream(graph(), calls, "messages", THREAD)]
    assert len(set(shown)) == len(shown) == 2
    assert {name for _, name in shown} == {"tools"}
    updates = flavor.stream(graph(), calls, "updates", THREAD)
    ids = [answer.id for update in updates for answer in update["tools"]["messages"]]
    assert len(ids) == 4
    assert len(set(ids)) == 2
    assert flavor.stream(graph(), calls, "values", THREAD)[-1]["messages"][-1].content == "charged"


@pytest.mark.anyio
async def test_a_cancellation_reaches_recorded_calls_at_once() -> None:
    started, canceled = asyncio.Event(), []

    async def work() -> str:
        """Work."""
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            canceled.append("work")
            raise
        return "done"

    graph = graph_of([work], checkpointer=InMemorySaver())
    run = asyncio.create_task(graph.ainvoke(asking(("work", {}), ("work", {})), THREAD))
    await started.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert canceled == ["work", "work"]


def test_an_error_of_the_developer_is_raised_once_all_calls_have_ended(flavor: Flavor) -> None:
    shop = Shop(flavor)
    fails = Flaky([KeyError("x")])

    def broken() -> str:
        return str(fails())

    graph = graph_of(
        [flavor.tool(broken), *shop.tools], checkpointer=InMemorySaver(), handle_tool_errors=False, policy=AT_ONCE
    )
    with pytest.raises(KeyError):
        flavor.run(graph, asking(("broken", {}), ("charge", {})), THREAD)
    state = flavor.run(graph, None, THREAD)
    assert said(state) == ["done", "charged"]
    assert shop.runs["charge"] == 1


def test_a_run_that_is_stopped_leaves_no_call_waiting_for_those_that_never_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tool_node, "_THREADS", 2)
    asks, may_die = threading.Event(), iter([True])

    def act(kind: str) -> str:
        """Act."""
        if kind == "ask":
            asks.set()
            return str(interrupt("may I?"))
        if kind == "die" and next(may_die, False):
            asks.wait()
            raise KilledError
        time.sleep(0.1)  # it holds the only free thread: the next call begins after the run
        return "done"

    graph = graph_of([act], checkpointer=InMemorySaver())
    calls = [("act", {"kind": kind}) for kind in ("die", "ask", "slow", "slow")]
    with pytest.raises(KilledError):
        graph.invoke(asking(*calls), THREAD)

    assert "__interrupt__" in graph.invoke(None, THREAD)
    assert said(graph.invoke(Command(resume="yes"), THREAD)) == ["done", "yes", "done", "done"]


def test_more_calls_than_threads_ask_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_node, "_THREADS", 2)
    monkeypatch.setattr(recorder, "_PATIENCE", 0.05)
    flavor = Flavor(is_async=False)
    calls = [("close", {"owner": owner}) for owner in ("Ann", "Bob", "Cyd")]

    asked, state = approved(flavor, in_one_node(flavor, Shop(flavor).tools), asking(*calls))

    assert sorted(asked) == ["close Ann?", "close Bob?", "close Cyd?"]
    assert said(state) == [f"{owner}: yes to close {owner}?" for owner in ("Ann", "Bob", "Cyd")]


def test_calls_of_one_id_ask_and_are_answered_each_for_itself(flavor: Flavor) -> None:
    shop = Shop(flavor)
    message = CHARGE_AND_TWO["messages"][-1]
    for call_id in ("x", ""):
        calls = [{**call, "id": call_id} for call in message.tool_calls]
        graph = graph_of(shop.tools, checkpointer=InMemorySaver())
        asked, state = approved(flavor, graph, {"messages": [AIMessage("", tool_calls=calls)]})
        assert asked == ["close Ann?", "close Bob?"]
        assert said(state) == ["charged", "Ann: yes to close Ann?", "Bob: yes to close Bob?"]
