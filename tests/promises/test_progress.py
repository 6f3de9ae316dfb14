"""A model that makes progress goes on, one that goes in circles is stopped; in the node and in an agent."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ToolCallLimitMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import ToolException
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition
from langgraph.types import Command, interrupt

from agent_tools import ResilientToolNode
from agent_tools.middleware import GiveUpMiddleware, ResilientToolMiddleware
from agent_tools.routing import escalation_edge
from agent_tools.testing import ScriptedChatModel, call
from tests.support.toolbox import AT_ONCE, Flavor, answers_in, http_error

pytestmark = [pytest.mark.doors("node", "create_agent"), pytest.mark.untraced]
GO: Any = {"messages": [HumanMessage("help")]}
LONG: Any = {"recursion_limit": 99}
THREAD: Any = {"configurable": {"thread_id": "1"}}


def test_tests_run_again_after_each_edit_that_worked(flavor: Flavor) -> None:
    runs = []

    def run_tests() -> str:
        runs.append("tests")
        raise ToolException("1 failed")

    def edit(text: str) -> str:
        return "edited"

    steps = [each for n in range(9) for each in (call("run_tests"), call("edit", text=str(n)))]
    flavor.run(
        flavor.agent(ScriptedChatModel(steps, then="Done."), [flavor.tool(run_tests), flavor.tool(edit)]), GO, LONG
    )

    assert len(runs) == 9


def test_polling_goes_on_while_its_answers_change(flavor: Flavor) -> None:
    runs = []

    def poll() -> str:
        runs.append("poll")
        raise ToolException(f"{min(len(runs), 5)}0 % done")

    flavor.run(flavor.agent(ScriptedChatModel([call("poll")] * 9, then="Done."), [flavor.tool(poll)]), GO)

    assert len(runs) == 6  # from the fifth on its failures are the same


def test_a_sign_in_lets_a_refused_call_run_again(flavor: Flavor) -> None:
    signed_in = []

    def get_account() -> str:
        if not signed_in:
            raise http_error(401)
        return "balance 5"

    def sign_in() -> str:
        signed_in.append("yes")
        return "signed in"

    steps = [call("get_account"), call("get_account"), call("sign_in"), call("get_account")]
    tools = [flavor.tool(get_account), flavor.tool(sign_in)]
    answers = answers_in(flavor.run(flavor.agent(ScriptedChatModel(steps, then="Done."), tools), GO))

    assert answers[1].artifact["reason"] == "stopped"
    assert answers[3].content == "balance 5"


@pytest.mark.doors("create_agent")
def test_what_a_human_rejects_or_a_limit_blocks_counts_nowhere(flavor: Flavor) -> None:
    sent = []

    def send(body: str) -> str:
        sent.append(body)
        return "sent"

    def other() -> str:
        return "fine"

    steps = [*[call("send", body="draft")] * 4, call("other"), call("other"), call("send", body="draft"), "Bye."]
    middleware: list[Any] = [
        GiveUpMiddleware(after=1),
        HumanInTheLoopMiddleware(interrupt_on={"send": True}),
        ToolCallLimitMiddleware(tool_name="other", run_limit=1),
        ResilientToolMiddleware(policy=AT_ONCE),
    ]
    tools = [flavor.tool(send), flavor.tool(other)]
    agent = create_agent(ScriptedChatModel(steps), tools, middleware=middleware, checkpointer=InMemorySaver())
    flavor.run(agent, GO, THREAD)
    for _ in range(3):
        flavor.run(agent, Command(resume={"decisions": [{"type": "reject", "message": "too formal"}]}), THREAD)
    flavor.run(agent, Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    state = flavor.run(agent, Command(resume={"decisions": [{"type": "approve"}]}), THREAD)

    assert sent == ["draft", "draft"]
    assert isinstance(state["messages"][-1], AIMessage)
    assert state["messages"][-1].content == "Bye."
    assert escalation_edge(after=1)(state) == "model"


def refusing(sent: list[str]) -> Callable[[str], str]:
    def send(body: str) -> str:
        sent.append(body)
        raise ToolException("the mail server says no")

    return send


@pytest.mark.doors("create_agent")
@pytest.mark.parametrize("mode", ["batched", "per_call"])
def test_a_call_that_a_human_approves_is_run_however_often_it_has_failed(flavor: Flavor, mode: str) -> None:
    if mode == "per_call" and "interrupt_mode" not in signature(HumanInTheLoopMiddleware).parameters:
        pytest.skip("this LangChain asks for all calls of a message at once")
    human = HumanInTheLoopMiddleware(
        interrupt_on={"send": True}, **({} if mode == "batched" else {"interrupt_mode": mode})
    )
    sent: list[str] = []
    middleware: list[Any] = [human, ResilientToolMiddleware(policy=AT_ONCE)]
    model = ScriptedChatModel([call("send", body="draft")] * 4, then="Bye.")
    agent = create_agent(model, [flavor.tool(refusing(sent))], middleware=middleware, checkpointer=InMemorySaver())
    flavor.run(agent, GO, THREAD)
    decision = {"type": "approve"}
    for _ in range(4):
        flavor.run(agent, Command(resume={"decisions": [decision]} if mode == "batched" else decision), THREAD)

    assert len(sent) == 4


@pytest.mark.doors("create_agent")
def test_an_approval_of_another_call_lets_no_call_run_again(flavor: Flavor) -> None:
    def pay() -> str:
        return "paid"

    sent: list[str] = []
    human = HumanInTheLoopMiddleware(interrupt_on={"pay": True})
    model = ScriptedChatModel([[call("send", body="draft"), call("pay")]] * 4, then="Bye.")
    tools = [flavor.tool(refusing(sent)), flavor.tool(pay)]
    middleware: list[Any] = [human, ResilientToolMiddleware(policy=AT_ONCE)]
    agent = create_agent(model, tools, middleware=middleware, checkpointer=InMemorySaver())
    flavor.run(agent, GO, THREAD)
    for _ in range(4):
        flavor.run(agent, Command(resume={"decisions": [{"type": "approve"}]}), THREAD)

    assert len(sent) == 3  # the first payment was a change


@pytest.mark.doors("node")
@pytest.mark.parametrize("calls", [1, 2])
def test_a_call_that_a_node_before_the_tools_has_approved_is_run(flavor: Flavor, calls: int) -> None:
    model = ScriptedChatModel([[call("send", body=f"draft {n}") for n in range(calls)]] * 4, then="Bye.")

    def review(state: MessagesState) -> dict[str, Any]:
        if len(answers_in(state)) >= 2 * calls and len(answers_in(state)) < 3 * calls:
            assert interrupt("send it once more?") == "yes"
        return {}

    sent: list[str] = []
    builder = StateGraph(MessagesState).add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ResilientToolNode([flavor.tool(refusing(sent))], policy=AT_ONCE)).add_node(review)
    builder.add_edge(START, "model").add_conditional_edges("model", tools_condition, {"tools": "review", END: END})
    builder.add_edge("review", "tools").add_edge("tools", "model")
    graph = builder.compile(checkpointer=InMemorySaver())
    flavor.run(graph, GO, THREAD)
    state = flavor.run(graph, Command(resume="yes"), THREAD)

    assert state["messages"][-1].content == "Bye."
    assert len(sent) == 3 * calls  # the third was approved, the fourth was not


@pytest.mark.doors("node")
def test_no_answer_to_a_call_that_was_not_run_speaks_of_its_effects(flavor: Flavor) -> None:
    def charge() -> str:
        raise TimeoutError

    again = ScriptedChatModel([call("charge")] * 3, then="Done.")
    first, _, last = answers_in(flavor.run(flavor.agent(again, [flavor.tool(charge)]), GO))

    assert "unknown whether it took effect" in first.content
    assert "It was not run again" in last.content
    assert "effect" not in last.content
    assert last.artifact["may_have_acted"] is False
