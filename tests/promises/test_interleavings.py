"""Calls that work, fail, ask, hang and are canceled in any order, resumed until all are answered.

A plan lists the steps of each call: it asks a human, or it acts, with an outcome that may
differ each time. The tools do nothing else, and record what they did.

1. In the end each call has one answer, and the model gets a complete history.
2. Each question is answered once, and the resume value reaches the call that asked.
3. A tool that must not act twice acts at most once per run of its task: once in all with a task per call.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import currently_in_test_context, given, note, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition
from langgraph.types import Command, Interrupt, interrupt
from pydantic import BaseModel

from agent_tools import ResilientToolNode, RetryPolicy
from agent_tools.routing import route_tool_calls
from agent_tools.testing import ScriptedChatModel, check_history, no_waiting
from tests.support.toolbox import Door, Graph, agent_of, http_error

THREAD: Any = {"configurable": {"thread_id": "1"}}
RETRIED = RetryPolicy(retry_on={"retryable", "timeout", "network"})
ONCE = RetryPolicy(retry_on={"retryable", "timeout", "network"}, idempotent=False)

#: How many interleavings are tried per way of running.
EXAMPLES = 60

#: How many runs of a graph the longest plan needs at most.
ENOUGH = 40

#: Seconds after which a run counts as hung. It takes milliseconds, on a busy machine seconds.
PATIENCE = 60

#: The ways in which calls become tasks.
WAYS = pytest.mark.parametrize(
    ("door", "per_call"),
    [("node", False), ("node", True), ("create_agent", True)],
    ids=["one node", "a task per call", "create_agent"],
)

#: Passes of the event loop after which each call has ended, asks or hangs. In a LangChain agent a result comes back
#: through threads, for tracing; a cancellation meanwhile loses it.
SETTLED = 200


def remark(text: str) -> None:
    """Add this note to the failing example, if Hypothesis makes the examples."""
    if currently_in_test_context():
        note(text)


class Work(StrEnum):
    """How a step turns out."""

    OK = "ok"
    UNAVAILABLE = "503"
    SHED = "503 with Retry-After"
    THROTTLED = "429"
    READ_TIMEOUT = "read timeout"
    REFUSED = "401"
    BUG = "bug"
    HANG = "hang"


REQUEST = httpx.Request("POST", "http://127.0.0.1/charge")
ERROR_BY_WORK: dict[Work, Callable[[], Exception]] = {
    Work.UNAVAILABLE: partial(http_error, 503),
    Work.SHED: partial(http_error, 503, {"Retry-After": "1"}),
    Work.THROTTLED: partial(http_error, 429),
    Work.READ_TIMEOUT: partial(httpx.ReadTimeout, "x", request=REQUEST),
    Work.REFUSED: partial(http_error, 401),
    Work.BUG: partial(KeyError, "x"),
}
MAY_HAVE_ACTED = {Work.UNAVAILABLE, Work.READ_TIMEOUT, Work.BUG}


class Told(BaseModel):
    """The arguments of the tools; inferring them for each tool would take milliseconds."""

    call: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The call asks a human."""


