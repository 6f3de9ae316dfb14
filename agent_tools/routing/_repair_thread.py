"""Repair a thread from outside its graph, for graphs without a `repair_node`."""

from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.constants import END, START
from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot, StateUpdate

from agent_tools.routing._graph import messages_in, update_of
from agent_tools.routing._recorded import (
    LOOK_BACK,
    GraphStep,
    recorded_answers,
    step_of_snapshot,
    step_of_tuple,
)
from agent_tools.routing._repair import repair_unanswered_tool_calls, repaired_with
from agent_tools.routing._repair_node import replacing

Graph = Pregel[Any, Any, Any, Any]

#: Tells LangGraph to keep what finished tasks wrote to all channels, and to drop the others: `values`, `as_node`.
_END_OF_STEP = (None, END)


def repair_thread(
    graph: Graph, config: RunnableConfig, *, messages_key: str = "messages", as_node: str = START
) -> list[ToolMessage]:
    """Answer all unanswered calls of a thread, and return the answers that were added.

    Call it before the user's next message when the last run was interrupted or died and is not to be
    resumed. Calls that had ended keep their results, the others are answered as
    `repair_unanswered_tool_calls` says; no tool is run. Afterwards the thread rests: nothing is left to
    resume, and the next message, or `{"messages": []}` to have the model go on, starts at the beginning.
    A whole history is left alone, and so is what it may wait for. No run of the thread may be under way.

    Args:
        graph: A graph with a checkpointer and `add_messages` as the reducer of its messages.
        config: Names the thread.
        messages_key: Where the state has its messages.
        as_node: The node as which the messages are written; the start, unless the graph's input schema
            has no messages.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> from langgraph.checkpoint.memory import InMemorySaver
        >>> from langgraph.graph import MessagesState, StateGraph
        >>> builder = StateGraph(MessagesState).add_node("model", lambda state: {}).add_edge(START, "model")
        >>> graph, thread = builder.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
        >>> charge = AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "1"}])
        >>> _ = graph.invoke({"messages": [charge]}, thread)
        >>> [answer.status for answer in repair_thread(graph, thread)]
        ['error']
        >>> repair_thread(graph, thread)
        []
    """
    before = _messages_at(list(graph.get_state_history(config, limit=1)), messages_key)
    if repair_unanswered_tool_calls(before) is before:
        return []
    history = [step_of_snapshot(each, messages_key) for each in graph.get_state_history(config, limit=LOOK_BACK)]
    saver = _saver_of(graph)
    saved = [] if saver is None else list(saver.list(config, limit=LOOK_BACK))
    history += [step_of_tuple(each, messages_key) for each in saved]
    config = graph.update_state(config, *_END_OF_STEP)
    now = graph.get_state(config)
    repaired = _repaired(history, now, messages_key)
    graph.bulk_update_state(config, _setting(update_of(now.values, messages_key, replacing(repaired)), as_node))
    return _added(before, repaired)


async def arepair_thread(
    graph: Graph, config: RunnableConfig, *, messages_key: str = "messages", as_node: str = START
) -> list[ToolMessage]:
    """Do the same as `repair_thread`, for a graph with an async checkpointer.

    Example:
        >>> import asyncio
        >>> from langgraph.checkpoint.memory import InMemorySaver
        >>> from langgraph.graph import MessagesState, StateGraph
        >>> builder = StateGraph(MessagesState).add_node("model", lambda state: {}).add_edge(START, "model")
        >>> graph = builder.compile(checkpointer=InMemorySaver())
        >>> asyncio.run(arepair_thread(graph, {"configurable": {"thread_id": "1"}}))
        []
    """
    before = _messages_at([each async for each in graph.aget_state_history(config, limit=1)], messages_key)
    if repair_unanswered_tool_calls(before) is before:
        return []
    history = [step_of_snapshot(each, messages_key) async for each in graph.aget_state_history(config, limit=LOOK_BACK)]
    saver = _saver_of(graph)
    saved = [] if saver is None else [each async for each in saver.alist(config, limit=LOOK_BACK)]
    history += [step_of_tuple(each, messages_key) for each in saved]
    config = await graph.aupdate_state(config, *_END_OF_STEP)
    now = await graph.aget_state(config)
    repaired = _repaired(history, now, messages_key)
    await graph.abulk_update_state(config, _setting(update_of(now.values, messages_key, replacing(repaired)), as_node))
    return _added(before, repaired)


def _messages_at(history: list[StateSnapshot], key: str) -> list[Any]:
    """Return the messages as the last step began, without what its tasks have written since.

    With those writes the history may look complete, but new input would not include them.
    """
    return messages_in(history[0].values, key) if history and history[0].values else []


def _saver_of(graph: Graph) -> BaseCheckpointSaver[Any] | None:
    return graph.checkpointer if isinstance(graph.checkpointer, BaseCheckpointSaver) else None


def _repaired(history: list[GraphStep], now: StateSnapshot, key: str) -> list[Any]:
    return repaired_with(recorded_answers(history, key), _messages_at([now], key))


def _setting(values: Any, as_node: str) -> list[list[StateUpdate]]:
    """Return the updates that write `values` and leave nothing to run."""
    return [[StateUpdate(values=values, as_node=as_node)], [StateUpdate(*_END_OF_STEP)]]


def _added(before: list[BaseMessage], after: list[BaseMessage]) -> list[ToolMessage]:
    known = {message.id for message in before}
    return [message for message in after if isinstance(message, ToolMessage) and message.id not in known]
