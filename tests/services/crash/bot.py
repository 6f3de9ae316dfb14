"""The support bot that is killed: a scripted model, two tools over HTTP, a checkpointer on disk."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any

import httpx
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition

from agent_tools import DoubtfulCall, ResilientToolNode, RetryPolicy, ToolEvent
from agent_tools.idempotency import asend_idempotency_key, send_idempotency_key
from agent_tools.routing import arepair_thread, repair_node, repair_thread, route_tool_calls
from agent_tools.testing import ScriptedChatModel, call
from tests.services.crash.job import WRITING_ON, Action, Job

Say = Callable[..., None]

#: The channels to which answers are written.
ANSWERS = ("messages", "__return__")

#: Longer than any wait before a kill, so that the kill comes in the wait.
WAIT = 0.8


async def arun(job: Job, say: Say) -> list[BaseMessage]:
    """Run the job and return the history."""
    async with _asaver(job.database) as saver:
        saver.aput_writes = _aannounced(saver.aput_writes, say)
        graph, thread = _bot(job, say).compile(checkpointer=saver), _thread(job)
        if job.action is Action.WRITE_ON and job.repairs == "thread":
            await arepair_thread(graph, thread)
        known = (await graph.aget_state(thread)).values
        state = await graph.ainvoke(_input(job, known), thread, durability=job.durability)
        return list(state["messages"])


def run(job: Job, say: Say) -> list[BaseMessage]:
    """Do the same as `arun`."""
    with _saver(job.database) as saver:
        saver.put_writes = _announced(saver.put_writes, say)
        graph, thread = _bot(job, say).compile(checkpointer=saver), _thread(job)
        if job.action is Action.WRITE_ON and job.repairs == "thread":
            repair_thread(graph, thread)
        known = graph.get_state(thread).values
        return list(graph.invoke(_input(job, known), thread, durability=job.durability)["messages"])


def _thread(job: Job) -> Any:
    return {"configurable": {"thread_id": job.order}}


def _input(job: Job, known: Any) -> Any:
    """Return the user's message, or nothing when the run resumes from a checkpoint."""
    if job.action is Action.WRITE_ON:
        return {"messages": [HumanMessage(WRITING_ON)]}
    return None if job.action is Action.RESUME and known else {"messages": [HumanMessage("I want to pay.")]}


def _bot(job: Job, say: Say) -> StateGraph[Any]:
    def script(messages: list[BaseMessage]) -> Any:
        if not isinstance(messages[-1], HumanMessage):
            return "Done."
        charge = call("charge", order=job.order, amount=5)
        return charge if messages[-1].content == WRITING_ON else [charge, call("lookup", order=job.order)]

    model = ScriptedChatModel([], then=script)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState).add_node("model", ask).add_node("tools", _tool_node(job, say))
    builder.add_edge("tools", "model")
    if job.per_call:
        builder.add_conditional_edges("model", route_tool_calls)
    else:
        builder.add_conditional_edges("model", tools_condition, ["tools", END])
    if job.repairs == "thread":
        return builder.add_edge(START, "model")
    return builder.add_node("repair", repair_node()).add_edge(START, "repair").add_edge("repair", "model")


def _tool_node(job: Job, say: Say) -> ResilientToolNode:
    def observe(event: ToolEvent) -> None:
        say(event=event.type.value, tool=event.tool)

    policy = RetryPolicy(
        base_delay=WAIT,
        multiplier=1,
        jitter=0,
        retry_on={"retryable", "network"},
        idempotent=True,
        key_by=job.key_by,  # type: ignore[arg-type]  # it comes from JSON
    )
    per_tool = {"charge": RetryPolicy(base_delay=0.1, verify=_verify(job))} if job.verifies else None
    return ResilientToolNode(_tools(job), policy=policy, per_tool=per_tool, observer=observe)


def _verify(job: Job) -> Callable[[DoubtfulCall], Any]:
    def verify(call: DoubtfulCall) -> str | bool:
        return _found(_sent(method="GET", url=f"{job.service}/charges", params={"order": call.arguments["order"]}))

    async def averify(call: DoubtfulCall) -> str | bool:
        asked = {"order": call.arguments["order"]}
        return _found(await _asent(method="GET", url=f"{job.service}/charges", params=asked))

    return averify if job.is_async else verify


def _found(ledger: str) -> str | bool:
    charges = json.loads(ledger)["charges"]
    return json.dumps({"charge": charges[0]}) if charges else False


def _tools(job: Job) -> list[BaseTool]:
    charging = {"method": "POST", "url": f"{job.service}/charge"}
    looking = {"method": "GET", "url": f"{job.service}/lookup"}

    def charge(order: str, amount: int) -> str:
        return _sent(**charging, json={"order": order, "amount": amount})

    def lookup(order: str) -> str:
        return _sent(**looking, params={"order": order})

    async def acharge(order: str, amount: int) -> str:
        return await _asent(**charging, json={"order": order, "amount": amount})

    async def alookup(order: str) -> str:
        return await _asent(**looking, params={"order": order})

    if job.is_async:
        bodies: dict[str, Any] = {"charge": acharge, "lookup": alookup}
        return [StructuredTool.from_function(coroutine=bodies[n], name=n, description="Calls.") for n in bodies]
    return [StructuredTool.from_function(body, description="Calls.") for body in (charge, lookup)]


def _sent(**request: Any) -> str:
    with httpx.Client(event_hooks={"request": [send_idempotency_key]}, verify=False, trust_env=False) as client:  # noqa: S501  # no TLS here
        return client.request(**request).raise_for_status().text


async def _asent(**request: Any) -> str:
    hooks: Any = {"request": [asend_idempotency_key]}
    async with httpx.AsyncClient(event_hooks=hooks, verify=False, trust_env=False) as client:  # noqa: S501  # no TLS here
        return (await client.request(**request)).raise_for_status().text


@contextmanager
def _saver(database: str) -> Iterator[Any]:
    kind: Any = PostgresSaver if database.startswith("postgresql:") else SqliteSaver
    with kind.from_conn_string(database) as saver:
        yield saver


@asynccontextmanager
async def _asaver(database: str) -> AsyncIterator[Any]:
    kind: Any = AsyncPostgresSaver if database.startswith("postgresql:") else AsyncSqliteSaver
    async with kind.from_conn_string(database) as saver:
        yield saver


def _announced(put_writes: Callable[..., None], say: Say) -> Callable[..., None]:
    """Report when a tool's answer has reached the database: LangGraph writes in the background."""

    @wraps(put_writes)  # LangGraph inspects the signature
    def put(config: Any, writes: Any, *args: Any, **options: Any) -> None:
        put_writes(config, writes, *args, **options)
        for tool in _answering(writes):
            say(event="recorded", tool=tool)

    return put


def _aannounced(aput_writes: Callable[..., Any], say: Say) -> Callable[..., Any]:
    @wraps(aput_writes)
    async def put(config: Any, writes: Any, *args: Any, **options: Any) -> None:
        await aput_writes(config, writes, *args, **options)
        for tool in _answering(writes):
            say(event="recorded", tool=tool)

    return put


def _answering(writes: Any) -> list[str | None]:
    """Return the tools whose answers are written, by their node or as the record of a call."""
    values = [
        value["messages"] if channel == "__return__" else value for channel, value in writes if channel in ANSWERS
    ]
    return [
        message.name
        for messages in values
        if isinstance(messages, list)
        for message in messages
        if isinstance(message, ToolMessage)
    ]
