"""A node that hands only whole histories on."""

from collections.abc import Iterable
from typing import Any

from langchain_core.messages import RemoveMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from agent_tools._langgraph.private_names import CHECKPOINTER, NAMESPACE, NAMESPACE_SEPARATOR
from agent_tools.routing._graph import messages_in, update_of
from agent_tools.routing._recorded import LOOK_BACK, recorded_answers, step_of_tuple
from agent_tools.routing._repair import repair_unanswered_tool_calls, repaired_with


def repair_node(*, messages_key: str = "messages") -> Runnable[Any, Any]:
    """Return a node that answers all unanswered calls, with their results where LangGraph has kept them.

    Put it before the model: `builder.add_edge(START, "repair")`, `builder.add_edge("repair", "model")`. When a user
    writes on instead of answering an interrupt, or after a crash, calls of the last run have no answer. Of
    those that were recorded, or had a task of their own (`route_tool_calls`), and had ended, the result is looked up
    in the checkpoints; the others are answered as `repair_unanswered_tool_calls` says. No tool is run.

    A whole history is left alone: nothing is written and no checkpoint is read. Else what is missing is added, and
    where the order does not allow that the messages are replaced; their reducer must be `add_messages`.

    Args:
        messages_key: Where the state has its messages.

    Example:
        >>> from langchain_core.messages import AIMessage, HumanMessage
        >>> from langgraph.graph import START, MessagesState, StateGraph
        >>> builder = StateGraph(MessagesState).add_node("repair", repair_node()).add_edge(START, "repair")
        >>> charge = AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "1"}])
        >>> final = builder.compile().invoke({"messages": [charge, HumanMessage("Are you there?")]})
        >>> [message.type for message in final["messages"]]
        ['ai', 'tool', 'human']
    """

    def repair(state: Any, config: RunnableConfig) -> Any:
        if _is_whole(state, messages_key):
            return None
        saver = _saver_in(config)
        saved = [] if saver is None else list(saver.list(_thread_in(config), limit=LOOK_BACK))
        return _update(state, saved, messages_key)

    async def arepair(state: Any, config: RunnableConfig) -> Any:
        if _is_whole(state, messages_key):
            return None
        saver = _saver_in(config)
        saved = [] if saver is None else [each async for each in saver.alist(_thread_in(config), limit=LOOK_BACK)]
        return _update(state, saved, messages_key)

    return RunnableLambda(repair, arepair, name="repair")


def changes(before: list[Any], after: list[Any]) -> list[Any]:
    """Return the update that makes `add_messages` turn `before` into `after`, only the differences if order allows."""
    stays = {id(message) for message in after}
    dropped = [message for message in before if id(message) not in stays]
    kept = [message for message in before if id(message) in stays]
    in_order = len(kept) <= len(after) and all(one is other for one, other in zip(kept, after, strict=False))
    if not in_order or any(getattr(message, "id", None) is None for message in dropped):
        return replacing(after)
    return [*(RemoveMessage(id=message.id) for message in dropped), *after[len(kept) :]]


def replacing(messages: list[Any]) -> list[Any]:
    """Return the update that makes `add_messages` replace the whole history with `messages`."""
    return [RemoveMessage(id=REMOVE_ALL_MESSAGES), *messages]


def _is_whole(state: Any, messages_key: str) -> bool:
    messages = messages_in(state, messages_key)
    return repair_unanswered_tool_calls(messages) is messages


def _update(state: Any, saved: Iterable[CheckpointTuple], messages_key: str) -> Any:
    recorded = recorded_answers((step_of_tuple(each, messages_key) for each in saved), messages_key)
    messages = messages_in(state, messages_key)
    return update_of(state, messages_key, changes(messages, repaired_with(recorded, messages)))


def _saver_in(config: RunnableConfig) -> BaseCheckpointSaver[Any] | None:
    saver = config.get("configurable", {}).get(CHECKPOINTER)
    return saver if isinstance(saver, BaseCheckpointSaver) else None


def _thread_in(config: RunnableConfig) -> RunnableConfig:
    """Return where the checkpoints of this node's own graph are."""
    configurable = config["configurable"]
    namespace, _, _ = configurable[NAMESPACE].rpartition(NAMESPACE_SEPARATOR)
    return {"configurable": {"thread_id": configurable["thread_id"], NAMESPACE: namespace}}
