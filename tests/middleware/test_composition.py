"""Composition with other middleware of LangChain and deepagents, before and after `ResilientToolMiddleware`."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from agent_tools.middleware import GiveUpMiddleware, ResilientToolMiddleware, UnreadableCallMiddleware
from agent_tools.testing import ScriptedChatModel, call, check_history
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, answers_in, http_error

pytestmark = pytest.mark.untraced

THREAD = {"configurable": {"thread_id": "1"}}
GO = {"messages": [HumanMessage("go")]}

Others = Sequence[AgentMiddleware[Any, Any]]


@pytest.fixture(params=["ours first", "ours last"])
def is_first(request: pytest.FixtureRequest) -> bool:
    """Whether `ResilientToolMiddleware` is the outer one."""
    return bool(request.param == "ours first")


def agent(steps: list[Any], tools: Sequence[Any], others: Others, *, is_first: bool, **options: Any) -> Any:
    ours = ResilientToolMiddleware(**{"policy": AT_ONCE, **options})
    middleware = [ours, *others] if is_first else [*others, ours]
    return create_agent(ScriptedChatModel(steps), tools, middleware=middleware, checkpointer=InMemorySaver())


def tool_of(flavor: Flavor, name: str, fn: Any) -> BaseTool:
    return flavor.tool(lambda: str(fn()), name=name)


def without_waits(**options: Any) -> ToolRetryMiddleware:
    return ToolRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, **options)


def answers_after(flavor: Flavor, graph: Any) -> list[ToolMessage]:
    """Return the answers of one turn, after checking that providers accept the history."""
    messages = flavor.run(graph, GO, THREAD)["messages"]
    check_history(messages)
    return answers_in({"messages": messages})


@pytest.mark.parametrize("errors", [0, 1, 9])
def test_with_tool_retry_a_call_runs_no_more_often_than_with_one_of_them(
    flavor: Flavor, is_first: bool, errors: int
) -> None:
    fails = Flaky([http_error(503)] * errors)
    steps = [call("lookup"), "Goodbye."]
    graph = agent(steps, [tool_of(flavor, "lookup", fails)], [without_waits()], is_first=is_first)
    (answer,) = answers_after(flavor, graph)

    assert (answer.status, fails.runs) == ("error" if errors == 9 else "success", min(errors + 1, 3))
    assert "SK-SECRET" not in answer.content


def test_bad_arguments_are_not_tried_again_by_tool_retry(flavor: Flavor, is_first: bool) -> None:
    def book(nights: int) -> str:
        raise AssertionError("the body must not be reached")

    steps = [call("book", nights="many"), "Goodbye."]
    graph = agent(steps, [flavor.tool(book)], [without_waits(on_failure="error")], is_first=is_first)
    (answer,) = answers_after(flavor, graph)

    assert answer.content.startswith("`book` was not run: its arguments do not fit. nights: Input should be")


def test_what_tool_error_middleware_says_passes_scrubbed_when_it_is_inside(flavor: Flavor, is_first: bool) -> None:
    def on_error(error: Exception, request: Any) -> str:
        return "The shop is closed, password=hunter2-and-more."

    fails = Flaky([http_error(503)] * 9)
    steps = [call("lookup"), "Goodbye."]
    graph = agent(steps, [tool_of(flavor, "lookup", fails)], [ToolErrorMiddleware(on_error)], is_first=is_first)
    (answer,) = answers_after(flavor, graph)

    assert answer.status == "error"
    assert answer.content.startswith("The shop is closed" if is_first else "`lookup` failed")
    assert "hunter2" not in answer.content
    assert fails.runs == (1 if is_first else 3)  # an error that is answered inside is not seen outside


@pytest.mark.parametrize("exit_behavior", ["continue", "end"])
def test_a_tool_call_limit_counts_calls_and_no_attempts(flavor: Flavor, is_first: bool, exit_behavior: Any) -> None:
    fails = Flaky([http_error(503)] * 2)
    limit = ToolCallLimitMiddleware(run_limit=1, exit_behavior=exit_behavior)
    steps = [call("lookup"), call("lookup"), "Goodbye."]
    graph = agent(steps, [tool_of(flavor, "lookup", fails)], [limit], is_first=is_first)
    one, two = answers_after(flavor, graph)

    assert (one.content, fails.runs) == ("done", 3)
    assert two.status == "error"


APPROVE = {"batched": {"decisions": [{"type": "approve"}]}, "per_call": {"type": "approve"}}

#: LangChain 1.4 asks for all calls of a message at once, later ones also call by call, inside `wrap_tool_call`.
MODES = list(APPROVE) if "interrupt_mode" in signature(HumanInTheLoopMiddleware).parameters else ["batched"]


def asking_in(mode: str) -> HumanInTheLoopMiddleware[Any, Any]:
    options: Any = {} if mode == "batched" else {"interrupt_mode": mode}
    return HumanInTheLoopMiddleware({"charge": True}, **options)


@pytest.mark.parametrize("mode", MODES)
def test_a_human_in_the_loop_is_asked_once_for_a_call_that_fails_twice(
    flavor: Flavor, is_first: bool, mode: Any
) -> None:
    fails = Flaky([http_error(503)] * 2)

    def charge() -> str:
        really = interrupt("really?")
        fails()
        return f"charged, {really}"

    graph = agent([call("charge"), "Goodbye."], [flavor.tool(charge)], [asking_in(mode)], is_first=is_first)
    flavor.run(graph, GO, THREAD)
    paused = flavor.run(graph, Command(resume=APPROVE[mode]), THREAD)
    assert [each.value for each in paused["__interrupt__"]] == ["really?"]
    final = flavor.run(graph, Command(resume="yes"), THREAD)

    check_history(final["messages"])
    assert [answer.content for answer in answers_in(final)] == ["charged, yes"]
    assert fails.runs == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_rejected_call_is_not_run_and_its_answer_passes(flavor: Flavor, is_first: bool, mode: Any) -> None:
    fails = Flaky()
    steps = [call("charge"), "Goodbye."]
    graph = agent(steps, [tool_of(flavor, "charge", fails)], [asking_in(mode)], is_first=is_first)
    flavor.run(graph, GO, THREAD)
    reject = {"type": "reject", "message": "too much"}
    resume = reject if mode == "per_call" else {"decisions": [reject]}
    final = flavor.run(graph, Command(resume=resume), THREAD)

    check_history(final["messages"])
    assert "too much" in answers_in(final)[0].content
    assert fails.runs == 0


def test_all_of_them_at_once_serve_one_agent(flavor: Flavor, is_first: bool) -> None:
    fails = Flaky([http_error(503)] * 2)
    others: Others = [
        ToolCallLimitMiddleware(run_limit=9),
        HumanInTheLoopMiddleware({"charge": True}),
        ToolErrorMiddleware(lambda error, request: None),
        without_waits(retry_on=(KeyError,)),
        UnreadableCallMiddleware(),
        GiveUpMiddleware(after=9),
    ]
    tools = [tool_of(flavor, "lookup", fails), tool_of(flavor, "charge", Flaky(result="charged"))]
    graph = agent([[call("lookup"), call("charge")], "Goodbye."], tools, others, is_first=is_first)
    flavor.run(graph, GO, THREAD)
    final = flavor.run(graph, Command(resume=APPROVE["batched"]), THREAD)

    check_history(final["messages"])
    assert [answer.content for answer in answers_in(final)] == ["done", "charged"]
    assert fails.runs == 3


# ---- custom middleware before and after it ----


class Seeing(AgentMiddleware[Any, Any]):
    """Records the results from the inside."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        assert isinstance(request.tool, BaseTool)
        try:
            return self._note(handler(request))
        except Exception as error:
            self.seen.append(type(error).__name__)
            raise

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        assert isinstance(request.tool, BaseTool)
        try:
            return self._note(await handler(request))
        except Exception as error:
            self.seen.append(type(error).__name__)
            raise

    def _note(self, answer: ToolMessage) -> ToolMessage:
        self.seen.append(answer.status)
        return answer


