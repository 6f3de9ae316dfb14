"""Calls that keep failing are answered without being run, in real graphs and after a restart."""

import asyncio
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from agent_tools import LoopGuard, ResilientToolNode, RetryPolicy, ToolErrorHandler, ToolEvent
from agent_tools._core.turn import marked
from agent_tools.routing import route_tool_calls
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.routing.bots import Bot, bot_graph, saying
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, graph_of, graph_with, http_error

ONCE = RetryPolicy(max_attempts=1)
NOT_FOUND = http_error(404)


def looking_up(flavor: Flavor, body: Callable[[], Any]) -> Any:
    def lookup(order: int = 0) -> str:
        return str(body())

    return flavor.tool(lookup)


def asking_again(times: int, *, varied: bool = False) -> ScriptedChatModel:
    """Return a model that makes the call `times` times, whatever the answers say."""
    return ScriptedChatModel([call("lookup", order=number if varied else 1) for number in range(times)], then="Sorry.")


def reasons(messages: list[Any]) -> list[Any]:
    return [message.artifact["reason"] for message in messages if isinstance(message, ToolMessage)]


@pytest.mark.parametrize("route", [tools_condition, route_tool_calls])
@pytest.mark.parametrize(("varied", "runs"), [(False, 2), (True, 8)])
def test_a_model_that_goes_on_forever_has_the_tool_run_a_few_times(
    flavor: Flavor, route: Any, *, varied: bool, runs: int
) -> None:
    body, events = Flaky([NOT_FOUND] * 99), list[ToolEvent]()
    node = ResilientToolNode([looking_up(flavor, body)], policy=ONCE, observer=events.append)
    bot = Bot(flavor, bot_graph(asking_again(10, varied=varied), node, route=route))
    messages = bot.run(saying("where is it?"))

    check_history(messages)
    assert body.runs == runs
    assert reasons(messages) == ["not_retried"] * runs + ["repeated"] * (10 - runs)
    assert [str(event.type) for event in events] == ["tool_failed"] * runs + ["tool_short_circuited"] * (10 - runs)
    assert (events[-1].attempt, events[-1].category, events[-1].status_code) == (0, "non_retryable", 404)
    bot.run(saying("and now?"))
    assert body.runs == runs


def test_the_next_turn_begins_anew(flavor: Flavor) -> None:
    body = Flaky([NOT_FOUND] * 3, result="found")
    again = call("lookup", order=1)
    model = ScriptedChatModel([again, again, again, "Sorry.", again, again], then="There it is.")
    bot = Bot(flavor, bot_graph(model, ResilientToolNode([looking_up(flavor, body)], policy=ONCE)))

    assert reasons(bot.run(saying("where is it?"))) == ["not_retried", "not_retried", "repeated"]
    assert bot.run(saying("and now?"))[-2].content == "found"
    assert body.runs == 4


def test_the_verdict_is_the_same_after_a_restart(flavor: Flavor, tmp_path: Path) -> None:
    body, thread = Flaky([NOT_FOUND] * 99), {"configurable": {"thread_id": "1"}}

    def builder() -> Any:
        node = ResilientToolNode([looking_up(flavor, body)], policy=ONCE)
        return bot_graph(ScriptedChatModel([call("lookup", order=1)]), node, route=tools_condition)

    def step(given: Any) -> Any:
        """Run until the next call, with a new graph as in another process."""
        path, before = str(tmp_path / "state.db"), ["tools"]
        if not flavor.is_async:
            with SqliteSaver.from_conn_string(path) as saver:
                return builder().compile(checkpointer=saver, interrupt_before=before).invoke(given, thread)

        async def astep() -> Any:
            async with AsyncSqliteSaver.from_conn_string(path) as saver:
                return await builder().compile(checkpointer=saver, interrupt_before=before).ainvoke(given, thread)

        return asyncio.run(astep())

    step(saying("where is it?"))
    for _ in range(5):
        messages = step(None)["messages"]

    assert body.runs == 2
    assert reasons(messages) == ["not_retried", "not_retried", "repeated", "repeated", "repeated"]


def history(*, errors: int, key: str = "messages") -> dict[str, Any]:
    asking = AIMessage("", tool_calls=[{"name": "lookup", "args": {"order": 1}, "id": "c1"}])
    facts = {"category": "non_retryable", "status_code": 404, "attempts": 1}
    answer = ToolMessage("no", tool_call_id="c1", status="error", artifact=facts, additional_kwargs=marked(facts, None))
    failed = [asking, answer] * errors
    # Copies: otherwise `add_messages` would give all of them the same id.
    return {key: [each.model_copy() for each in (HumanMessage("where is it?"), *failed, asking)]}


class Chat(BaseModel):
    chat: Annotated[list[AnyMessage], add_messages]
    documents: list[dict[str, Any]] = []


@dataclass
class Record:
    documents: Annotated[list[Any], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]


@dataclass(slots=True)
class Slotted:
    messages: Annotated[list[AnyMessage], add_messages]


