"""How `ResilientToolMiddleware` fits into a LangChain agent, besides the tests that run through both doors."""

import asyncio
import math
import sys
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import Command, interrupt

from agent_tools import RetryPolicy, ToolErrorHandler
from agent_tools._flow.deadline_timer import deadline_timer_of
from agent_tools.middleware import GiveUpMiddleware, ResilientToolMiddleware
from agent_tools.testing import ScriptedChatModel, call
from tests.support.toolbox import AT_ONCE, Flaky, Flavor, agent_of, answers_in, asking, http_error

THREAD = {"configurable": {"thread_id": "1"}}


@pytest.fixture
def door() -> str:
    return "create_agent"


def down(name: str) -> Any:
    """Return a function called `name` that always fails."""

    def fails() -> str:
        raise http_error(503)

    fails.__name__, fails.__doc__ = name, "Fails."
    return fails


def test_without_langchain_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    monkeypatch.delitem(sys.modules, "agent_tools.middleware")

    with pytest.raises(ImportError, match=r"pip install 'langgraph-agent-tools\[langchain\]'"):
        __import__("agent_tools.middleware")


# ---- hooks: create_agent adds a node for each ----


def nodes_of(*middleware: Any) -> set[str]:
    return set(create_agent(ScriptedChatModel(["hi"]), [down("lookup")], middleware=middleware).get_graph().nodes)


def test_it_adds_no_node_to_the_agent() -> None:
    assert nodes_of(ResilientToolMiddleware()) == nodes_of()
    assert nodes_of(GiveUpMiddleware(after=3)) - nodes_of() == {"GiveUpMiddleware.before_model"}


def test_it_has_one_hook() -> None:
    hooks = {name for name in vars(AgentMiddleware) if name.endswith(("_agent", "_model", "_call"))}

    assert hooks & set(vars(ResilientToolMiddleware)) == {"wrap_tool_call", "awrap_tool_call"}


# ---- whose tools ----


def lookup() -> str:
    """Looks up."""
    return "fine"


@pytest.mark.parametrize(
    "named", ["lookup", lookup, StructuredTool.from_function(lookup)], ids=lambda it: type(it).__name__
)
def test_tools_are_named_by_name_by_tool_or_by_function(named: Any) -> None:
    assert ResilientToolMiddleware(tools=[named]).name == "ResilientToolMiddleware[lookup]"


def test_several_look_after_disjoint_tools_and_leave_all_others_alone(flavor: Flavor) -> None:
    fails = {name: Flaky([http_error(503)] * 9) for name in ("a", "b", "c")}

    def tool(name: str) -> BaseTool:
        return flavor.tool(lambda: str(fails[name]()), name=name)

    once = ResilientToolMiddleware(tools=["a"], policy=RetryPolicy(max_attempts=1))
    graph = agent_of([tool("a"), tool("b"), tool("c")], tools=["b"], inside=[once])
    one, two = answers_in(flavor.run(graph, asking(("a", {}), ("b", {}))))

    assert [one.status, two.status] == ["error", "error"]
    assert (fails["a"].runs, fails["b"].runs) == (1, 3)
    with pytest.raises(type(http_error(503))):
        flavor.run(graph, asking(("c", {})))
    assert fails["c"].runs == 1


def test_two_for_the_same_tools_are_refused_by_langchain() -> None:
    with pytest.raises(AssertionError, match="duplicate"):
        agent_of([lookup], inside=[ResilientToolMiddleware()])


def test_a_policy_for_a_tool_that_it_does_not_look_after_is_refused() -> None:
    with pytest.raises(ValueError, match="per_tool names 'refnd', but the tools are refund"):
        ResilientToolMiddleware(tools=["refund"], per_tool={"refnd": AT_ONCE})


@pytest.mark.parametrize("options", [{"per_tool": {"lokup": AT_ONCE}}, {"texts": {"lokup": "{tool} failed"}}])
def test_a_policy_for_a_tool_that_the_agent_does_not_have_is_refused_in_each_call(
    flavor: Flavor, options: dict[str, Any]
) -> None:
    graph = flavor.graph_of([flavor.tool(lookup)], **options)
    for _ in range(2):
        with pytest.raises(ValueError, match="names 'lokup', but the tools are lookup"):
            flavor.run(graph, asking(("lookup", {})))


def test_a_tool_that_is_added_at_run_time_may_have_a_policy_where_it_is_named(flavor: Flavor) -> None:
    options = {"tools": ["lookup", "added_later"], "per_tool": {"added_later": AT_ONCE}}
    assert flavor.answer(flavor.tool(lookup), **options).content == "fine"


