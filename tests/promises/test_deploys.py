"""A thread that is paused in a node goes on after a deploy, and no call gets another one's record or resume value."""

from collections import Counter
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import task
from langgraph.graph import MessagesState
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode
from tests.support.toolbox import Flavor, answers_in, asking, graph_of, graph_with

THREAD: Any = {"configurable": {"thread_id": "1"}}


def contents(state: Any) -> list[Any]:
    return [answer.content for answer in answers_in(state)]


class Till:
    """Two tools that count their runs, and one that asks a human twice."""

    def __init__(self, flavor: Flavor) -> None:
        self.runs: Counter[str] = Counter()

        def charge() -> str:
            self.runs["charge"] += 1
            return "charged"

        def refund() -> str:
            self.runs["refund"] += 1
            return "refunded"

        def close() -> str:
            return f"{interrupt('close?')}, {interrupt('sure?')}"

        self.tools = [flavor.tool(each) for each in (charge, refund, close)]
        self.calls = asking(("charge", {}), ("refund", {}), ("close", {}))


def test_the_record_of_another_call_is_not_used(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    till, saver = Till(flavor), InMemorySaver()
    graph = graph_of(till.tools, checkpointer=saver)
    flavor.run(graph, till.calls, THREAD)
    (writes,) = (each for each in saver.writes.values() if len(each) > 2)
    one, other = (key for key, write in writes.items() if write[1] == "__return__")
    first, second = writes[one], writes[other]
    writes[one], writes[other] = (*first[:2], *second[2:]), (*second[:2], *first[2:])
    for _ in range(2):
        state = flavor.run(graph, Command(resume="yes"), THREAD)
    assert contents(state) == ["charged", "refunded", "yes, yes"]
    assert till.runs == {"charge": 2, "refund": 2}
    warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert [text.split(",")[0] for text in warned] == ["charge runs", "refund runs"]


def before_and_after_a_deploy(flavor: Flavor, node: ResilientToolNode) -> tuple[Any, Any]:
    """Return two graphs for the same threads; the second creates a task before it calls the node."""

    @task
    def look() -> str:
        return "new"

    @task
    async def alook() -> str:
        return "new"

    def graph(*, is_new: bool) -> Any:
        def step(state: MessagesState) -> Any:
            if is_new:
                look().result()
            return node.invoke(state)

        async def astep(state: MessagesState) -> Any:
            if is_new:
                await alook()
            return await node.ainvoke(state)

        return graph_with(astep if flavor.is_async else step, checkpointer=saver)

    saver = InMemorySaver()
    return graph(is_new=False), graph(is_new=True)


def test_a_deploy_that_makes_a_task_before_the_node_mixes_no_answers(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    till = Till(flavor)
    before, after = before_and_after_a_deploy(flavor, ResilientToolNode(till.tools))
    flavor.run(before, till.calls, THREAD)
    state = flavor.run(after, Command(resume="yes"), THREAD)
    assert [each.value for each in state["__interrupt__"]] == ["close?"]  # of another place: asked again
    for _ in range(2):
        state = flavor.run(after, Command(resume="no"), THREAD)
    assert contents(state) == ["charged", "refunded", "no, no"]
    assert till.runs == {"charge": 2, "refund": 2}
    assert "charge runs, since the record in its place is another call's" in caplog.text


@pytest.mark.parametrize("by_id", [True, False], ids=["by id", "by value"])
def test_a_deploy_that_makes_a_task_before_the_node_gives_no_answer_to_another_call(
    flavor: Flavor, by_id: bool
) -> None:
    def close(owner: str) -> str:
        return f"{owner}: {interrupt(f'close {owner}?')}"

    before, after = before_and_after_a_deploy(flavor, ResilientToolNode([flavor.tool(close)]))
    flavor.run(before, asking(("close", {"owner": "Ann"}), ("close", {"owner": "Bob"})), THREAD)
    (asked,) = flavor.run(before, Command(resume="yes"), THREAD)["__interrupt__"]

    yes = f"yes to {asked.value}"
    state = flavor.run(after, Command(resume={asked.id: yes} if by_id else yes), THREAD)
    while "__interrupt__" in state:
        (asked,) = state["__interrupt__"]
        state = flavor.run(after, Command(resume=f"yes to {asked.value}"), THREAD)
    assert contents(state) == ["Ann: yes to close Ann?", "Bob: yes to close Bob?"]