def test_what_stands_before_sees_one_answer_and_what_stands_after_each_attempt(flavor: Flavor, is_first: bool) -> None:
    seeing, fails = Seeing(), Flaky([http_error(503)] * 9)
    graph = agent([call("lookup"), "Goodbye."], [tool_of(flavor, "lookup", fails)], [seeing], is_first=is_first)
    answers_after(flavor, graph)

    assert seeing.seen == (["HTTPStatusError"] * 3 if is_first else ["error"])


class Breaking(AgentMiddleware[Any, Any]):
    """Fails itself."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        handler(request)
        raise KeyError("a mistake")

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        await handler(request)
        raise KeyError("a mistake")


def test_an_error_of_what_stands_before_is_raised_to_the_developer(flavor: Flavor) -> None:
    tools = [tool_of(flavor, "lookup", Flaky())]
    with pytest.raises(KeyError, match="a mistake"):
        flavor.run(agent([call("lookup")], tools, [Breaking()], is_first=False), GO, THREAD)


def test_an_error_of_what_stands_after_counts_as_the_tools(flavor: Flavor) -> None:
    tools = [tool_of(flavor, "lookup", Flaky())]
    (answer,) = answers_after(flavor, agent([call("lookup"), "Goodbye."], tools, [Breaking()], is_first=True))

    assert answer.artifact["error_type"] == "KeyError"


class Another(AgentMiddleware[Any, Any]):
    """Adds a tool at call time."""

    def __init__(self, tool: BaseTool) -> None:
        self.tool = tool

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool=self.tool))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return await handler(request.override(tool=self.tool))


def test_a_tool_that_other_middleware_brings_in_is_looked_after(flavor: Flavor, is_first: bool) -> None:
    fails = Flaky([http_error(503)])
    other = Another(tool_of(flavor, "late", fails))
    graph = agent([call("late"), "Goodbye."], [tool_of(flavor, "lookup", Flaky())], [other], is_first=is_first)
    (answer,) = answers_after(flavor, graph)

    assert (answer.content, fails.runs) == ("done", 2)


# ---- deepagents ----


def test_it_serves_a_deep_agent_and_its_sub_agents(flavor: Flavor) -> None:
    fails = {"lookup": Flaky([http_error(503)] * 2), "charge": Flaky([http_error(401)] * 9)}
    tools = [tool_of(flavor, name, fn) for name, fn in fails.items()]
    ours = ResilientToolMiddleware(policy=AT_ONCE)
    task = call("task", description="look it up", subagent_type="helper")
    model = ScriptedChatModel([[call("lookup"), task], call("charge"), "Charging is down.", "Goodbye."])
    helper = {
        "name": "helper",
        "description": "Helps.",
        "system_prompt": "Help.",
        "tools": [tools[1]],
        "middleware": [ResilientToolMiddleware(policy=AT_ONCE)],
    }
    graph = create_deep_agent(model=model, tools=tools, middleware=[ours], subagents=[helper])  # type: ignore[list-item]
    final = flavor.run(graph, GO)

    check_history(final["messages"])
    assert [answer.content for answer in answers_in(final)] == ["done", "Charging is down."]
    assert (fails["lookup"].runs, fails["charge"].runs) == (3, 1)
    assert "credentials are not accepted" in str(model.seen[2][-1].content)
