"""What the scripted model says next."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolCall

from agent_tools.testing._history import calls_of

#: What the model says: a final text, one call, calls in parallel, or a whole message.
Move = str | ToolCall | Sequence[ToolCall] | AIMessage
Step = Move | Callable[[list[BaseMessage]], Move]


def call(tool: str, /, **args: Any) -> ToolCall:  # Any: tools take what they like
    """Return a call of `tool`, a step for `ScriptedChatModel`; its id is filled in when the model makes the call.

    >>> from agent_tools.testing import call
    >>> call("get_order", order="A-1")["args"]
    {'order': 'A-1'}
    """
    return ToolCall(name=tool, args=args, id=None, type="tool_call")


class Script:
    """Steps that are used up one by one. Safe to share between threads."""

    def __init__(self, steps: Sequence[Step], *, then: Step | None) -> None:
        if isinstance(steps, str) or not isinstance(steps, Sequence):
            raise TypeError(f"steps must be a list, not {steps!r}")
        if not steps and then is None:
            raise ValueError("steps must have at least one step unless `then` is given")
        for step in (*steps, *([] if then is None else [then])):
            if not callable(step):
                _as_message(step)
        self._steps = tuple(steps)
        self._then = then
        self._turns = count()
        self._numbers = count(1)
        self._lock = threading.Lock()

    def say(self, messages: list[BaseMessage]) -> AIMessage:
        """Return the next message as a new object, with ids that are not in `messages` yet.

        Raises:
            RuntimeError: The script is used up.
        """
        step = self._next_step()
        message = _as_message(step(messages) if callable(step) else step)
        if message.id in {older.id for older in messages}:
            message.id = None  # otherwise the reducer would replace the older message with this one
        known = {made["id"] for older in messages for made in calls_of(older)}
        for made in calls_of(message):
            made["id"] = made["id"] or self._new_call_id(known)
        return message

    def _next_step(self) -> Step:
        with self._lock:
            turn = next(self._turns)
        if turn < len(self._steps):
            return self._steps[turn]
        if self._then is None:
            raise RuntimeError(
                f"the script ended with step {turn}, but the model was called again: add a step, or give `then`"
            )
        return self._then

    def _new_call_id(self, known: Collection[str | None]) -> str:
        with self._lock:
            return next(new for number in self._numbers if (new := f"call_{number}") not in known)


def _as_message(move: object) -> AIMessage:
    """Return `move` as a new message."""
    if isinstance(move, str):
        return AIMessage(content=move)
    if isinstance(move, AIMessage):
        return move.model_copy(deep=True)
    calls = [move] if isinstance(move, Mapping) else move
    if isinstance(calls, Sequence) and calls and all(_is_call(item) for item in calls):
        return AIMessage(content="", tool_calls=deepcopy(list(calls)))
    raise TypeError(f"a step must be text, call(...), a list of calls, an AIMessage or a callable, not {move!r}")


def _is_call(item: object) -> bool:
    return isinstance(item, Mapping) and {"name", "args"} <= item.keys()