def test_a_tool_to_look_after_that_the_agent_does_not_have_is_warned_of_with_the_first_call(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    graph = flavor.graph_of([flavor.tool(lookup)], tools=["lokup"])
    flavor.run(graph, asking(("lookup", {}), ("lookup", {})))

    assert [record.getMessage() for record in caplog.records] == ["tools names 'lokup', but the tools are lookup"]


@pytest.mark.parametrize(
    "one", ["lookup", lookup, StructuredTool.from_function(lookup)], ids=lambda it: type(it).__name__
)
def test_one_tool_that_is_no_list_is_refused(one: Any) -> None:
    with pytest.raises(TypeError, match="tools must be a list of tools or their names, not"):
        ResilientToolMiddleware(tools=one)


def test_a_shared_handler_may_have_policies_for_the_tools_of_others(caplog: pytest.LogCaptureFixture) -> None:
    handler = ToolErrorHandler(per_tool={"elsewhere": AT_ONCE})
    flavor = Flavor(is_async=False, door="create_agent")

    assert flavor.answer(flavor.tool(lookup), handler=handler, tools=["lookup"]).content == "fine"
    assert caplog.records == []


# ---- ToolNode's own texts ----


def test_the_arguments_are_not_repeated_in_what_the_model_reads(flavor: Flavor) -> None:
    def charge(amount: int, card: str) -> str:
        raise AssertionError("the body must not be reached")

    answer = flavor.answer(
        flavor.tool(charge), arguments={"amount": "many", "card": "sk-live-4eC39HqLyjWDarjtT1zdp7dc"}
    )

    assert "amount: Input should be a valid integer" in answer.content
    for piece in ("4eC39", "card", "lease", "Error invoking"):
        assert piece not in answer.content


def test_a_value_that_the_application_adds_is_not_named(flavor: Flavor) -> None:
    def charge(amount: int, messages: Annotated[int, InjectedState("messages")]) -> str:
        raise AssertionError("the body must not be reached")

    answer = flavor.answer(flavor.tool(charge), arguments={"amount": 5})

    assert answer.content.startswith("`charge` was not run: a value that the application adds to the call is invalid")
    assert answer.artifact["error_type"] == "ValidationError"


def test_a_tool_that_does_not_exist_is_known_not_to_have_run(flavor: Flavor) -> None:
    events: list[Any] = []
    (answer,) = flavor.answers([flavor.tool(lookup)], ("lokup", {}), observer=events.append)

    assert (answer.status, answer.artifact["may_have_acted"]) == ("error", False)
    assert "lookup" in answer.content
    assert [(event.type, event.tool) for event in events] == [("tool_failed", "lokup")]


# ---- results ----


def _results() -> dict[str, tuple[Any, dict[str, Any]]]:
    def message(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return ToolMessage("made by hand", tool_call_id=tool_call_id, artifact={"rows": 3})

    def command(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return Command(update={"messages": [ToolMessage("moved", tool_call_id=tool_call_id)]})

    def several(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return [Command(update={"messages": [ToolMessage("moved", tool_call_id=tool_call_id)]})]

    def blocks() -> Any:
        return [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    return {
        "message": (message, {}),
        "command": (command, {}),
        "several": (several, {}),
        "empty": (lambda: "", {}),
        "blocks": (blocks, {}),
        "with_artifact": (lambda: ("short", {"long": [1]}), {"response_format": "content_and_artifact"}),
        "direct": (lambda: "to the user", {"return_direct": True}),
    }


@pytest.mark.parametrize("kind", sorted(_results()))
def test_every_kind_of_result_is_the_one_of_create_agent_when_nothing_fails(flavor: Flavor, kind: str) -> None:
    body, options = _results()[kind]
    tool = StructuredTool.from_function(body, name=kind, description="Returns something.", **options)

    def run(*middleware: Any) -> list[Any]:
        model = ScriptedChatModel([call(kind), "Goodbye."])
        state = flavor.run(create_agent(model, [tool], middleware=middleware), {"messages": [HumanMessage("go")]})
        return [{**message.model_dump(), "id": None} for message in state["messages"]]

    assert run(ResilientToolMiddleware()) == run()


def test_the_model_is_told_of_the_same_tools_with_and_without(flavor: Flavor) -> None:
    def told(*middleware: Any) -> Any:
        model = ScriptedChatModel(["hi"])
        flavor.run(create_agent(model, [lookup], middleware=middleware), {"messages": [HumanMessage("go")]})
        return model.tools

    assert told(ResilientToolMiddleware()) == told()


# ---- agents in agents, tasks ----


def test_an_interrupt_of_an_agent_inside_a_tool_passes(flavor: Flavor) -> None:
    fails = Flaky([http_error(503)])

    def approve() -> str:
        answer = interrupt("from below")
        fails()
        return f"approved by {answer}"

    inner = flavor.graph_of([flavor.tool(approve)])

    def delegate() -> str:
        return str(answers_in(inner.invoke(asking(("approve", {}))))[0].content)

    async def adelegate() -> str:
        return str(answers_in(await inner.ainvoke(asking(("approve", {}))))[0].content)

    tool = StructuredTool.from_function(delegate, adelegate, name="delegate", description="Asks another agent.")
    outer = flavor.graph_of([tool, flavor.tool(lookup)], checkpointer=InMemorySaver())
    paused = flavor.run(outer, asking(("delegate", {}), ("lookup", {})), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["from below"]
    final = flavor.run(outer, Command(resume="Ada"), THREAD)
    assert [answer.content for answer in answers_in(final)] == ["approved by Ada", "fine"]
    assert fails.runs == 2


def test_calls_that_had_ended_do_not_run_again_after_an_interrupt(flavor: Flavor) -> None:
    charged = Flaky()

    def charge() -> str:
        return str(charged())

    def approve() -> str:
        return f"approved by {interrupt('may I?')}"

    graph = flavor.graph_of([flavor.tool(charge), flavor.tool(approve)], checkpointer=InMemorySaver())
    flavor.run(graph, asking(("charge", {}), ("approve", {})), THREAD)
    final = flavor.run(graph, Command(resume="Ada"), THREAD)

    assert [answer.content for answer in answers_in(final)] == ["done", "approved by Ada"]
    assert charged.runs == 1


@pytest.mark.anyio
async def test_nothing_holds_on_to_calls_that_have_ended() -> None:
    async def works() -> str:
        return "fine"

    async def breaks() -> str:
        raise http_error(404)

    tools = [StructuredTool.from_function(coroutine=fn, name=fn.__name__, description="x") for fn in (works, breaks)]
    await agent_of(tools).ainvoke(asking(("works", {}), ("breaks", {})))

    assert deadline_timer_of(asyncio.get_running_loop())._ends_by_task == {}


# ---- giving up ----


def giving_up(steps: list[Any], tools: list[Any], end: GiveUpMiddleware) -> tuple[Any, ScriptedChatModel]:
    model = ScriptedChatModel(steps)
    return agent_of(tools, model=model, checkpointer=InMemorySaver(), inside=[end]), model


def said(state: Any) -> str:
    return str(state["messages"][-1].content)


def test_after_too_many_failures_in_a_turn_the_run_ends_and_the_user_is_told(
    flavor: Flavor, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [[call("lookup"), call("charge")], call("lookup"), "Hello again."]
    tools = [flavor.tool(down("lookup")), flavor.tool(down("charge"))]
    graph, model = giving_up(steps, tools, GiveUpMiddleware(after=3))
    state = flavor.run(graph, {"messages": [HumanMessage("pay")]}, THREAD)

    assert len(model.seen) == 2
    assert [answer.status for answer in answers_in(state)] == ["error"] * 3
    assert said(state).startswith("I cannot finish this: `charge`, `lookup` did not work. Check what is not confirmed")
    assert "the agent gives up after 3 failed calls in this turn, of charge, lookup" in caplog.text
    assert said(flavor.run(graph, {"messages": [HumanMessage("hello?")]}, THREAD)) == "Hello again."


def test_only_failures_of_its_own_tools_count(flavor: Flavor) -> None:
    steps = [call("lookup"), call("lookup"), call("charge"), "not asked"]
    tools = [flavor.tool(down("lookup")), flavor.tool(down("charge"))]
    graph, model = giving_up(steps, tools, GiveUpMiddleware(after=1, tools=["charge"], last_words="Tut mir leid."))
    state = flavor.run(graph, {"messages": [HumanMessage("pay")]}, THREAD)

    assert len(model.seen) == 3
    assert said(state) == "Tut mir leid."


def test_a_node_of_the_graph_around_the_agent_may_take_over_with_all_messages(flavor: Flavor) -> None:
    steps, tools = [call("lookup"), "not asked"], [flavor.tool(down("lookup"))]
    graph, model = giving_up(steps, tools, GiveUpMiddleware(after=1, jump_to="human"))

    def human(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"A human has read {len(state['messages'])} messages.")]}

    builder = StateGraph(MessagesState).add_node("bot", graph, destinations=("human",)).add_node("human", human)
    around = builder.add_edge(START, "bot").add_edge("human", END).compile(checkpointer=InMemorySaver())
    state = flavor.run(around, {"messages": [HumanMessage("pay")]}, THREAD)

    assert len(model.seen) == 1
    assert said(state) == "A human has read 3 messages."
    assert len(state["messages"]) == 4


REFUSED = [
    ({"after": 0}, "after must be at least 1, not 0"),
    ({"after": math.nan}, "after must be a whole number, at least 1, not nan"),
    ({"after": True}, "after must be a whole number, at least 1, not True"),
    ({"after": 1, "tools": "lookup"}, "tools must be a list of tools or their names, not 'lookup'"),
    (
        {"after": 1, "jump_to": "human", "last_words": "Bye."},
        "last_words need jump_to='end', which ends the run, not 'human'",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_nonsense_is_refused_with_name_rule_and_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        GiveUpMiddleware(**options)

    assert str(caught.value) == message


@pytest.mark.parametrize("moved", ["give_up_after", "jump_to", "last_words"])
def test_options_that_have_moved_name_the_class_that_has_them_now(moved: str) -> None:
    with pytest.raises(TypeError, match=f"{moved} has moved: add GiveUpMiddleware"):
        ResilientToolMiddleware(**{moved: 1})
