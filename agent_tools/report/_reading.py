"""Histories and events as records, call by call.

Ids of calls come back in later turns with some providers. So an answer belongs to the latest call with its
id, and the events of an id are cut into groups: one ends with the event that ends its call.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent_tools._core.decision import Reason
from agent_tools._core.events import ENVELOPE, EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory
from agent_tools.report._record import Record, number, seconds, word

Told = ToolEvent | Mapping[str, Any]  # Any: what a custom stream carries is the user's business, too


def records_of_messages(messages: Iterable[BaseMessage], events: Iterable[object]) -> list[Record]:
    """Return a record for each call in `messages`, with those of the `events` that belong to it."""
    records: list[Record] = []
    open_by_id: dict[str, Record] = {}
    for message in messages:
        if isinstance(message, AIMessage):
            asked = list(_asked(message))
            records += asked
            open_by_id = {record.id: record for record in asked}
        elif isinstance(message, ToolMessage) and message.tool_call_id in open_by_id:
            open_by_id[message.tool_call_id].answer = message
    groups = [list(record.events) for record in records_of_events(events)]
    for record in records:
        group = next((group for group in groups if _fits(record, group)), None)
        if group is not None:
            record.events = group
            groups.remove(group)
    return records


def records_of_events(events: Iterable[object]) -> list[Record]:
    """Return a record for each call that `events` tell of; whatever is no event of ours is passed over."""
    records: list[Record] = []
    open_by_id: dict[str, Record] = {}
    for event in filter(None, map(_read, events)):
        record = open_by_id.get(event.tool_call_id)
        if record is None:
            record = open_by_id[event.tool_call_id] = Record(tool=event.tool, id=event.tool_call_id, is_told=False)
            records.append(record)
        record.events.append(event)
        if event.type is not EventType.RETRY:
            del open_by_id[event.tool_call_id]
    return records


def _asked(message: AIMessage) -> Iterator[Record]:
    for call in (*message.tool_calls, *message.invalid_tool_calls):
        yield Record(tool=call["name"] or "?", id=call["id"] or "")


def _fits(record: Record, events: Sequence[ToolEvent]) -> bool:
    """Return whether `events` may be those of the call: they may be of another one with the same id."""
    last = events[-1]
    if (last.tool, last.tool_call_id) != (record.tool, record.id):
        return False
    if record.answer is None or last.type is EventType.RETRY:
        return True
    return (record.answer.status == "error") is (last.type is not EventType.RECOVERED)


def _read(told: object) -> ToolEvent | None:
    """Return an event from what a stream or an observer was given; None when it is not one of ours."""
    if isinstance(told, ToolEvent):
        return told
    facts = told.get(ENVELOPE, told) if isinstance(told, Mapping) else None
    return _event(facts) if isinstance(facts, Mapping) else None


def _event(facts: Mapping[str, Any]) -> ToolEvent | None:
    kind = word(EventType, facts.get("type"))
    if kind is None or "tool_call_id" not in facts:
        return None
    return ToolEvent(
        type=kind,
        tool=str(facts.get("tool")),
        tool_call_id=str(facts["tool_call_id"]),
        attempt=number(facts.get("attempt")) or 0,
        of=number(facts.get("of")) or 0,
        elapsed=seconds(facts.get("elapsed")),
        after=None if facts.get("after") is None else seconds(facts["after"]),
        category=word(ErrorCategory, facts.get("category")),
        status_code=number(facts.get("status_code")),
        reason=word(Reason, facts.get("reason")),
    )