@pytest.mark.parametrize(("errors", "runs"), [(1, 1), (2, 0)])
@pytest.mark.parametrize("schema", [Chat, Record, Slotted])
@pytest.mark.parametrize("sent", [False, True])
def test_the_history_is_found_in_whatever_state(
    flavor: Flavor, schema: Any, errors: int, runs: int, *, sent: bool
) -> None:
    body = Flaky()
    key = "chat" if schema is Chat else "messages"
    node = ResilientToolNode([looking_up(flavor, body)], messages_key=key)
    builder = StateGraph(schema).add_node("tools", node)
    if sent:
        builder.add_conditional_edges(START, lambda state: route_tool_calls(state, key), ["tools"])
    else:
        builder.add_edge(START, "tools")
    given = history(errors=errors, key=key) | ({} if schema is Slotted else {"documents": [{"type": "ai"}] * 50})
    flavor.run(builder.compile(), given)

    assert body.runs == runs


def test_the_history_is_found_in_a_state_that_is_a_list(flavor: Flavor) -> None:
    body = Flaky()
    state: Any = Annotated[list[AnyMessage], add_messages]
    builder = StateGraph(state).add_node("tools", ResilientToolNode([looking_up(flavor, body)]))
    graph = builder.add_edge(START, "tools").compile()
    flavor.run(graph, history(errors=2)["messages"])
    assert body.runs == 0
    flavor.run(graph, history(errors=1)["messages"])
    assert body.runs == 1


def test_a_bare_tool_node_and_an_agent_are_guarded_by_the_handler(flavor: Flavor) -> None:
    body, handler = Flaky([NOT_FOUND] * 99), ToolErrorHandler(policy=ONCE)
    tool = looking_up(flavor, body)

    @wrap_tool_call
    def wrap(request: Any, execute: Any) -> Any:
        return handler.wrap_tool_call(request, execute)

    @wrap_tool_call
    async def awrap(request: Any, execute: Any) -> Any:
        return await handler.awrap_tool_call(request, execute)

    agent = create_agent(asking_again(6), [tool], middleware=[awrap if flavor.is_async else wrap])
    assert reasons(flavor.run(agent, saying("where is it?"))["messages"]).count("repeated") == 4
    assert body.runs == 2

    bare = ToolNode([tool], wrap_tool_call=handler.wrap_tool_call, awrap_tool_call=handler.awrap_tool_call)
    answers_in(flavor.run(graph_with(bare), history(errors=2)))
    assert body.runs == 2


def test_an_agent_is_guarded_in_a_node_that_has_run_a_node_of_ours_before(flavor: Flavor) -> None:
    body, handler, unguarded = Flaky([NOT_FOUND] * 99), ToolErrorHandler(policy=ONCE), Flaky(result="fine")
    ours = ResilientToolNode([looking_up(flavor, unguarded)])
    bare = ToolNode(
        [looking_up(flavor, body)], wrap_tool_call=handler.wrap_tool_call, awrap_tool_call=handler.awrap_tool_call
    )
    guarded = graph_with(bare)

    def both(state: MessagesState, config: RunnableConfig) -> None:
        ours.invoke(history(errors=0), config)
        guarded.invoke(history(errors=1))
        guarded.invoke(history(errors=2))

    async def aboth(state: MessagesState, config: RunnableConfig) -> None:
        await ours.ainvoke(history(errors=0), config)
        await guarded.ainvoke(history(errors=1))
        await guarded.ainvoke(history(errors=2))

    builder = StateGraph(MessagesState).add_node("both", aboth if flavor.is_async else both).add_edge(START, "both")
    flavor.run(builder.compile(), saying("where is it?"))

    assert (unguarded.runs, body.runs) == (1, 1)


def test_refused_credentials_stop_the_same_arguments_alone(flavor: Flavor) -> None:
    body, other = Flaky([http_error(401)] * 99), Flaky([http_error(404)] * 99)

    def charge(order: int = 0) -> str:
        return str(other())

    again = [call("lookup", order=1), call("lookup", order=1), call("lookup", order=2), call("charge")]
    model = ScriptedChatModel(again, then="Sorry.")
    node = ResilientToolNode([looking_up(flavor, body), flavor.tool(charge)], policy=ONCE)
    messages = Bot(flavor, bot_graph(model, node)).run(saying("where is it?"))

    assert reasons(messages) == ["not_retried", "stopped", "not_retried", "not_retried"]
    assert (body.runs, other.runs) == (2, 1)
    stopped = messages[4]
    assert stopped.content.startswith(
        "`lookup` was refused: its credentials are not accepted (HTTP 401). It was not run"
    )
    assert (stopped.artifact["attempts"], stopped.artifact["category"]) == (0, "auth_failure")


