"""Resume values reach the call that asked, if several calls share a node; see also test_interleavings.py."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool
from langgraph._internal import _constants as known
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command, Interrupt, RetryPolicy, interrupt
from pydantic import BaseModel, ValidationError

from agent_tools import ResilientToolNode
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, Graph, answers_in, asking, graph_of, graph_with, http_error

THREAD: Any = {"configurable": {"thread_id": "1"}}
TWO = asking(("first", {}), ("second", {}))

#: The most questions; a run with more is taken to ask forever.
ENOUGH = 5

Reply = Callable[[Interrupt, str], Command[Any]]
BY_ID_OR_VALUE = pytest.mark.parametrize(
    "reply",
    [lambda asked, said: Command(resume={asked.id: said}), lambda _, said: Command(resume=said)],
    ids=["by id", "by value"],
)


def contents(state: Any) -> list[Any]:
    return [answer.content for answer in answers_in(state)]


def asked_in(state: Any) -> Interrupt:
    (asked,) = state["__interrupt__"]
    assert isinstance(asked, Interrupt)
    return asked


def until_done(flavor: Flavor, graph: Graph, reply: Reply, state: Any) -> tuple[list[str], Any]:
    """Answer each question with "yes" and its text; return the questions and the final state."""
    questions = []
    state = flavor.run(graph, state, THREAD)
    while "__interrupt__" in state:
        assert len(questions) < ENOUGH
        asked = asked_in(state)
        questions.append(asked.value)
        state = flavor.run(graph, reply(asked, f"yes to {asked.value}"), THREAD)
    return questions, state


def kept_in(graph: Graph) -> list[Any]:
    """Return the resume values that LangGraph has saved for a task."""
    saved = graph.checkpointer.get_tuple(THREAD)  # type: ignore[union-attr]  # it is a saver here
    assert saved is not None
    return [value for _, channel, value in saved.pending_writes or [] if channel == known.RESUME]


def test_the_first_question_of_a_task_has_the_id_that_we_know_it_by(flavor: Flavor) -> None:
    spaces = []

    def first(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        spaces.append(config["configurable"][known.CONFIG_KEY_CHECKPOINT_NS])
        return {"messages": [str(interrupt("may I?"))]}

    graph = StateGraph(MessagesState).add_node("first", first).add_edge(START, "first").compile(InMemorySaver())

    assert asked_in(flavor.run(graph, TWO, THREAD)).id == Interrupt.from_ns(None, ns=spaces[0]).id


@BY_ID_OR_VALUE
def test_the_answer_to_a_call_that_fails_before_it_asks_again_is_given_to_no_other(
    flavor: Flavor, reply: Reply
) -> None:
    fails_once = iter([False, True, False])

    def first() -> str:
        if next(fails_once):
            raise http_error(401)
        return str(interrupt("may first?"))

    def second() -> str:
        return str(interrupt("may second?"))

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    questions, state = until_done(flavor, graph, reply, TWO)

    assert contents(state)[0].startswith("`first` was refused")  # it has ended, and is not run again
    assert contents(state)[1] == "yes to may second?"
    assert questions == ["may first?", "may second?"]


@BY_ID_OR_VALUE
@pytest.mark.parametrize("skips", [True, False], ids=["does not ask again", "asks again"])
def test_a_wrapper_that_asks_gets_the_answer_for_its_own_call(flavor: Flavor, reply: Reply, skips: bool) -> None:
    runs: Counter[str] = Counter()

    def asks(tool: str) -> str:
        runs[tool] += 1
        if skips and tool == "first" and runs[tool] == 2:
            return "not asked"
        return str(interrupt(f"may {tool}?"))

    def wrapper(request: ToolCallRequest, execute: Any) -> ToolMessage:
        return _with(asks(request.tool_call["name"]), execute(request))

    async def awrapper(request: ToolCallRequest, execute: Any) -> ToolMessage:
        return _with(asks(request.tool_call["name"]), await execute(request))

    def first() -> str:
        return "done"

    def second() -> str:
        return f"done, {interrupt('really?')}"

    tools = [flavor.tool(first), flavor.tool(second)]
    graph = graph_of(tools, checkpointer=InMemorySaver(), wrap_tool_call=wrapper, awrap_tool_call=awrapper)
    questions, state = until_done(flavor, graph, reply, TWO)

    first = "not asked" if skips else "yes to may first?"
    assert contents(state) == [f"{first}; done", "yes to may second?; done, yes to really?"]
    assert questions == ["may first?", "may second?", "really?"]


def _with(said: str, result: ToolMessage) -> ToolMessage:
    return result.model_copy(update={"content": f"{said}; {result.content}"})


@pytest.mark.anyio
async def test_calls_beside_a_wrapper_that_asks_come_to_their_end_before_the_run_stops() -> None:
    acted = []

    async def first() -> str:
        return "done"

    async def second() -> str:
        await asyncio.sleep(0.05)
        acted.append("second")
        return "done"

    async def wrapper(request: ToolCallRequest, execute: Any) -> Any:
        if request.tool_call["name"] == "first":
            interrupt("may I?")
        return await execute(request)

    tools = [StructuredTool.from_function(coroutine=body, description="Acts.") for body in (first, second)]
    await graph_of(tools, checkpointer=InMemorySaver(), awrap_tool_call=wrapper).ainvoke(TWO, THREAD)

    assert acted == ["second"]


@BY_ID_OR_VALUE
def test_an_answer_that_does_not_fit_may_be_given_again_beside_other_calls(flavor: Flavor, reply: Reply) -> None:
    class Approval(BaseModel):
        by: str

    def first() -> str:
        return str(interrupt("may first?"))

    def second() -> str:
        return f"approved by {interrupt('may second?', response_schema=Approval).by}"

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    asked = asked_in(flavor.run(graph, TWO, THREAD))
    asked = asked_in(flavor.run(graph, reply(asked, "yes"), THREAD))

    with pytest.raises(ValidationError):
        flavor.run(graph, reply(asked, "no approval"), THREAD)
    state = flavor.run(graph, reply(asked, {"by": "Ada"}), THREAD)  # type: ignore[arg-type]  # matches the schema

    assert contents(state) == ["yes", "approved by Ada"]


@BY_ID_OR_VALUE
def test_an_answer_that_was_taken_before_the_run_failed_is_given_to_that_question_only(
    flavor: Flavor, reply: Reply
) -> None:
    fails = Flaky([KeyError("x")])

    def first() -> str:
        return str(interrupt("may first?"))

    def second() -> str:
        said = interrupt("may second?")
        fails()
        return f"{said}, {interrupt('really?')}"

    tools = [flavor.tool(first), flavor.tool(second)]
    graph = graph_of(tools, checkpointer=InMemorySaver(), handle_tool_errors=False)
    asked = asked_in(flavor.run(graph, TWO, THREAD))
    asked = asked_in(flavor.run(graph, reply(asked, "yes"), THREAD))
    with pytest.raises(KeyError):
        flavor.run(graph, reply(asked, "sure"), THREAD)
    asked = asked_in(flavor.run(graph, None, THREAD))

    assert asked.value == "really?"
    assert contents(flavor.run(graph, reply(asked, "really"), THREAD)) == ["yes", "sure, really"]


def test_an_answer_that_was_taken_is_not_for_another_node(flavor: Flavor) -> None:
    fails, asking, answered = Flaky([KeyError("x")]), threading.Event(), threading.Event()

    def first() -> str:
        asking.set()
        said = str(interrupt("may first?"))
        answered.set()
        return said

    def second() -> str:
        return "done"

    def other(state: MessagesState) -> dict[str, Any]:
        (answered if fails.runs else asking).wait(10)  # the tools come first
        time.sleep(0.1)  # and let their results be saved
        fails()
        return {"messages": [str(interrupt("may the other node?"))]}

    builder = StateGraph(MessagesState).add_node("tools", ResilientToolNode([flavor.tool(first), flavor.tool(second)]))
    graph = builder.add_node("other", other).add_edge(START, "tools").add_edge(START, "other").compile(InMemorySaver())
    with pytest.raises(KeyError):
        flavor.run(graph, TWO, THREAD)
    state = flavor.run(graph, Command(resume="yes"), THREAD)

    assert asked_in(state).value == "may the other node?"


def test_the_answer_to_a_graph_inside_a_tool_is_not_for_the_tool_itself(flavor: Flavor) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [str(interrupt("from below?"))]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    runs: list[str] = []

    def first() -> str:
        runs.append("first")
        if runs == ["first"]:
            inner.invoke({"messages": []})
        return str(interrupt("may first?"))

    def second() -> str:
        return "done"

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    questions, state = until_done(flavor, graph, lambda _, said: Command(resume=said), TWO)

    assert questions == ["from below?", "may first?"]
    assert contents(state) == ["yes to may first?", "done"]


def test_the_answer_to_a_tool_itself_is_not_for_a_graph_inside_it(flavor: Flavor) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [str(interrupt("from below?"))]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    runs: list[str] = []

    def first() -> str:
        runs.append("first")
        below = inner.invoke({"messages": []})["messages"][-1].content if len(runs) > 1 else "nothing"
        return f"{below}, {interrupt('may first?')}"

    def second() -> str:
        return "done"

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    questions, state = until_done(flavor, graph, lambda _, said: Command(resume=said), TWO)

    assert questions == ["may first?", "from below?"]
    assert contents(state) == ["yes to from below?, yes to may first?", "done"]


@BY_ID_OR_VALUE
def test_the_question_of_a_graph_inside_a_tool_is_answered_beside_one_of_another_call(
    flavor: Flavor, reply: Reply
) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [str(interrupt("from below?"))]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()

    def first() -> str:
        below = inner.invoke({"messages": []})["messages"][-1].content
        return f"{below}, {interrupt('may first?')}"

    def second() -> str:
        return str(interrupt("may second?"))

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    questions, state = until_done(flavor, graph, reply, TWO)

    assert contents(state) == ["yes to from below?, yes to may first?", "yes to may second?"]
    assert questions == ["from below?", "may first?", "may second?"]


def test_an_answer_to_the_graph_inside_one_tool_does_not_reach_the_graph_inside_another(flavor: Flavor) -> None:
    fails_later = iter([False])

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [str(interrupt(f"{state['messages'][-1].content}?"))]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile(checkpointer=False)

    def first() -> str:
        if next(fails_later, True):
            raise http_error(401)
        return str(inner.invoke({"messages": ["may first"]})["messages"][-1].content)

    def second() -> str:
        time.sleep(0.05)  # the other one asks first
        return str(inner.invoke({"messages": ["may second"]})["messages"][-1].content)

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    questions, state = until_done(flavor, graph, lambda _, said: Command(resume=said), TWO)

    assert questions == ["may first?", "may second?"]
    assert contents(state)[1] == "yes to may second?"


@BY_ID_OR_VALUE
def test_a_run_that_began_without_us_goes_on_in_the_order_of_the_message(flavor: Flavor, reply: Reply) -> None:
    def first() -> str:
        return str(interrupt("may first?"))

    def second() -> str:
        return str(interrupt("may second?"))

    tools, saver = [flavor.tool(first), flavor.tool(second)], InMemorySaver()
    asked = asked_in(flavor.run(graph_with(ToolNode([tools[0]]), checkpointer=saver), TWO, THREAD))
    ours = graph_of(tools, checkpointer=saver)
    asked = asked_in(flavor.run(ours, reply(asked, "yes"), THREAD))

    assert kept_in(ours)[-1] == ["yes"]
    assert contents(flavor.run(ours, reply(asked, "sure"), THREAD)) == ["yes", "sure"]


def test_a_call_that_is_alone_leaves_everything_to_langgraph(flavor: Flavor) -> None:
    def first() -> str:
        return f"{interrupt('may I?')} and {interrupt('really?')}"

    graph = graph_of([flavor.tool(first)], checkpointer=InMemorySaver())
    state = flavor.run(graph, asking(("first", {})), THREAD)
    assert kept_in(graph) == []
    state = flavor.run(graph, Command(resume={asked_in(state).id: "yes"}), THREAD)

    assert kept_in(graph) == [["yes"]]


@BY_ID_OR_VALUE
def test_a_node_that_langgraph_retries_does_not_ask_again(flavor: Flavor, reply: Reply) -> None:
    fails = Flaky([KeyError("x")])

    def first() -> str:
        return str(interrupt("may first?"))

    def second() -> str:
        said = str(interrupt("may second?"))
        fails()
        return said

    node = ResilientToolNode([flavor.tool(first), flavor.tool(second)], policy=AT_ONCE, handle_tool_errors=False)
    builder = StateGraph(MessagesState)
    builder.add_node("tools", node, retry_policy=RetryPolicy(initial_interval=0, jitter=False, retry_on=KeyError))
    graph = builder.add_edge(START, "tools").compile(InMemorySaver())
    questions, state = until_done(flavor, graph, reply, TWO)

    assert contents(state) == ["yes to may first?", "yes to may second?"]
    assert questions == ["may first?", "may second?"]


@BY_ID_OR_VALUE
def test_answers_that_are_saved_only_when_the_run_ends_reach_their_calls_too(flavor: Flavor, reply: Reply) -> None:
    def first() -> str:
        return str(interrupt("may first?"))

    def second() -> str:
        return str(interrupt("may second?"))

    graph = graph_of([flavor.tool(first), flavor.tool(second)], checkpointer=InMemorySaver())
    state = flavor.run(graph, TWO, THREAD, durability="exit")
    for _ in range(2):
        asked = asked_in(state)
        state = flavor.run(graph, reply(asked, f"yes to {asked.value}"), THREAD, durability="exit")

    assert contents(state) == ["yes to may first?", "yes to may second?"]
