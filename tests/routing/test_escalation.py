"""Another node takes over after too many failures in one turn."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition

from agent_tools import ResilientToolNode, ToolErrorHandler
from agent_tools._core.turn import marked
from agent_tools.routing import escalation_edge, repair_node, route_tool_calls
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import Bot, Shop, asking_for, saying, shape_of, thinking
from tests.support.toolbox import AT_ONCE, Flavor


def failed(count: int) -> list[Any]:
    return [*asking_and_answered(*["error"] * count)]


def asking_and_answered(*statuses: Any) -> list[Any]:
    facts = {"category": "retryable", "attempts": 3}
    answers = [
        ToolMessage(
            "as it is",
            tool_call_id=f"c{number}",
            status=status,
            additional_kwargs=marked(facts, None) if status == "error" else {},
        )
        for number, status in enumerate(statuses, start=1)
    ]
    return [asking_for(*["lookup"] * len(statuses)), *answers]


HISTORIES = [
    ([HumanMessage("hi")], "model"),
    ([], "model"),
    ([HumanMessage("hi"), *failed(1), *failed(1)], "model"),
    ([HumanMessage("hi"), *failed(1), *failed(1), *failed(1)], "human"),
    ([HumanMessage("hi"), *failed(3)], "human"),
    ([HumanMessage("hi"), *failed(5)], "human"),
    ([HumanMessage("hi"), *asking_and_answered("error", "success", "error")], "model"),
    ([HumanMessage("hi"), *failed(2), *asking_and_answered("success"), *failed(1)], "human"),
    ([HumanMessage("hi"), *failed(3), AIMessage("Sorry."), HumanMessage("and now?"), *failed(2)], "model"),
    ([HumanMessage("hi"), *failed(3), HumanMessage("from the application"), *failed(2)], "human"),
    (
        [HumanMessage("hi"), *[asking_for("lookup"), ToolMessage("blocked", tool_call_id="c1", status="error")] * 3],
        "model",
    ),
    ([HumanMessage("hi"), *failed(2), AIMessage("Hm."), SystemMessage("Go on."), *failed(1)], "human"),
    ([*failed(3)], "human"),
    ([HumanMessage("hi"), *failed(3), *asking_and_answered("success") * 110], "model"),
]


@pytest.mark.parametrize(("messages", "node"), HISTORIES)
def test_failures_since_the_last_human_message_count_within_the_look_back(messages: list[Any], node: str) -> None:
    assert escalation_edge(after=3)({"messages": messages}) == node


def test_names_and_key_are_configured() -> None:
    edge = escalation_edge(after=1, to="desk", otherwise="agent", messages_key="chat")

    assert edge({"chat": [HumanMessage("hi"), *failed(1)]}) == "desk"
    assert edge({"chat": [HumanMessage("hi")]}) == "agent"


@pytest.mark.parametrize("after", [0, -1, 0.5, True])
def test_less_than_one_failure_is_refused(after: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"after must be .*at least 1, not {after}"):
        escalation_edge(after=after)


def test_tasks_of_one_step_that_see_only_their_own_answer_go_the_same_way() -> None:
    before = [HumanMessage("hi"), *failed(2)]
    asking, one, two = asking_and_answered("error", "success")
    edge = escalation_edge(after=3)

    assert edge({"messages": [*before, asking, one]}) == edge({"messages": [*before, asking, two]}) == "model"
    assert edge({"messages": [*before, asking, one, two]}) == "human"


def _bot(flavor: Flavor, model: Any, *, route: Any, joined: bool) -> Bot:
    tools = ResilientToolNode(Shop(flavor).tools, policy=AT_ONCE)
    builder = StateGraph(MessagesState).add_node("model", thinking(model)).add_node("tools", tools)
    builder.add_node("human", lambda state: {"messages": [AIMessage("A colleague takes over.")]})
    builder.add_conditional_edges("model", route).add_edge("human", END)
    if joined:
        builder.add_node("repair", repair_node()).add_edge("tools", "repair").add_edge(START, "repair")
        return Bot(flavor, builder.add_conditional_edges("repair", escalation_edge(after=3)))
    return Bot(flavor, builder.add_edge(START, "model").add_conditional_edges("tools", escalation_edge(after=3)))


@pytest.mark.parametrize(
    ("route", "joined"), [(tools_condition, False), (tools_condition, True), (route_tool_calls, True)]
)
def test_three_failures_in_parallel_lead_to_a_human_at_once(flavor: Flavor, route: Any, *, joined: bool) -> None:
    model = ScriptedChatModel([[call("fail"), call("fail"), call("fail")]], then=call("fail"))
    messages = _bot(flavor, model, route=route, joined=joined).run(saying("help"))

    assert messages[-1].content == "A colleague takes over."
    assert len(model.seen) == 1
    check_history(messages)


def test_directly_behind_one_task_per_call_parallel_failures_count_from_the_next_round_on(flavor: Flavor) -> None:
    model = ScriptedChatModel([[call("fail"), call("fail"), call("charge")], [call("fail"), call("charge")]], then="")
    messages = _bot(flavor, model, route=route_tool_calls, joined=False).run(saying("help"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "call_3", "ai", "call_4", "call_5", "ai"]
    assert messages[-1].content == ""

    model = ScriptedChatModel([[call("fail"), call("fail")]], then=call("fail"))
    messages = _bot(flavor, model, route=route_tool_calls, joined=False).run(saying("help"))

    assert shape_of(messages) == ["human", "ai", "call_1", "call_2", "ai", "call_3", "ai"]
    assert messages[-1].content == "A colleague takes over."


def test_the_next_turn_starts_counting_anew(flavor: Flavor) -> None:
    model = ScriptedChatModel([call("fail"), call("fail"), "Sorry.", call("fail"), "Sorry again."])
    bot = _bot(flavor, model, route=route_tool_calls, joined=True)
    bot.run(saying("help"))

    assert bot.run(saying("once more"))[-1].content == "Sorry again."


def test_the_graph_is_drawn_with_both_ways(flavor: Flavor) -> None:
    graph = _bot(flavor, None, route=route_tool_calls, joined=False).builder.compile().get_graph()

    assert {edge.target for edge in graph.edges if edge.source == "tools"} == {"human", "model"}


def test_what_our_answers_say_of_calls_that_were_not_run_counts_too(flavor: Flavor) -> None:
    model = ScriptedChatModel([call("fail"), call("fail")], then=call("fail"))
    messages = _bot(flavor, model, route=tools_condition, joined=False).run(saying("help"))

    assert [message.artifact["reason"] for message in messages if isinstance(message, ToolMessage)] == [
        "not_retried",
        "not_retried",
        "repeated",
    ]
    assert messages[-1].content == "A colleague takes over."


@pytest.mark.parametrize(("failures", "node"), [(2, "done"), (3, "human")])
def test_it_stands_behind_an_agent_of_langchain_as_well(flavor: Flavor, failures: int, node: str) -> None:
    handler = ToolErrorHandler(policy=AT_ONCE)

    @wrap_tool_call
    def wrap(request: Any, execute: Any) -> Any:
        return handler.wrap_tool_call(request, execute)

    @wrap_tool_call
    async def awrap(request: Any, execute: Any) -> Any:
        return await handler.awrap_tool_call(request, execute)

    model = ScriptedChatModel([call("fail")] * failures, then="I cannot do it.")
    agent = create_agent(model, Shop(flavor).tools, middleware=[awrap if flavor.is_async else wrap])
    builder = StateGraph(MessagesState).add_node("agent", agent).add_edge(START, "agent")
    for name in ("human", "done"):
        builder.add_node(name, lambda state, name=name: {"messages": [AIMessage(name)]})
    builder.add_conditional_edges("agent", escalation_edge(after=3, otherwise="done"))
    messages = flavor.run(builder.compile(), saying("help"))["messages"]

    assert messages[-1].content == node
