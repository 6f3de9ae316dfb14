"""Each call has exactly one answer, and nothing is lost."""

import threading
import time
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import InjectedState, InjectedStore, ToolNode
from langgraph.store.base import BaseStore
from langgraph.types import Command, Send
from pydantic import BaseModel
from typing_extensions import TypedDict

from agent_tools import ResilientToolNode
from agent_tools.testing import FaultyServer, Reply, ScriptedChatModel, call
from tests.support.toolbox import (
    AT_ONCE,
    Door,
    Flaky,
    Flavor,
    answers_in,
    asking,
    graph_of,
    graph_with,
    http_error,
    names_of,
)

pytestmark = pytest.mark.doors("node", "create_agent")

ERRORS = [
    ValueError("no"),
    KeyError("order_id"),
    RuntimeError(""),
    http_error(401),
    http_error(404),
    http_error(503),
    TimeoutError(),
    ConnectionRefusedError(),
    ExceptionGroup("several", [http_error(403)]),
    StopIteration(),
    RecursionError(),
    MemoryError(),
]


def works() -> str:
    return "fine"


@pytest.mark.parametrize("error", ERRORS, ids=names_of(ERRORS))
def test_each_call_has_one_answer_in_call_order_whatever_one_of_them_raises(flavor: Flavor, error: Exception) -> None:
    fails = Flaky([error] * 9)

    def breaks() -> str:
        return str(fails())

    tools = [flavor.tool(works), flavor.tool(breaks)]
    one, two, three = flavor.answers(tools, ("works", {}), ("breaks", {}), ("works", {}))

    assert [one.tool_call_id, two.tool_call_id, three.tool_call_id] == ["c1", "c2", "c3"]
    assert [one.status, two.status, three.status] == ["success", "error", "success"]
    assert two.name == "breaks"
    assert isinstance(two.content, str)
    assert two.content


def test_the_next_turn_is_accepted_by_a_model_that_refuses_broken_histories(flavor: Flavor) -> None:
    def charge() -> str:
        raise http_error(401)

    model = ScriptedChatModel([[call("works"), call("charge")], "Charging is down.", "You are welcome."])
    tools = [flavor.tool(works), flavor.tool(charge)]
    agent = flavor.agent(model, tools, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}

    flavor.run(agent, {"messages": [HumanMessage("charge me")]}, thread)
    final = flavor.run(agent, {"messages": [HumanMessage("thanks")]}, thread)

    assert final["messages"][-1].content == "You are welcome."
    assert [answer.status for answer in answers_in(final)] == ["success", "error"]


def test_only_the_failed_sibling_runs_again_and_the_others_do_not_wait_for_it(flavor: Flavor) -> None:
    done: list[str] = []
    with FaultyServer({"/b": [Reply(503), Reply(503), Reply(200, "b")], "/a": Reply(200, "a")}) as server:

        def fetch(path: str) -> str:
            text = httpx.get(server.url + path).raise_for_status().text
            done.append(path)
            return text

        policy = AT_ONCE.__class__(base_delay=0.2, multiplier=1, jitter=0)
        tools = [flavor.tool(fetch)]
        asked = [("fetch", {"path": "/a"}), ("fetch", {"path": "/b"}), ("fetch", {"path": "/a"})]
        answers = flavor.answers(tools, *asked, policy=policy)

        assert [answer.content for answer in answers] == ["a", "b", "a"]
        assert server.count("/a") == 2
        assert server.count("/b") == 3
    assert done == ["/a", "/a", "/b"]


def test_a_slow_sibling_acts_and_keeps_its_result_after_another_failed(flavor: Flavor) -> None:
    acted = []

    def slow() -> str:
        time.sleep(0.3)
        acted.append("slow")
        return "charged"

    def fails() -> str:
        time.sleep(0.05)
        raise ValueError("no")

    before = threading.active_count()
    one, two = flavor.answers([flavor.tool(slow), flavor.tool(fails)], ("slow", {}), ("fails", {}))

    assert (one.content, two.status) == ("charged", "error")
    assert acted == ["slow"]
    assert threading.active_count() <= before


def test_an_unknown_tool_is_answered_and_its_siblings_are_not_touched(flavor: Flavor) -> None:
    one, two = flavor.answers([flavor.tool(works)], ("wroks", {}), ("works", {}))

    assert (one.tool_call_id, one.status, two.content) == ("c1", "error", "fine")
    assert "works" in one.content


