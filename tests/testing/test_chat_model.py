"""The scripted model works in a graph like a provider's model."""

import functools
import operator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from agent_tools import testing
from agent_tools.testing import ScriptedChatModel, call
from agent_tools.testing._script import Step
from tests.support.toolbox import Flavor, Graph

THREAD = {"configurable": {"thread_id": "t"}}


@tool
def get_order(order_id: str) -> str:
    """Tell where an order is."""
    return f"{order_id} is shipped"


@tool
def get_customer(customer_id: int) -> str:
    """Tell who a customer is."""
    return f"{customer_id} is Ada"


TOOLS = [get_order, get_customer]


def bot(model: ScriptedChatModel, flavor: Flavor) -> Graph:
    bound = model.bind_tools(TOOLS)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    async def aask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("model", aask if flavor.is_async else ask)
    graph.add_node("tools", ToolNode(TOOLS))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile(checkpointer=InMemorySaver())


def talk(model: ScriptedChatModel, flavor: Flavor, *said: str) -> list[BaseMessage]:
    graph = bot(model, flavor)
    states = [flavor.run(graph, {"messages": text}, THREAD) for text in said]
    messages: list[BaseMessage] = states[-1]["messages"]
    return messages


def summed(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    return functools.reduce(operator.add, chunks)


PARALLEL = [call("get_order", order_id="A-1"), call("get_customer", customer_id=7)]


def test_calls_are_made_and_their_answers_used(flavor: Flavor) -> None:
    model = ScriptedChatModel([call("get_order", order_id="A-1"), lambda messages: f"Good news: {messages[-1].text}!"])
    messages = talk(model, flavor, "where is A-1?")
    assert [message.text for message in messages] == [
        "where is A-1?",
        "",
        "A-1 is shipped",
        "Good news: A-1 is shipped!",
    ]


def test_parallel_calls_are_all_answered(flavor: Flavor) -> None:
    messages = talk(ScriptedChatModel([PARALLEL, "done"]), flavor, "hi")
    answers = [message for message in messages if isinstance(message, ToolMessage)]
    assert [(answer.tool_call_id, answer.content) for answer in answers] == [
        ("call_1", "A-1 is shipped"),
        ("call_2", "7 is Ada"),
    ]


def test_ids_of_calls_and_messages_are_new_in_every_turn(flavor: Flavor) -> None:
    model = ScriptedChatModel([], then=lambda messages: "ok" if isinstance(messages[-1], ToolMessage) else PARALLEL)
    messages = talk(model, flavor, "one", "two", "three")
    made = [
        tool_call["id"] for message in messages if isinstance(message, AIMessage) for tool_call in message.tool_calls
    ]
    assert made == [f"call_{number}" for number in range(1, 7)]
    assert len({message.id for message in messages}) == len(messages) == 15


def test_ids_do_not_repeat_what_an_older_model_said() -> None:
    history = [AIMessage("", tool_calls=[{**PARALLEL[0], "id": "call_1"}]), ToolMessage("ok", tool_call_id="call_1")]
    assert ScriptedChatModel([PARALLEL[0]]).invoke(history).tool_calls[0]["id"] == "call_2"


def test_ids_that_the_script_names_are_kept() -> None:
    said = AIMessage("", tool_calls=[{**PARALLEL[0], "id": "fixed"}], id="m1")
    answer = ScriptedChatModel([said]).invoke("hi")
    assert (answer.id, answer.tool_calls[0]["id"]) == ("m1", "fixed")


def test_a_message_that_is_said_again_has_a_new_id() -> None:
    model = ScriptedChatModel([], then=AIMessage("hm", id="m1"))
    first = model.invoke("hi")
    assert model.invoke([first, HumanMessage("and?")]).id != first.id == "m1"


def test_what_the_graph_does_to_a_message_does_not_change_the_script() -> None:
    model = ScriptedChatModel([], then=call("get_order", order_id="A-1"))
    model.invoke("hi").tool_calls[0]["args"].clear()
    assert model.invoke("hi").tool_calls[0]["args"] == {"order_id": "A-1"}


def test_text_and_calls_are_streamed_in_pieces_through_a_graph(flavor: Flavor) -> None:
    model = ScriptedChatModel([AIMessage("Let me look.", tool_calls=PARALLEL), "All is well."])
    parts = flavor.stream(bot(model, flavor), {"messages": "hi"}, "messages", THREAD)
    chunks = [message for message, _ in parts if isinstance(message, AIMessageChunk)]
    first, last = [[chunk for chunk in chunks if chunk.id == id_] for id_ in dict.fromkeys(c.id for c in chunks)]
    assert [chunk.text for chunk in first if chunk.text] == ["Let ", "me ", "look."]
    assert [chunk.text for chunk in last if chunk.text] == ["All ", "is ", "well."]
    assert all("}" not in (piece["args"] or "")[:-1] for chunk in first for piece in chunk.tool_call_chunks)
    assert summed(first).tool_calls == [{**made, "id": f"call_{n}"} for n, made in enumerate(PARALLEL, start=1)]


SAID = [
    "plain  text,\nwith breaks ",
    "",
    call("get_order"),
    PARALLEL,
    AIMessage(
        [{"type": "text", "text": "as blocks"}],
        tool_calls=PARALLEL,
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model_name": "scripted"},
        additional_kwargs={"refusal": None},
    ),
    AIMessage("", invalid_tool_calls=[{"name": "get_order", "args": "no json", "id": None, "error": None}]),
]


@pytest.mark.parametrize("step", SAID)
@pytest.mark.anyio
async def test_streamed_pieces_add_up_to_the_message(step: Step) -> None:
    model = ScriptedChatModel([step])
    whole = model.invoke("hi")
    pieces = summed([piece async for piece in ScriptedChatModel([step]).astream("hi")])
    streamed = summed(list(ScriptedChatModel([step]).stream("hi")))
    for sum_ in (pieces, streamed):
        for name in ("content", "tool_calls", "invalid_tool_calls", "usage_metadata", "response_metadata"):
            assert getattr(sum_, name) == getattr(whole, name), name
        assert sum_.additional_kwargs == whole.additional_kwargs


def test_events_of_the_streaming_protocol_carry_calls() -> None:
    stream = ScriptedChatModel([PARALLEL]).stream_events("hi", version="v3")
    list(stream)
    assert [made["name"] for made in stream.output.tool_calls] == ["get_order", "get_customer"]


def test_bound_tools_are_recorded_as_a_provider_sees_them() -> None:
    model = ScriptedChatModel(["hi"])
    model.bind_tools([get_order])
    assert [described["function"]["name"] for described in model.tools] == ["get_order"]
    assert list(model.tools[0]["function"]["parameters"]["properties"]) == ["order_id"]


def test_what_the_model_was_given_is_kept_turn_by_turn(flavor: Flavor) -> None:
    model = ScriptedChatModel([call("get_order", order_id="A-1"), "done"])
    messages = talk(model, flavor, "hi")
    assert model.seen == [messages[:1], messages[:3]]


def test_a_script_that_is_used_up_says_how_long_it_was(flavor: Flavor) -> None:
    model = ScriptedChatModel([call("get_order", order_id="A-1")])
    with pytest.raises(RuntimeError, match="the script ended with step 1, but the model was called again"):
        talk(model, flavor, "hi")


def test_then_answers_for_ever_after_the_last_step() -> None:
    model = ScriptedChatModel(["one"], then="more")
    assert [model.invoke("hi").text for _ in range(3)] == ["one", "more", "more"]


def test_a_broken_history_is_refused_and_uses_up_no_step() -> None:
    model = ScriptedChatModel(["fine"])
    with pytest.raises(ValueError, match="no answer to 'c1'"):
        model.invoke([AIMessage("", tool_calls=[{**PARALLEL[0], "id": "c1"}])])
    assert model.invoke("hi").text == "fine"


def test_a_lenient_model_takes_any_history() -> None:
    model = ScriptedChatModel(["fine"], strict=False)
    assert model.invoke([AIMessage("", tool_calls=[{**PARALLEL[0], "id": "c1"}])]).text == "fine"


def test_threads_share_a_script_and_each_step_is_said_once() -> None:
    model = ScriptedChatModel([[call("get_order", n=n)] for n in range(200)])
    with ThreadPoolExecutor(20) as pool:
        said = [answer.tool_calls[0] for answer in pool.map(model.invoke, ["hi"] * 200)]
    assert sorted(made["args"]["n"] for made in said) == list(range(200))
    assert len({made["id"] for made in said}) == 200


def test_a_copy_of_the_model_goes_on_in_the_same_script() -> None:
    model = ScriptedChatModel(["one", "two"])
    assert [model.model_copy().invoke("hi").text, model.invoke("hi").text] == ["one", "two"]
    assert len(model.seen) == 2


@pytest.mark.parametrize(
    ("steps", "kind", "said"),
    [
        ("hi", TypeError, "steps must be a list, not 'hi'"),
        ([], ValueError, "steps must have at least one step unless `then` is given"),
        ([3], TypeError, "a step must be text, .* not 3"),
        ([[]], TypeError, r"a step must be text, .* not \[\]"),
        ([["hi"]], TypeError, "a step must be text"),
        ([{"tool": "get_order"}], TypeError, "a step must be text"),
        ([HumanMessage("hi")], TypeError, "a step must be text"),
    ],
)
def test_a_step_that_cannot_be_said_is_refused_where_it_is_written(
    steps: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        ScriptedChatModel(steps)


def test_a_callable_that_says_nothing_is_an_error() -> None:
    with pytest.raises(TypeError, match="not None"):
        ScriptedChatModel([lambda _: None]).invoke("hi")  # type: ignore[list-item, return-value]


def test_a_name_that_does_not_exist_is_no_part_of_the_package() -> None:
    assert "ScriptedChatModel" in dir(testing)
    with pytest.raises(AttributeError, match="has no attribute 'FaultyModel'"):
        _ = testing.FaultyModel
