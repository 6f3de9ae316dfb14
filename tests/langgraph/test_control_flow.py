"""Interrupts, commands to the parent and cancellations are not failures, and pass unchanged."""

import asyncio
import time
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained, ParentCommand
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt
from pydantic import BaseModel, ValidationError

from agent_tools import ResilientToolNode, RetryPolicy, ToolErrorHandler, clean_errors
from tests.support.timing import assert_in_time, timed
from tests.support.toolbox import (
    AT_ONCE,
    Door,
    Flaky,
    Flavor,
    Graph,
    answers_in,
    asking,
    graph_of,
    graph_with,
    http_error,
)

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD = {"configurable": {"thread_id": "1"}}


def test_an_interrupt_pauses_and_its_answer_arrives(flavor: Flavor) -> None:
    runs = []

    def approve() -> str:
        runs.append("approve")
        return f"approved by {interrupt('may I?')}"

    graph = flavor.graph_of([flavor.tool(approve)], checkpointer=InMemorySaver())
    paused = flavor.run(graph, asking(("approve", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    assert answers_in(paused) == []
    assert runs == ["approve"]

    final = flavor.run(graph, Command(resume="Ada"), THREAD)

    assert [answer.content for answer in answers_in(final)] == ["approved by Ada"]


def test_an_interrupt_on_the_second_attempt_pauses_too(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)])

    def approve() -> str:
        fails()
        return f"approved by {interrupt('may I?')}"

    graph = flavor.graph_of([flavor.tool(approve)], checkpointer=InMemorySaver())
    paused = flavor.run(graph, asking(("approve", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    assert fails.runs == 2
    assert answers_in(flavor.run(graph, Command(resume="Ada"), THREAD))[0].content == "approved by Ada"


def test_an_interrupt_in_a_subgraph_of_a_tool_pauses_the_run(flavor: Flavor) -> None:
    def ask(state: MessagesState) -> dict[str, Any]:
        interrupt("from below")
        return {}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").add_edge("ask", END).compile()

    def delegate() -> str:
        inner.invoke({"messages": []})
        return "delegated"

    graph = flavor.graph_of([flavor.tool(delegate)], checkpointer=InMemorySaver())
    paused = flavor.run(graph, asking(("delegate", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["from below"]
    assert answers_in(flavor.run(graph, Command(resume="yes"), THREAD))[0].content == "delegated"


@pytest.mark.doors("node")  # for agents in agents see tests/middleware/test_agents.py
def test_an_interrupt_of_an_agent_inside_a_tool_passes_when_both_share_a_handler(flavor: Flavor) -> None:
    handler = ToolErrorHandler(policy=AT_ONCE)

    def approve() -> str:
        return f"approved by {interrupt('from below')}"

    def works() -> str:
        return "fine"

    node = ToolNode(
        [flavor.tool(approve)],
        handle_tool_errors=False,
        wrap_tool_call=handler.wrap_tool_call,
        awrap_tool_call=handler.awrap_tool_call,
    )
    inner = graph_with(node)

    def delegate() -> str:
        return str(answers_in(inner.invoke(asking(("approve", {}))))[0].content)

    async def adelegate() -> str:
        return str(answers_in(await inner.ainvoke(asking(("approve", {}))))[0].content)

    tool = StructuredTool.from_function(delegate, adelegate, name="delegate", description="Asks another agent.")
    outer = graph_with(ResilientToolNode([tool, flavor.tool(works)], handler=handler), checkpointer=InMemorySaver())
    paused = flavor.run(outer, asking(("delegate", {}), ("works", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["from below"]
    final = flavor.run(outer, Command(resume="Ada"), THREAD)
    assert [answer.content for answer in answers_in(final)] == ["approved by Ada", "fine"]


def test_one_call_interrupts_while_another_raises_and_after_the_answer_both_have_theirs(flavor: Flavor) -> None:
    def approve() -> str:
        return f"approved by {interrupt('may I?')}"

    def breaks() -> str:
        raise http_error(403)

    graph = flavor.graph_of([flavor.tool(approve), flavor.tool(breaks)], checkpointer=InMemorySaver())
    flavor.run(graph, asking(("approve", {}), ("breaks", {})), THREAD)
    final = flavor.run(graph, Command(resume="Ada"), THREAD)

    assert [(answer.tool_call_id, answer.status) for answer in answers_in(final)] == [
        ("c1", "success"),
        ("c2", "error"),
    ]


async def works() -> str:
    await asyncio.sleep(0.01)
    return "fine"


async def approve() -> str:
    return f"approved by {interrupt('may I?')}"


def asynchronous(*bodies: Any) -> list[StructuredTool]:
    return [StructuredTool.from_function(coroutine=body, description="Does something.") for body in bodies]


@pytest.mark.anyio
async def test_a_call_that_asks_leaves_its_slot_to_those_that_it_waits_for(door: Door) -> None:
    graph = graph_of(asynchronous(approve, works), door=door, checkpointer=InMemorySaver())
    thread: Any = {**THREAD, "max_concurrency": 1}
    asked = asking(("approve", {}), ("works", {}), ("works", {}))
    paused = await asyncio.wait_for(graph.ainvoke(asked, thread), 5)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    final = await asyncio.wait_for(graph.ainvoke(Command(resume="Ada"), thread), 5)
    assert [answer.content for answer in answers_in(final)] == ["approved by Ada", "fine", "fine"]


def around(request: Any, execute: Any) -> Any:
    return execute(request)


async def aaround_in_a_task(request: Any, execute: Any) -> Any:
    return await asyncio.create_task(execute(request))


async def aaround_within_a_time(request: Any, execute: Any) -> Any:
    return await asyncio.wait_for(execute(request), 30)


WRAPPERS: list[dict[str, Any]] = [
    {"wrap_tool_call": around},
    {"awrap_tool_call": aaround_in_a_task},
    {"awrap_tool_call": aaround_within_a_time},
]


@pytest.mark.anyio
@pytest.mark.doors("node")  # create_agent takes no wrapper
@pytest.mark.parametrize("wrapper", WRAPPERS, ids=["in a thread", "in a task", "within a time"])
async def test_an_interrupt_passes_a_wrapper_that_runs_the_tool_in_another_task(wrapper: dict[str, Any]) -> None:
    node = ResilientToolNode(asynchronous(approve, works), **wrapper)
    graph = graph_with(node, checkpointer=InMemorySaver())
    paused = await asyncio.wait_for(graph.ainvoke(asking(("approve", {}), ("works", {})), THREAD), 5)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    final = await asyncio.wait_for(graph.ainvoke(Command(resume="Ada"), THREAD), 5)
    assert [answer.content for answer in answers_in(final)] == ["approved by Ada", "fine"]


@pytest.mark.doors("node")  # the scripted model refuses such a message
def test_calls_of_one_message_with_one_id_are_both_answered_after_an_interrupt(flavor: Flavor) -> None:
    def confirm() -> str:
        return f"confirmed by {interrupt('may I?')}"

    def lookup() -> str:
        return "fine"

    asked = asking(("confirm", {}), ("lookup", {}))
    for each in asked["messages"][-1].tool_calls:
        each["id"] = "the same"
    graph = flavor.graph_of([flavor.tool(confirm), flavor.tool(lookup)], checkpointer=InMemorySaver())
    flavor.run(graph, asked, THREAD)
    final = flavor.run(graph, Command(resume="Ada"), THREAD)

    assert [answer.content for answer in answers_in(final)] == ["confirmed by Ada", "fine"]


def test_an_interrupt_in_a_task_group_of_the_tool_pauses_too(flavor: Flavor) -> None:
    def confirm() -> str:
        answers = []

        async def ask() -> None:
            answers.append(interrupt("may I?"))

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(ask())

        asyncio.run(main())
        return f"confirmed by {answers[0]}"

    graph = flavor.graph_of([flavor.tool(confirm)], checkpointer=InMemorySaver())
    paused = flavor.run(graph, asking(("confirm", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    assert answers_in(paused) == []
    final = flavor.run(graph, Command(resume="Ada"), THREAD)
    assert [answer.content for answer in answers_in(final)] == ["confirmed by Ada"]


async def confirm_in_a_group() -> str:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(approve())
    return asked.result()


@pytest.mark.anyio
async def test_an_interrupt_in_a_task_group_of_a_tool_with_clean_errors_waits_for_the_other_calls(door: Door) -> None:
    ended = []

    async def slow() -> str:
        await asyncio.sleep(0.05)
        ended.append("slow")
        return "fine"

    tools = [clean_errors(tool) for tool in asynchronous(confirm_in_a_group, slow)]
    graph = graph_of(tools, door=door, checkpointer=InMemorySaver())
    paused = await graph.ainvoke(asking(("confirm_in_a_group", {}), ("slow", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    if door == "node":  # create_agent runs each call in a task of its own
        assert ended == ["slow"]


async def aaround_in_a_group(request: Any, execute: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        executed = group.create_task(execute(request))
    return executed.result()


@pytest.mark.anyio
@pytest.mark.doors("node")  # create_agent takes no wrapper
async def test_an_interrupt_in_a_task_group_of_a_wrapper_pauses_too() -> None:
    node = ResilientToolNode(asynchronous(approve), awrap_tool_call=aaround_in_a_group)
    graph = graph_with(node, checkpointer=InMemorySaver())
    paused = await graph.ainvoke(asking(("approve", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    final = await graph.ainvoke(Command(resume="Ada"), THREAD)
    assert [answer.content for answer in answers_in(final)] == ["approved by Ada"]


def test_an_answer_that_does_not_fit_the_interrupts_schema_is_raised_and_may_be_given_again(flavor: Flavor) -> None:
    class Approval(BaseModel):
        by: str

    def approve() -> str:
        return f"approved by {interrupt('may I?', response_schema=Approval).by}"

    graph = flavor.graph_of([flavor.tool(approve)], checkpointer=InMemorySaver())
    flavor.run(graph, asking(("approve", {})), THREAD)

    with pytest.raises(ValidationError):
        flavor.run(graph, Command(resume={"wrong": 1}), THREAD)
    final = flavor.run(graph, Command(resume={"by": "Ada"}), THREAD)

    assert answers_in(final)[0].content == "approved by Ada"


@pytest.mark.parametrize(
    "signal", [ParentCommand(Command(graph=Command.PARENT)), GraphDrained()], ids=["parent", "drained"]
)
def test_messages_to_the_graph_are_neither_retried_nor_answered(flavor: Flavor, signal: Exception) -> None:
    fn = Flaky([signal] * 3)
    events: list[Any] = []

    def moves() -> str:
        return str(fn())

    graph = flavor.graph_of([flavor.tool(moves)], observer=events.append)
    try:
        flavor.run(graph, asking(("moves", {})))
    except type(signal):
        pass  # the top graph has no parent

    assert (fn.runs, events) == (1, [])


def test_a_command_to_the_parent_arrives_there(flavor: Flavor) -> None:
    def hand_over() -> Any:
        raise ParentCommand(Command(graph=Command.PARENT, goto="human", update={"messages": [("user", "moved")]}))

    inner = flavor.graph_of([flavor.tool(hand_over)])

    def human(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("assistant", "hello, human here")]}

    builder = StateGraph(MessagesState).add_node("bot", inner, destinations=("human",)).add_node("human", human)
    graph = builder.add_edge(START, "bot").add_edge("human", END).compile()

    assert flavor.run(graph, asking(("hand_over", {})))["messages"][-1].content == "hello, human here"


async def _cancelled_while(graph: Graph, state: Any, began: asyncio.Event) -> tuple[float, BaseException]:
    """Cancel a run once `began` is set; return how long that took, and the result."""
    task = asyncio.create_task(graph.ainvoke(state))
    await asyncio.wait_for(began.wait(), 5)
    await asyncio.sleep(0.02)  # let the retry begin to wait
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return time.monotonic() - started, caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("while_waiting", [True, False], ids=["while waiting", "while running"])
@timed
async def test_cancellation_from_outside_passes_at_once_and_nothing_clings_to_it(
    door: Door, while_waiting: bool
) -> None:
    began, runs = asyncio.Event(), []

    async def lookup() -> str:
        runs.append("lookup")
        began.set()
        if while_waiting:
            raise http_error(503)
        await asyncio.sleep(30)
        return "never"

    tool = StructuredTool.from_function(coroutine=lookup, name="lookup", description="Looks up.")
    policy = RetryPolicy(base_delay=30, jitter=0)
    graph = graph_of([tool], door=door, policy=policy)
    took, error = await _cancelled_while(graph, asking(("lookup", {})), began)

    assert_in_time(took, 0.1)
    assert runs == ["lookup"]
    chain: BaseException | None = error
    while chain is not None:
        assert "SK-SECRET" not in repr(chain)
        chain = chain.__cause__ or chain.__context__


def test_a_cancellation_that_the_tool_raised_itself_is_answered_and_siblings_keep_their_results(flavor: Flavor) -> None:
    def broken_session() -> str:
        raise asyncio.CancelledError

    def works() -> str:
        time.sleep(0.05)
        return "fine"

    if flavor.is_async:

        async def raises() -> str:
            raise asyncio.CancelledError

        broken = StructuredTool.from_function(coroutine=raises, name="broken_session", description="Breaks.")
    else:
        broken = flavor.tool(broken_session)  # type: ignore[assignment]  # a BaseTool is enough here
    one, two = flavor.answers([broken, flavor.tool(works)], ("broken_session", {}), ("works", {}))

    assert (one.status, two.content) == ("error", "fine")
    assert isinstance(one, ToolMessage)


def test_an_interrupt_from_the_keyboard_passes_untouched(door: Door) -> None:
    fn = Flaky([KeyboardInterrupt])

    def stops() -> str:
        return str(fn())

    graph = graph_of([StructuredTool.from_function(stops, description="Stops.")], door=door)
    with pytest.raises(KeyboardInterrupt):
        graph.invoke(asking(("stops", {})))

    assert fn.runs == 1