def test_a_command_without_its_tool_message_is_answered_and_never_run_again(flavor: Flavor) -> None:
    bad = Flaky(result=Command(update={"messages": []}))

    def moves() -> Any:
        return bad()

    policy = AT_ONCE.__class__(base_delay=0, retry_on={"non_retryable", "retryable"})
    one, two = flavor.answers([flavor.tool(moves), flavor.tool(works)], ("moves", {}), ("works", {}), policy=policy)

    assert (one.status, two.content) == ("error", "fine")
    assert bad.runs == 1
    assert one.artifact["may_have_acted"] is True


def test_a_missing_state_field_is_raised_to_the_developer(door: Door) -> None:
    def needs(order: Annotated[str, InjectedState("order")]) -> str:
        return order

    with pytest.raises(KeyError, match="order"):
        graph_of([needs_tool(needs)], door=door).invoke(asking(("needs", {})))


def test_a_missing_store_is_raised_to_the_developer(door: Door) -> None:
    def needs(store: Annotated[BaseStore, InjectedStore()]) -> str:
        return str(store)

    with pytest.raises(ValueError, match="compile your graph with a store"):
        graph_of([needs_tool(needs)], door=door).invoke(asking(("needs", {})))


def needs_tool(body: Any) -> StructuredTool:
    return StructuredTool.from_function(body, description="Needs something of the application's.")


def test_a_sync_run_of_a_tool_that_is_only_async_is_raised_to_the_developer(door: Door) -> None:
    async def lookup() -> str:
        return "fine"

    tool = StructuredTool.from_function(coroutine=lookup, name="lookup", description="Looks up.")
    with pytest.raises(NotImplementedError, match="sync invocation") as raised:
        graph_of([tool], door=door).invoke(asking(("lookup", {})))
    assert "`lookup` is async: run the graph with ainvoke or astream." in raised.value.__notes__


def test_what_a_tool_has_not_implemented_is_answered(flavor: Flavor) -> None:
    def lookup() -> str:
        raise NotImplementedError("soon")

    assert flavor.answer(flavor.tool(lookup)).artifact["category"] == "non_retryable"


@pytest.mark.doors("node")  # for the other door see tests/middleware/test_composition.py
@pytest.mark.parametrize("error", [RuntimeError("mine"), http_error(503)], ids=["plain", "http"])
def test_an_error_of_the_users_own_wrapper_is_raised_to_the_developer(flavor: Flavor, error: Exception) -> None:
    def wrapper(request: Any, execute: Any) -> Any:
        execute(request)
        raise error

    with pytest.raises(type(error)) as caught:
        flavor.answer(flavor.tool(works), wrap_tool_call=wrapper)

    assert caught.value is error


# ---- input shapes ----


class PydanticState(BaseModel):
    messages: Annotated[list[AnyMessage], add_messages]


@dataclass
class DataclassState:
    messages: Annotated[list[AnyMessage], add_messages]


class OtherKey(TypedDict):
    chat: Annotated[list[AnyMessage], add_messages]


@pytest.mark.doors("node")  # create_agent has one kind of state
@pytest.mark.parametrize(
    ("schema", "key"),
    [(MessagesState, "messages"), (PydanticState, "messages"), (DataclassState, "messages"), (OtherKey, "chat")],
)
def test_every_kind_of_state_is_read_and_written_as_toolnode_does(flavor: Flavor, schema: type, key: str) -> None:
    def breaks() -> str:
        raise http_error(403)

    node = ResilientToolNode([flavor.tool(works), flavor.tool(breaks)], messages_key=key)
    builder = StateGraph(schema).add_node("tools", node).add_edge(START, "tools").add_edge("tools", END)
    state = {key: asking(("works", {}), ("breaks", {}))["messages"]}

    messages = flavor.run(builder.compile(), state)[key]

    assert [message.status for message in messages[2:]] == ["success", "error"]


def _outputs(flavor: Flavor, node: ToolNode, shape: str) -> Any:
    """Return the output of the node for an input of this shape, as seen inside a graph."""
    state = asking(("works", {}))
    tool_call = state["messages"][-1].tool_calls[0]
    node_input = {
        "list": state["messages"],
        "dict": state,
        "tool_calls": [tool_call],
        "with_context": {"__type": "tool_call_with_context", "tool_call": tool_call, "state": state},
    }[shape]
    seen = []

    def sync_step(state: Any, config: RunnableConfig) -> dict[str, Any]:
        seen.append(node.invoke(node_input, config))
        return {}

    async def async_step(state: Any, config: RunnableConfig) -> dict[str, Any]:
        seen.append(await node.ainvoke(node_input, config))
        return {}

    flavor.run(graph_with(async_step if flavor.is_async else sync_step), {"messages": []})
    return seen


