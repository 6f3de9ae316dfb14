"""Histories in which each call has one answer, right behind the message that makes it.

1. An answer belongs to the last message before it that makes a call with its id, since ids may recur. If several calls
   of a message share an id, each gets its own answer, in the order of the message.
2. A misplaced answer is moved there. If a call has several answers, the first one stays.
3. An answer that only says that there is no result gives way to a real one.
4. A call without an answer gets the recorded one, or else one that says that there is no result. A call without an id
   cannot be answered.
5. Answers that belong to no call are dropped. All other messages stay where they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, cast

from langchain_core.messages import AIMessage, BaseMessage, MessageLikeRepresentation, ToolMessage, convert_to_messages

from agent_tools.routing._answers import Call, calls_of, identified, is_makeshift, missing_answer

M = TypeVar("M", bound=MessageLikeRepresentation)

#: Answers found outside the history, by the id of the message, and the id of the call or its place where that was
#: recorded.
Recorded = Mapping[tuple[str, str | int], list[ToolMessage]]


def repair_unanswered_tool_calls(messages: list[M]) -> list[M | ToolMessage]:
    """Return `messages` with an error answer behind each message that has unanswered calls.

    Providers refuse a history with a call that has no answer or two, so a run that died between the call and
    its answer blocks the thread. Answers that stand in the wrong place, after the next human message for
    example, are put into the right one. Calls that came in unreadable are answered too.

    A whole history comes back as it is, the same list. Messages that are no objects of LangChain's (dicts, pairs)
    are read as LangChain reads them and kept as they are. The time taken grows with the length of the history.

    Example:
        >>> from langchain_core.messages import AIMessage, HumanMessage
        >>> charge = AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": "1"}])
        >>> history = [HumanMessage("Pay"), charge, HumanMessage("Are you there?")]
        >>> repaired = repair_unanswered_tool_calls(history)
        >>> [message.type for message in repaired]
        ['human', 'ai', 'tool', 'human']
        >>> repaired[2].content
        'No result was recorded for `charge`: it may or may not have run. Check before doing it again.'
        >>> repair_unanswered_tool_calls(repaired) is repaired
        True
    """
    return repaired_with({}, messages)


def repaired_with(recorded: Recorded, messages: list[M]) -> list[M | ToolMessage]:
    """Return the same, using recorded answers where there are any."""
    repaired = list(_repaired(recorded, messages))
    if len(repaired) == len(messages) and all(map(_is_same, repaired, messages)):
        return cast("list[M | ToolMessage]", messages)  # cast: a list is no list of a wider type to mypy
    return repaired


def _repaired(recorded: Recorded, messages: Sequence[M]) -> Iterator[M | ToolMessage]:
    calling_at, answered_at = _matched(messages)
    for position, message in enumerate(messages):
        if position not in answered_at:
            yield message
        if position in calling_at:
            yield from calling_at[position].answers(recorded, messages)


def _matched(messages: Sequence[M]) -> tuple[dict[int, "_CallingMessage"], set[int]]:
    """Return the messages that make calls, by position, and the positions of all answers."""
    calling_at: dict[int, _CallingMessage] = {}
    answered_at: set[int] = set()
    calling_by_call_id: dict[str, _CallingMessage] = {}
    for position, message in enumerate(map(_read, messages)):
        if isinstance(message, AIMessage):
            if calls := calls_of(message):
                calling_at[position] = calling = _CallingMessage(message, calls)
                calling_by_call_id.update((call.id, calling) for call in calls)
        elif isinstance(message, ToolMessage):
            answered_at.add(position)
            if message.tool_call_id in calling_by_call_id:
                calling_by_call_id[message.tool_call_id].take(message, position)
    return calling_at, answered_at


class _CallingMessage:
    """A message that makes calls, and where their answers are, in the order of the history."""

    __slots__ = ("_calls", "_message", "_places_by_id", "_positions", "_really_answered")

    def __init__(self, message: AIMessage, calls: list[Call]) -> None:
        self._message = message
        self._calls = calls
        self._places_by_id: dict[str, list[int]] = {}
        for place, call in enumerate(calls):
            self._places_by_id.setdefault(call.id, []).append(place)
        self._positions: dict[int, int] = {}
        self._really_answered: set[int] = set()

    def take(self, answer: ToolMessage, position: int) -> None:
        """Note an answer to one of the calls, unless it already has one that is as good."""
        taken = self._positions.keys() if is_makeshift(answer) else self._really_answered
        open_places = [place for place in self._places_by_id[answer.tool_call_id] if place not in taken]
        if not open_places:
            return
        same_tool = (place for place in open_places if self._calls[place].tool == answer.name)
        place = next(same_tool, open_places[0])
        self._positions[place] = position
        if not is_makeshift(answer):
            self._really_answered.add(place)

    def answers(self, recorded: Recorded, messages: Sequence[M]) -> Iterator[M | ToolMessage]:
        """Yield one answer per call: in the order of the history if it has all, else in that of the calls."""
        is_complete = all(place in self._positions or not call.id for place, call in enumerate(self._calls))
        for place in self._positions if is_complete else range(len(self._calls)):
            if place in self._positions:
                yield messages[self._positions[place]]
            elif self._calls[place].id:
                yield self._found(place, recorded)

    def _found(self, place: int, recorded: Recorded) -> ToolMessage:
        call, message_id = self._calls[place], self._message.id or ""
        twins = self._places_by_id[call.id]
        twin = twins.index(place)
        by_place = recorded.get((message_id, place), [])
        by_id = recorded.get((message_id, call.id), [])
        if not by_place and len(by_id) == len(twins):  # else it is unknown which twin they answer
            by_place = by_id[twin:]
        return identified(by_place[0], self._message, twin) if by_place else missing_answer(self._message, call, twin)


def _read(message: MessageLikeRepresentation) -> BaseMessage:
    return message if isinstance(message, BaseMessage) else convert_to_messages([message])[0]


def _is_same(one: object, other: object) -> bool:
    return one is other