@dataclass(frozen=True, slots=True)
class Do:
    """The call acts; each attempt takes the next of `outcomes`, later ones succeed."""

    outcomes: tuple[Work, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of one call; each takes `pace` passes of the event loop."""

    tool: str
    steps: tuple[Ask | Do, ...]
    pace: int


@dataclass
class World:
    """The plans of all calls, and what they have done so far.

    With `by_value` humans answer by plain values, else by the ids of questions. LangGraph takes a plain value for the
    only question, but gives it out twice if both ways are used in turn.
    """

    plans: dict[str, Plan]
    by_value: bool
    runs: int = 0
    hanging: set[str] = field(default_factory=set)
    misdirected: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    latest: set[str] = field(default_factory=set)
    effects: Counter[tuple[str, int]] = field(default_factory=Counter)
    results: dict[str, str] = field(default_factory=dict)
    _reached: Counter[tuple[str, int]] = field(default_factory=Counter)

    def live(self, name: str) -> Iterator[bool]:
        """Follow the plan of a call; yield True when it hangs, False after each step."""
        answers = []
        for place, step in enumerate(self.plans[name].steps):
            yield False
            if isinstance(step, Ask):
                answers.append(self._ask(f"{name} step {place}"))
            else:
                yield from self._work(name, place, step)
        self.effects[name, self.runs] += 1
        self.results[name] = f"{name} with {answers}"

    def _ask(self, question: str) -> str:
        answer = str(interrupt(question))
        if answer != f"yes to {question}":
            self.misdirected.append(f"{question!r} got {answer!r}")
        return answer

    def _work(self, name: str, place: int, step: Do) -> Iterator[bool]:
        outcome = dict(enumerate(step.outcomes)).get(self._reached[name, place], Work.OK)
        self._reached[name, place] += 1
        if outcome is Work.HANG:
            yield True
        if outcome in MAY_HAVE_ACTED:
            self.effects[name, self.runs] += 1
        if outcome in ERROR_BY_WORK:
            error = ERROR_BY_WORK[outcome]()
            raise error

    def tool(self, name: str, *, is_async: bool) -> BaseTool:
        """Return a tool that follows the plan named in its call."""

        def act(call: str) -> str:
            for _ in self.live(call):
                pass
            return self.results[call]

        async def aact(call: str) -> str:
            for hangs in self.live(call):
                if hangs:
                    self.hanging.add(call)
                    await asyncio.Event().wait()
                for _ in range(self.plans[call].pace):
                    await asyncio.sleep(0)
            return self.results[call]

        options: Any = {"name": name, "description": "Acts.", "args_schema": Told}
        if is_async:
            return StructuredTool.from_function(coroutine=aact, **options)
        return StructuredTool.from_function(act, **options)


def graph_of(world: World, *, is_async: bool, per_call: bool, door: Door = "node") -> Graph:
    """Return a graph whose model makes the calls of all plans in one message."""
    calls = [{"name": plan.tool, "args": {"call": name}, "id": name} for name, plan in world.plans.items()]
    model = ScriptedChatModel(
        [], then=lambda messages: AIMessage("", tool_calls=calls) if is_asked(messages) else "Done."
    )
    tools = [world.tool(name, is_async=is_async) for name in ("charge", "lookup")]
    options: Any = {"policy": RETRIED, "per_tool": {"charge": ONCE}}
    if door == "create_agent":
        return agent_of(tools, model=model, checkpointer=InMemorySaver(), **options)

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState).add_node("model", think).add_edge(START, "model")
    builder.add_node("tools", ResilientToolNode(tools, **options))
    builder.add_edge("tools", "model")
    if per_call:
        builder.add_conditional_edges("model", route_tool_calls)
    else:
        builder.add_conditional_edges("model", tools_condition, ["tools", END])
    return builder.compile(checkpointer=InMemorySaver())


def is_asked(messages: list[Any]) -> bool:
    """Return whether the last message is the user's."""
    return isinstance(messages[-1], HumanMessage)


def run(world: World, graph: Graph, given: Any) -> tuple[Interrupt, ...]:
    """Run the graph until it ends or asks, and return the questions."""
    world.runs += 1
    return _asked_in(graph.invoke(given, THREAD))


async def arun(world: World, graph: Graph, given: Any) -> tuple[Interrupt, ...]:
    """Do the same as `run`; when a call hangs, cancel the run and start it again."""
    world.runs += 1
    world.hanging.clear()
    task = asyncio.create_task(graph.ainvoke(given, THREAD))
    async with asyncio.timeout(PATIENCE):
        while not task.done() and not world.hanging:
            await asyncio.sleep(0)
    if world.hanging:
        for turn in range(SETTLED):
            await (asyncio.sleep(0) if turn % 10 else asyncio.to_thread(int))
        remark(f"run {world.runs} is canceled: {sorted(world.hanging)} hang")
        task.cancel()
    try:
        return _asked_in(await task)
    except asyncio.CancelledError:
        world.answered -= world.latest  # LangGraph may have lost them: the application gives them again
        return await arun(world, graph, None)


def _asked_in(state: dict[str, Any]) -> tuple[Interrupt, ...]:
    """Return the questions in an order that does not depend on timing, so that Hypothesis can repeat examples."""
    return tuple(sorted(state.get("__interrupt__", ()), key=lambda each: str(each.value)))


def approval(world: World, asked: tuple[Interrupt, ...], data: st.DataObject) -> Command[Any]:
    """Return the resume for at least one of the questions, none of which was answered before."""
    remark(f"run {world.runs} asks {[each.value for each in asked]}")
    assert world.answered.isdisjoint(each.value for each in asked)
    chosen = list(asked)
    if len(asked) > 1:
        chosen = data.draw(st.lists(st.sampled_from(asked), min_size=1, unique_by=lambda each: each.id))
    world.latest = {each.value for each in chosen}
    world.answered |= world.latest
    return replies(world, chosen)


def replies(world: World, asked: Sequence[Interrupt]) -> Command[Any]:
    """Return the replies to these questions."""
    if world.by_value:
        (only,) = asked
        return Command(resume=f"yes to {only.value}")
    return Command(resume={each.id: f"yes to {each.value}" for each in asked})


def plans(outcomes: Iterable[Work]) -> st.SearchStrategy[dict[str, Plan]]:
    """Return plans for one to three calls."""
    work = st.builds(Do, st.lists(st.sampled_from(list(outcomes)), max_size=4).map(tuple))
    steps = st.lists(st.one_of(st.just(Ask()), work), max_size=4)
    plan = st.builds(
        Plan,
        tool=st.sampled_from(["charge", "lookup"]),
        steps=steps.map(tuple),
        pace=st.integers(0, 3),
    )
    return st.lists(plan, min_size=1, max_size=3).map(lambda made: {f"c{n}": each for n, each in enumerate(made, 1)})


def world_of(data: st.DataObject, outcomes: Iterable[Work], *, per_call: bool) -> World:
    """Return a world whose plans are possible in this way of running tools."""
    return World(
        data.draw(plans(outcomes)),
        by_value=not per_call and data.draw(st.booleans()),
    )


def check(world: World, messages: list[Any], *, per_call: bool) -> None:
    """Check a finished run against the rules."""
    remark(f"messages: {messages}")
    check_history(messages)
    answers = [message for message in messages if isinstance(message, ToolMessage)]
    assert [answer.tool_call_id for answer in answers] == list(world.plans)
    assert messages[-1].content == "Done."
    assert world.misdirected == []
    for answer in answers:
        if answer.status == "success":
            assert answer.content == world.results[answer.tool_call_id]
    for name, plan in world.plans.items():
        acts = [count for (acting, _), count in world.effects.items() if acting == name]
        if plan.tool == "charge":
            assert max(acts, default=0) <= 1
            assert sum(acts) <= 1 or not per_call
        assert max(acts, default=0) <= RETRIED.max_attempts


@pytest.mark.untraced
@WAYS
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_however_calls_fail_and_ask_each_is_answered_once_and_acts_once(
    door: Door, per_call: bool, data: st.DataObject
) -> None:
    outcomes = set(Work) - {Work.HANG}
    world = world_of(data, sorted(outcomes), per_call=per_call)
    graph = graph_of(world, is_async=False, per_call=per_call, door=door)
    with no_waiting():
        asked = run(world, graph, {"messages": [HumanMessage("help")]})
        while asked:
            assert world.runs < ENOUGH
            asked = run(world, graph, approval(world, asked, data))

    check(world, graph.get_state(THREAD).values["messages"], per_call=per_call)


@pytest.mark.untraced
@WAYS
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_however_calls_fail_ask_and_are_canceled_each_is_answered_once_and_acts_once(
    door: Door, per_call: bool, data: st.DataObject
) -> None:
    world = world_of(data, Work, per_call=per_call)
    graph = graph_of(world, is_async=True, per_call=per_call, door=door)

    async def until_done() -> None:
        asked = await arun(world, graph, {"messages": [HumanMessage("help")]})
        while asked:
            assert world.runs < ENOUGH
            asked = await arun(world, graph, approval(world, asked, data))

    with no_waiting():
        asyncio.run(until_done())

    check(world, graph.get_state(THREAD).values["messages"], per_call=per_call)


def test_a_resumed_call_that_asks_again_does_not_wait_for_calls_that_wait_for_it() -> None:
    asks_twice = Plan(tool="charge", steps=(Ask(), Ask()), pace=0)
    world = World({"c1": asks_twice, "c2": Plan(tool="lookup", steps=(), pace=0)}, by_value=True)
    graph = graph_of(world, is_async=True, per_call=False)

    async def until_done() -> None:
        (first,) = await arun(world, graph, {"messages": [HumanMessage("help")]})
        (second,) = await arun(world, graph, Command(resume=f"yes to {first.value}"))
        assert await arun(world, graph, Command(resume=f"yes to {second.value}")) == ()

    asyncio.run(until_done())

    check(world, graph.get_state(THREAD).values["messages"], per_call=False)


@pytest.mark.parametrize(
    ("per_call", "by_value"),
    [(False, False), (False, True), (True, False)],
    ids=["one node", "one node by value", "a task per call"],
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    "outcomes",
    [(Work.OK, Work.REFUSED), (Work.REFUSED, Work.OK)],
    ids=["fails where it had asked", "asks where it had failed"],
)
def test_no_call_acts_on_the_answer_that_was_meant_for_another(
    outcomes: tuple[Work, ...], is_async: bool, per_call: bool, by_value: bool
) -> None:
    changeable = Plan(tool="charge", steps=(Do(outcomes), Ask()), pace=0)
    steady = Plan(tool="charge", steps=(Ask(),), pace=0)
    world = World({"c1": changeable, "c2": steady}, by_value=by_value)
    graph = graph_of(world, is_async=is_async, per_call=per_call)

    def go_on(given: Any) -> tuple[Interrupt, ...]:
        return asyncio.run(arun(world, graph, given)) if is_async else run(world, graph, given)

    questions = []
    with no_waiting():
        asked = go_on({"messages": [HumanMessage("help")]})
        while asked:
            assert world.runs < ENOUGH
            questions += [each.value for each in asked]
            asked = go_on(replies(world, asked))

    assert world.misdirected == []
    assert len(questions) == len(set(questions))