@pytest.mark.doors("node")  # create_agent gives its node one shape of input
@pytest.mark.parametrize("shape", ["list", "dict", "tool_calls", "with_context"])
def test_every_shape_of_input_gives_the_output_of_toolnode(flavor: Flavor, shape: str) -> None:
    tools = [flavor.tool(works)]

    assert _outputs(flavor, ResilientToolNode(tools), shape) == _outputs(flavor, ToolNode(tools), shape)


@pytest.mark.doors("node")  # create_agent has no other way
def test_one_task_per_call_through_send_is_answered(flavor: Flavor) -> None:
    def breaks() -> str:
        raise http_error(403)

    def one_each(state: MessagesState) -> list[Send]:
        return [Send("tools", [tool_call]) for tool_call in state["messages"][-1].tool_calls]

    node = ResilientToolNode([flavor.tool(works), flavor.tool(breaks)])
    builder = StateGraph(MessagesState).add_node("tools", node).add_edge("tools", END)
    graph = builder.add_conditional_edges(START, one_each, ["tools"]).compile()

    answers = answers_in(flavor.run(graph, asking(("works", {}), ("breaks", {}))))

    assert [(answer.tool_call_id, answer.status) for answer in answers] == [("c1", "success"), ("c2", "error")]


# ---- results ----


def _results() -> dict[str, Any]:
    def message(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return ToolMessage("made by hand", tool_call_id=tool_call_id, artifact={"rows": 3})

    def command(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return Command(update={"messages": [ToolMessage("moved", tool_call_id=tool_call_id)]})

    def several(tool_call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return [Command(update={"messages": [ToolMessage("moved", tool_call_id=tool_call_id)]})]

    def to_parent() -> Any:
        return Command(graph=Command.PARENT, goto=[Send("elsewhere", {})])

    def empty() -> str:
        return ""

    def blocks() -> Any:
        return [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    def with_artifact() -> Any:
        return "short", {"long": [1, 2, 3]}

    def direct() -> str:
        return "to the user"

    return {
        "message": (message, {}),
        "command": (command, {}),
        "several": (several, {}),
        "to_parent": (to_parent, {}),
        "empty": (empty, {}),
        "blocks": (blocks, {}),
        "with_artifact": (with_artifact, {"response_format": "content_and_artifact"}),
        "direct": (direct, {"return_direct": True}),
    }


@pytest.mark.parametrize("kind", sorted(_results()))
@pytest.mark.anyio
async def test_every_kind_of_result_is_the_one_of_toolnode_when_nothing_fails(kind: str) -> None:
    body, options = _results()[kind]
    tool = StructuredTool.from_function(body, name=kind, description="Returns something.", **options)

    def seen_by(node: ToolNode) -> tuple[list[Any], Any]:
        seen: list[Any] = []

        async def step(state: Any, config: RunnableConfig) -> dict[str, Any]:
            seen.extend((await node.ainvoke(asking((kind, {})), config), node.invoke(asking((kind, {})), config)))
            return {}

        return seen, step

    ours, our_step = seen_by(ResilientToolNode([tool]))
    theirs, their_step = seen_by(ToolNode([tool]))
    await graph_with(our_step).ainvoke({"messages": []})
    await graph_with(their_step).ainvoke({"messages": []})

    assert ours == theirs
    assert len(ours) == 2


@pytest.mark.untraced
def test_a_bot_that_charges_while_lookup_is_down_charges_once_and_talks_on(flavor: Flavor) -> None:
    script = {"/charge": Reply(200, {"charged": 5}), "/lookup": Reply(500)}
    with FaultyServer(script) as server:

        def charge() -> str:
            return httpx.post(server.url + "/charge").raise_for_status().text

        def lookup() -> str:
            return httpx.get(server.url + "/lookup").raise_for_status().text

        model = ScriptedChatModel([[call("charge"), call("lookup")], "Charged; lookup is down.", "Anything else?"])
        agent = flavor.agent(model, [flavor.tool(charge), flavor.tool(lookup)], checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        flavor.run(agent, {"messages": [HumanMessage("charge 5 and look it up")]}, thread)
        final = flavor.run(agent, {"messages": [HumanMessage("and?")]}, thread)

        assert server.count("/charge") == 1
    assert [answer.status for answer in answers_in(final)] == ["success", "error"]
    assert final["messages"][-1].content == "Anything else?"
