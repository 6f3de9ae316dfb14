"""A call that was cut off by the end of its process is verified before it runs again, if it has a `verify`."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from agent_tools import DoubtfulCall, RetryPolicy, ToolEvent
from tests.support.toolbox import Flavor, answers_in, asking

pytestmark = pytest.mark.doors("node", "create_agent")

THREAD: Any = {"configurable": {"thread_id": "1"}}


class Killed(BaseException):
    """Stands for the end of the process."""


class Ledger:
    """Books a charge, and may end the process before or after it."""

    def __init__(self) -> None:
        self.charges = 0
        self.asked: list[DoubtfulCall] = []
        self.events: list[ToolEvent] = []
        self.is_killed = True
        self.is_charged_first = True

    def charge(self, order: str) -> str:
        self.charges += self.is_charged_first or not self.is_killed
        if self.is_killed:
            raise Killed
        return f"charge {self.charges}"

    def verify(self, call: DoubtfulCall) -> str | bool:
        self.asked.append(call)
        return f"found charge {self.charges}" if self.charges else False


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def run_until_killed(flavor: Flavor, graph: Any, state: Any, **options: Any) -> None:
    with pytest.raises(Killed):
        flavor.run(graph, state, THREAD, **options)


def graph_of(flavor: Flavor, ledger: Ledger, saver: Any, body: Callable[..., Any] | None = None, **options: Any) -> Any:
    policy = RetryPolicy(base_delay=0, **{"verify": ledger.verify, **options})
    tool = flavor.tool(ledger.charge if body is None else body, name="charge")
    return flavor.graph_of([tool], checkpointer=saver, policy=policy, observer=ledger.events.append)


def resumed(flavor: Flavor, graph: Any, state: Any = None, **options: Any) -> Any:
    (answer,) = answers_in(flavor.run(graph, state, THREAD, **options))
    return answer


@pytest.mark.parametrize("durability", ["sync", "async"])
def test_what_was_charged_before_the_kill_is_read_off_the_ledger(
    flavor: Flavor, ledger: Ledger, durability: str
) -> None:
    graph = graph_of(flavor, ledger, InMemorySaver())
    run_until_killed(flavor, graph, asking(("charge", {"order": "A"})), durability=durability)
    ledger.is_killed = False
    answer = resumed(flavor, graph, durability=durability)

    assert (answer.status, answer.content, ledger.charges) == ("success", "found charge 1", 1)
    (call,) = ledger.asked
    assert (call.arguments, call.failure.rule) == ({"order": "A"}, "cut off")
    assert [(event.type, event.found) for event in ledger.events] == [
        ("tool_verified", "happened"),
        ("tool_recovered", None),
    ]


def test_what_was_not_charged_before_the_kill_is_charged_now(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_charged_first = False
    graph = graph_of(flavor, ledger, InMemorySaver())
    run_until_killed(flavor, graph, asking(("charge", {"order": "A"})))
    run_until_killed(flavor, graph, None)
    ledger.is_killed = False
    answer = resumed(flavor, graph)

    assert (answer.content, ledger.charges, len(ledger.asked)) == ("charge 1", 1, 2)


def test_what_nobody_knows_is_not_charged_again(flavor: Flavor, ledger: Ledger) -> None:
    graph = graph_of(flavor, ledger, InMemorySaver(), verify=lambda call: None)
    run_until_killed(flavor, graph, asking(("charge", {"order": "A"})))
    ledger.is_killed = False
    answer = resumed(flavor, graph)

    assert ledger.charges == 1
    assert answer.content == (
        "`charge` was cut off: the application ended before its result was recorded. It was tried once. It is unknown "
        "whether it took effect: check before doing it again. Tell the user that the outcome of `charge` has to be "
        "checked, and continue without its result."
    )
    assert answer.artifact["may_have_acted"] is True


def test_a_call_that_must_not_act_twice_is_not_run_again_though_nobody_can_be_asked(
    flavor: Flavor, ledger: Ledger
) -> None:
    graph = graph_of(flavor, ledger, InMemorySaver(), verify=None, idempotent=False)
    run_until_killed(flavor, graph, asking(("charge", {"order": "A"})))
    ledger.is_killed = False
    answer = resumed(flavor, graph)

    assert (answer.status, ledger.charges) == ("error", 1)
    assert answer.content.startswith("`charge` was cut off: the application ended before its result was recorded.")
    assert answer.artifact["may_have_acted"] is True


def test_a_call_that_must_not_act_twice_is_run_when_a_human_has_approved_it(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_killed = False

    def charge(order: str) -> str:
        assert interrupt("charge?") == "yes"
        return ledger.charge(order)

    graph = graph_of(flavor, ledger, InMemorySaver(), charge, verify=None, idempotent=False)
    flavor.run(graph, asking(("charge", {"order": "A"})), THREAD)

    assert resumed(flavor, graph, Command(resume="yes")).content == "charge 1"


def test_a_call_that_paused_for_a_human_was_not_cut_off(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_killed = False

    def charge(order: str) -> str:
        assert interrupt("charge?") == "yes"
        assert interrupt("really?") == "yes"
        return ledger.charge(order)

    graph = graph_of(flavor, ledger, InMemorySaver(), charge)
    flavor.run(graph, asking(("charge", {"order": "A"})), THREAD)
    flavor.run(graph, Command(resume="yes"), THREAD)
    answer = resumed(flavor, graph, Command(resume="yes"))

    assert (answer.content, ledger.charges, ledger.asked) == ("charge 1", 1, [])


def test_an_approved_call_that_was_cut_off_is_verified(flavor: Flavor, ledger: Ledger) -> None:
    def charge(order: str) -> str:
        assert interrupt("charge?") == "yes"
        return ledger.charge(order)

    graph = graph_of(flavor, ledger, InMemorySaver(), charge)
    flavor.run(graph, asking(("charge", {"order": "A"})), THREAD)
    run_until_killed(flavor, graph, Command(resume="yes"))
    ledger.is_killed = False
    answer = resumed(flavor, graph)

    assert (answer.content, ledger.charges) == ("found charge 1", 1)


def test_a_call_of_another_message_is_another_call(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_killed = False
    graph = graph_of(flavor, ledger, InMemorySaver())
    for turn in (1, 2):
        flavor.run(graph, asking(("charge", {"order": "A"})), THREAD)

        assert (ledger.charges, ledger.asked) == (turn, [])


def test_a_call_in_a_graph_inside_a_graph_is_verified(flavor: Flavor, ledger: Ledger) -> None:
    inner = graph_of(flavor, ledger, None)
    outer = StateGraph(MessagesState).add_node("inner", inner).add_edge(START, "inner").compile(InMemorySaver())
    run_until_killed(flavor, outer, asking(("charge", {"order": "A"})))
    ledger.is_killed = False

    assert (resumed(flavor, outer).content, ledger.charges) == ("found charge 1", 1)


def test_two_calls_of_one_message_are_verified_each(flavor: Flavor, ledger: Ledger) -> None:
    def charge(order: str) -> str:
        return ledger.charge(order) if order == "B" else "charge A"

    graph = graph_of(flavor, ledger, InMemorySaver(), charge)
    calls = asking(("charge", {"order": "A"}), ("charge", {"order": "B"}))
    run_until_killed(flavor, graph, calls)
    ledger.is_killed = False
    ledger.asked.clear()
    answers = answers_in(flavor.run(graph, None, THREAD))

    assert ledger.charges == 1
    assert answers[1].content == "found charge 1"
    assert "B" in [call.arguments["order"] for call in ledger.asked]


def test_without_a_checkpointer_or_a_declaration_nothing_is_marked(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_killed = False
    saver = InMemorySaver()
    assert answers_in(flavor.run(graph_of(flavor, ledger, None), asking(("charge", {"order": "A"}))))
    flavor.run(graph_of(flavor, ledger, saver, verify=None), asking(("charge", {"order": "A"})), THREAD)

    channels = [write[1] for writes in saver.writes.values() for write in writes.values()]
    assert not [channel for channel in channels if "agent_tools" in channel]


def test_with_durability_exit_the_call_runs_at_once(flavor: Flavor, ledger: Ledger) -> None:
    ledger.is_killed = False
    graph = graph_of(flavor, ledger, InMemorySaver())
    answer = resumed(flavor, graph, asking(("charge", {"order": "A"})), durability="exit")

    assert answer.content == "charge 1"


def test_a_cancelled_call_is_verified_when_its_thread_goes_on(ledger: Ledger) -> None:
    flavor = Flavor(is_async=True)

    async def charge(order: str) -> str:
        ledger.charges += 1
        await asyncio.sleep(10)
        return "never"

    tool = StructuredTool.from_function(coroutine=charge, name="charge", description="Charges.")
    graph = flavor.graph_of([tool], checkpointer=InMemorySaver(), policy=RetryPolicy(verify=ledger.verify))

    async def main() -> Any:
        run = asyncio.create_task(graph.ainvoke(asking(("charge", {"order": "A"})), THREAD))
        while not ledger.charges:
            await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        return await graph.ainvoke(None, THREAD)

    (answer,) = answers_in(asyncio.run(main()))
    assert (answer.content, ledger.charges) == ("found charge 1", 1)
