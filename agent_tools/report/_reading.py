"""Records of calls, built from messages and events.

Some providers reuse the id of a call, in a later turn or even in the same message. So an answer belongs to the
first open call with its id in the latest message, and the events of one id are cut into groups, each of which ends with
the event that ends its call.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent_tools._core.effects import Effect
from agent_tools._core.events import ENVELOPE, EventType, ToolEvent
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.reason import Reason
from agent_tools.report._record import Record
from agent_tools.report._values import name, number, seconds, word

Seen = ToolEvent | Mapping[str, Any]  # Any: a custom stream carries whatever the application sends


def records_of_messages(messages: Iterable[BaseMessage], events: Iterable[object]) -> list[Record]:
    """Return a record of each call in `messages`, with those of the `events` that belong to it."""
    records: list[Record] = []
    asked: list[Record] = []
    for message in messages:
        if isinstance(message, AIMessage):
            asked = list(_asked(message))
            records += asked
        elif isinstance(message, ToolMessage):
            _answer(asked, message)
    groups = [list(record.events) for record in records_of_events(events)]
    for record in records:
        group = next((group for group in groups if _fits(record, group)), None)
        if group is not None:
            record.events = group
            groups.remove(group)
    return records


def _answer(asked: list[Record], message: ToolMessage) -> None:
    """Give `message` to the first open call with its id, or let it replace the answer of the last one."""
    alike = [record for record in asked if record.id == message.tool_call_id]
    waiting = [record for record in alike if record.answer is None]
    for record in waiting[:1] or alike[-1:]:
        record.answer = message


def records_of_events(events: Iterable[object]) -> list[Record]:
    """Return a record of each call in `events`; other parts of a stream are skipped."""
    records: list[Record] = []
    open_by_id: dict[str, Record] = {}
    for event in filter(None, map(_read, events)):
        record = open_by_id.get(event.tool_call_id)
        if record is None:
            record = open_by_id[event.tool_call_id] = Record(tool=event.tool, id=event.tool_call_id, has_messages=False)
            records.append(record)
        record.events.append(event)
        if event.type not in (EventType.RETRY, EventType.VERIFIED):
            del open_by_id[event.tool_call_id]
    return records


def _asked(message: AIMessage) -> Iterator[Record]:
    for call in (*message.tool_calls, *message.invalid_tool_calls):
        yield Record(tool=call["name"] or "?", id=call["id"] or "")


def _fits(record: Record, events: Sequence[ToolEvent]) -> bool:
    """Return whether `events` may belong to the call, and not to another with the same id."""
    last = events[-1]
    if (last.tool, last.tool_call_id) != (record.tool, record.id):
        return False
    if record.answer is None or last.type in (EventType.RETRY, EventType.VERIFIED):
        return True
    return (record.answer.status == "error") is (last.type is not EventType.RECOVERED)


def _read(seen: object) -> ToolEvent | None:
    """Return the event that an observer or a stream passed on, or None if it is something else."""
    if isinstance(seen, ToolEvent):
        return seen
    facts = seen.get(ENVELOPE, seen) if isinstance(seen, Mapping) else None
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
        took=None if facts.get("took") is None else seconds(facts["took"]),
        category=word(ErrorCategory, facts.get("category")),
        error_type=name(facts.get("error_type")),
        status_code=number(facts.get("status_code")),
        reason=word(Reason, facts.get("reason")),
        found=word(Effect, facts.get("found")),
    )