def test_with_somebody_who_renews_credentials_a_refusal_stops_nothing(flavor: Flavor) -> None:
    body = Flaky([http_error(401)] * 2, result="found")
    answered = iter([False, True])
    node = ResilientToolNode([looking_up(flavor, body)], policy=ONCE, on_auth_failure=lambda event: next(answered))
    model = asking_again(2)
    messages = Bot(flavor, bot_graph(model, node)).run(saying("where is it?"))

    assert [message.content for message in answers_in({"messages": messages})][1] == "found"
    assert body.runs == 3


@pytest.mark.parametrize(
    ("guard", "runs"), [(None, 6), (LoopGuard(same_call=4), 4), (LoopGuard(same_call=None, corrections=3), 3)]
)
def test_it_can_be_configured_and_switched_off(flavor: Flavor, guard: LoopGuard | None, runs: int) -> None:
    body = Flaky([NOT_FOUND] * 99)
    node = ResilientToolNode([looking_up(flavor, body)], policy=ONCE, loop_guard=guard)
    Bot(flavor, bot_graph(asking_again(6), node)).run(saying("where is it?"))

    assert body.runs == runs


def test_what_is_no_loop_guard_is_refused() -> None:
    with pytest.raises(TypeError, match="loop_guard must be a LoopGuard or None, not 3"):
        ToolErrorHandler(loop_guard=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="loop_guard must be given to the ToolErrorHandler itself"):
        ResilientToolNode([], handler=ToolErrorHandler(), loop_guard=LoopGuard(same_call=3))


def answered(flavor: Flavor, tools: list[Any], **options: Any) -> ToolMessage:
    """Return the answer to a call that has already failed twice in this turn."""
    (*_, message) = answers_in(flavor.run(graph_of(tools, **options), history(errors=2)))
    return message


def test_words_of_your_own_win_and_the_call_is_answered_wherever_errors_are(flavor: Flavor) -> None:
    def own(error: KeyError) -> str:
        raise AssertionError("this is no KeyError")

    tool = looking_up(flavor, Flaky())
    assert answered(flavor, [tool], handle_tool_errors="Ask a colleague.").content == "Ask a colleague."
    assert "was not run again" in answered(flavor, [tool], handle_tool_errors=(KeyError,)).content
    assert "was not run again" in answered(flavor, [tool], handle_tool_errors=own).content
    with pytest.raises(Exception, match="lookup was not run: repeated"):
        answered(flavor, [tool], handle_tool_errors=False)


def test_the_wrapper_of_the_user_sees_it_and_may_use_another_tool(flavor: Flavor) -> None:
    body, other, seen = Flaky(), Flaky(result="from the archive"), list[str]()

    def archive(order: int = 0) -> str:
        return str(other())

    tools = [looking_up(flavor, body), flavor.tool(archive)]
    elsewhere = {"name": "archive", "args": {"order": 1}, "id": "c1", "type": "tool_call"}

    def around(request: Any, execute: Any) -> Any:
        try:
            return execute(request)
        except Exception as error:
            seen.append(type(error).__name__)
        return execute(request.override(tool_call=elsewhere, tool=tools[1]))

    async def aaround(request: Any, execute: Any) -> Any:
        try:
            return await execute(request)
        except Exception as error:
            seen.append(type(error).__name__)
        return await execute(request.override(tool_call=elsewhere, tool=tools[1]))

    message = answered(flavor, tools, wrap_tool_call=around, awrap_tool_call=aaround)

    assert message.content == "from the archive"
    assert (body.runs, seen) == (0, ["NotRunError"])


def test_a_wrapper_that_rewrites_arguments_does_not_blind_the_guard(flavor: Flavor) -> None:
    body, tenants = Flaky([NOT_FOUND] * 99), iter(range(99))

    def rewritten(request: Any) -> Any:
        return request.override(tool_call={**request.tool_call, "args": {"order": 100 + next(tenants)}})

    async def aaround(request: Any, execute: Any) -> Any:
        return await execute(rewritten(request))

    node = ResilientToolNode(
        [looking_up(flavor, body)],
        policy=AT_ONCE,
        wrap_tool_call=lambda request, execute: execute(rewritten(request)),
        awrap_tool_call=aaround,
    )
    Bot(flavor, bot_graph(asking_again(6), node)).run(saying("where is it?"))

    assert body.runs == 2


def test_stopped_calls_do_not_hold_up_those_that_wait_for_an_approval(flavor: Flavor) -> None:
    def approve() -> str:
        return f"approved by {interrupt('may I?')}"

    body = Flaky([NOT_FOUND] * 99)
    again = call("lookup", order=1)
    model = ScriptedChatModel([again, again, [again, call("approve")]], then="Done.")
    node = ResilientToolNode([looking_up(flavor, body), flavor.tool(approve)], policy=ONCE)
    bot = Bot(flavor, bot_graph(model, node, route=tools_condition))
    bot.run(saying("where is it?"))
    messages = bot.run(Command(resume="Ada"))

    assert [message.content for message in answers_in({"messages": messages})][-1] == "approved by Ada"
    assert messages[-3].artifact["reason"] == "repeated"
    assert body.runs == 2
