"""Threads that version 0.1.0 has paused go on: each resume value reaches the call that asked, and is used once."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph._internal import _constants as known
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.graph import MessagesState
from langgraph.types import Command, Interrupt

from agent_tools import ResilientToolNode
from agent_tools._langgraph.resume_values import question_id
from tests.support.shop import KilledError, Shop
from tests.support.toolbox import Flavor, Graph, answers_in, asking, graph_with

THREAD: Any = {"configurable": {"thread_id": "1"}}
CALLS = (("close", {"owner": "Ann"}), ("charge", {}), ("close", {"owner": "Bob"}))
DONE = ["Ann: yes to close Ann?", "charged", "Bob: yes to close Bob?"]

Reply = Callable[[Interrupt, str], Command[Any]]


def paused_by_0_1_0(flavor: Flavor, saver: InMemorySaver, answered: int, *, call_id: str = "c{}") -> Interrupt:
    """Pause the thread as 0.1.0 did, with its record among the node's resume values; return the pending question."""
    askers, questions = [call_id.format(1), call_id.format(3)], ["close Ann?", "close Bob?"]

    def ask(keys: dict[str, Any], number: int) -> None:
        asked = question_id(keys[known.CONFIG_KEY_CHECKPOINT_NS], number)
        answers = [[askers[each], f"yes to {questions[each]}"] for each in range(number)]
        record = {"answers": answers, "asking": askers[number], "question": asked}
        keys[known.CONFIG_KEY_SEND]([(known.RESUME, [{"agent_tools": record}])])
        raise GraphInterrupt([Interrupt(questions[number], id=asked)])

    numbers = iter(range(2))

    def tools(state: MessagesState, config: RunnableConfig) -> None:
        ask(config["configurable"], next(numbers))

    async def atools(state: MessagesState, config: RunnableConfig) -> None:
        ask(config["configurable"], next(numbers))

    graph = graph_with(atools if flavor.is_async else tools, checkpointer=saver)
    given: Any = asking(*CALLS)
    for number, call in enumerate(given["messages"][-1].tool_calls, start=1):
        call["id"] = call_id.format(number)
    state = flavor.run(graph, given, THREAD)
    for number in range(answered):
        state = flavor.run(graph, Command(resume=f"yes to {questions[number]}"), THREAD)
    (open_question,) = state["__interrupt__"]
    assert open_question.value == questions[answered]
    return open_question  # type: ignore[no-any-return]


def finished(flavor: Flavor, graph: Graph, state: Any) -> list[Any]:
    while "__interrupt__" in state:
        (asked,) = state["__interrupt__"]
        state = flavor.run(graph, Command(resume=f"yes to {asked.value}"), THREAD)
    return [answer.content for answer in answers_in(state)]


@pytest.mark.parametrize("answered", [0, 1])
@pytest.mark.parametrize("is_killed", [False, True], ids=["", "killed"])
@pytest.mark.parametrize(
    "reply",
    [lambda asked, said: Command(resume={asked.id: said}), lambda _, said: Command(resume=said)],
    ids=["by id", "by value"],
)
def test_each_answer_reaches_the_call_that_asked(flavor: Flavor, reply: Reply, answered: int, is_killed: bool) -> None:
    shop, saver = Shop(flavor), InMemorySaver()
    asked = paused_by_0_1_0(flavor, saver, answered)
    graph = graph_with(ResilientToolNode(shop.tools), checkpointer=saver)
    command: Any = reply(asked, f"yes to {asked.value}")
    if is_killed:
        shop.is_killed = True
        with pytest.raises(KilledError):
            flavor.run(graph, command, THREAD)
        shop.is_killed, command = False, None

    assert finished(flavor, graph, flavor.run(graph, command, THREAD)) == DONE
    assert shop.runs == {"Ann": 1, "Bob": 1, "charge": 1}


@pytest.mark.parametrize("answered", [0, 1])
def test_calls_of_one_id_are_asked_again(flavor: Flavor, answered: int) -> None:
    shop, saver = Shop(flavor), InMemorySaver()
    asked = paused_by_0_1_0(flavor, saver, answered, call_id="x")
    graph = graph_with(ResilientToolNode(shop.tools), checkpointer=saver)

    assert finished(flavor, graph, flavor.run(graph, Command(resume=f"yes to {asked.value}"), THREAD)) == DONE
    assert shop.runs == {"Ann": 1, "Bob": 1, "charge": 1}
