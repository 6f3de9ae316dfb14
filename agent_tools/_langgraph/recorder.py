"""The calls of a message as tasks of LangGraph: what each brought is written down the moment it ends.

When the node runs again, after an interrupt or a crash, what its finished tasks have returned is there, and they do not
run again. What this rests on:

1. A task is found again by its name and by the order in which the tasks of a node were made. So all are made before
   any of them runs, in the order of the message, and each record says whose it is.
2. LangGraph refuses a plain `Command(resume=value)` while several questions wait. So one call asks at a time, the first
   in the order of the message; others that want to ask end with an interrupt that asks nothing, and are run again.
3. `asyncio.gather` leaves calls behind as orphans when one raises. So errors are kept until all calls have ended.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any
from uuid import uuid4

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._langgraph import private_names as names
from agent_tools._langgraph.handoffs import answers_in, beside
from agent_tools._langgraph.private_names import CHECKPOINTER, PRIVATE, RESUME, SCRATCHPAD, SEND
from agent_tools._langgraph.resume_values import ResumeValues
from agent_tools._langgraph.returned_errors import with_answers
from agent_tools._langgraph.tasks import AsyncCallTask, CallTask, SyncCallTask, whose

#: What of a config is a task's own, beside what is private to LangGraph.
OWN = frozenset({names.NAMESPACE, names.CHECKPOINT_ID, names.CHECKPOINT_MAP})

#: Under this name a record says whose it is, and what the call brought if that is no message.
RECORD = "agent_tools"

#: Seconds after which a call that wants to ask looks for others that have not begun.
_PATIENCE = 5.0

logger = logging.getLogger("agent_tools")

#: Any of this: a ToolMessage, a Command, or a list of them.
Result = Any


def is_record(value: object) -> bool:
    """Return whether a task has returned what a call has brought."""
    return isinstance(value, dict) and isinstance(value.get(RECORD), dict) and "call" in value[RECORD]


def _is_record_of(call: ToolCall, place: int, value: object) -> bool:
    """Return whether a task has returned what this very call has brought."""
    if isinstance(value, list):  # of a node whose state is a list of messages
        return len(value) == 1 and isinstance(value[0], ToolMessage) and value[0].tool_call_id == (call["id"] or "")
    return is_record(value) and value[RECORD]["call"] == whose(call, place)  # type: ignore[index]


def place_of_record(record: dict[str, Any]) -> int:
    """Return which call of its message has been recorded."""
    place: int = record[RECORD]["call"][0]
    return place


class NotSaved(GraphBubbleUp):
    """Ends a task without a record: the checkpointer cannot save what its call has brought, the one argument.

    A task that returned it would fail the run, even where the state keeps it out of checkpoints (`UntrackedValue`).
    """


class Recorder:
    """The calls of one run of a node, a task each.

    Args:
        config: What LangGraph runs the node with.
        calls: Those of the message, in order.
        name: Of the node, and so of its tasks: those who watch the graph see the node answer.
        messages_key: Where the state has its messages; None where it is a list of them.
        is_async: Whether the node runs in an event loop.
    """

    def __init__(
        self,
        config: RunnableConfig,
        calls: Sequence[ToolCall],
        *,
        name: str,
        messages_key: str | None,
        is_async: bool,
    ) -> None:
        self._messages_key = messages_key
        self._checkpointer = config["configurable"][CHECKPOINTER]
        self._namespace = config["configurable"][names.NAMESPACE]
        self._values = ResumeValues(config, [call["id"] for call in calls])
        self._questions = Questions(len(calls))
        self._errors: dict[int, Exception] = {}
        self._results: list[Result] = []
        counter = config["configurable"][SCRATCHPAD].call_counter
        self._counter = counter if getattr(counter, names.LAST_COUNTED, 0) is None else None
        kind = AsyncCallTask if is_async else SyncCallTask
        self._tasks: list[Any] = [
            kind(config, call, place=place, name=name, is_own=partial(_is_record_of, call, place))
            for place, call in enumerate(calls)
        ]
        self._task_by_call = {id(each.call): each for each in self._tasks}

    def run(self, request: ToolCallRequest, work: Callable[[], Result]) -> Result:
        """Return what the call has brought, now or in an earlier run of the node."""
        own = self._task_by_call[id(request.tool_call)]
        self._questions.begun(own.place)
        try:
            return self._kept(own.run(partial(self._work, own, request, work)))
        except Exception as error:  # noqa: BLE001  # raised once all calls have ended
            return self._held(own, error)
        except BaseException:
            self._questions.drop()
            raise
        finally:
            self._questions.ended(own.place)

    async def arun(self, request: ToolCallRequest, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return the same as `run`."""
        own = self._task_by_call[id(request.tool_call)]
        try:
            return self._kept(await own.run(partial(self._awork, own, request, work)))
        except Exception as error:  # noqa: BLE001
            return self._held(own, error)
        except BaseException:
            self._questions.drop()
            raise
        finally:
            self._questions.ended(own.place)

    def give_up(self) -> None:
        """End the tasks that were never run; LangGraph would wait for them."""
        for each in self._tasks:
            each.give_up()

    def raise_error(self) -> None:
        """Raise the error of the first call in the order of the message that has one."""
        errors, self._errors = self._errors, {}
        if errors and self._counter is not None:
            setattr(self._counter, names.LAST_COUNTED, None)  # a retry of the node makes the same tasks again
        for place in sorted(errors):
            error = errors[place]
            if isinstance(error, ParentCommand):  # a graph inside of a tool has a command for this graph
                answers = answers_in(self._results)
                error.args = (beside(error.args[0], answers, self._messages_key),)
            raise error

    def _held(self, own: CallTask, error: Exception) -> Result:
        if isinstance(error, NotSaved):
            self._results.append(error.args[0])
            return error.args[0]
        self._errors[own.place] = error
        if isinstance(error, GraphInterrupt):  # else a graph around this one gets the question of the task as well
            self._errors[own.place], error.args = GraphInterrupt(error.args[0]), ((),)
        return ToolMessage("", tool_call_id="")  # which nobody reads

    # ---- inside of a task ----

    def _work(self, own: CallTask, request: ToolCallRequest, work: Callable[[], Result]) -> Any:
        keys = self._own_keys(own)
        while True:
            _show(request, keys)
            try:
                return self._record(own, work())
            except ParentCommand as error:
                raise self._of_node(error, keys) from None
            except GraphInterrupt as error:
                asked = error
            inherited = self._values.inherited(keys, asked)
            if inherited is None:
                asks = self._questions.who_asks(own.place)
                raise _asked(own, keys, asked) if asks == own.place else GraphInterrupt(())
            keys = inherited

    async def _awork(self, own: CallTask, request: ToolCallRequest, work: Callable[[], Awaitable[Result]]) -> Any:
        keys = self._own_keys(own)
        while True:
            _show(request, keys)
            try:
                return self._record(own, await work())
            except ParentCommand as error:
                raise self._of_node(error, keys) from None
            except GraphInterrupt as error:
                asked = error
            inherited = self._values.inherited(keys, asked)
            if inherited is None:
                # Shielded: a wait that is canceled would cancel the decision for all.
                asks = await asyncio.shield(asyncio.wrap_future(self._questions.asks(own.place)))
                raise _asked(own, keys, asked) if asks == own.place else GraphInterrupt(())
            keys = inherited

    def _of_node(self, error: ParentCommand, keys: dict[str, Any]) -> ParentCommand:
        """Return a command of a graph inside of the tool, which the node is to follow and not the task of the call."""
        if error.args[0].graph == keys[names.NAMESPACE]:
            error.args = (replace(error.args[0], graph=self._namespace),)
        return error

    def _own_keys(self, own: CallTask) -> dict[str, Any]:
        """Return what belongs to the task of the call; all else that the tool finds is the node's."""
        keys = get_config()["configurable"]
        keys = {name: keys[name] for name in keys if name.startswith(PRIVATE) or name in OWN}
        return self._values.shown(keys, own.call["id"])

    # ---- records ----

    def _record(self, own: CallTask, result: Result) -> Any:
        """Return what is written down: an update of the node, so that those who watch the graph can read it."""
        answers: list[ToolMessage] = []

        def identified(answer: ToolMessage) -> ToolMessage:
            answers.append(answer if answer.id else answer.model_copy(update={"id": str(uuid4())}))
            return answers[-1]

        result = with_answers(result, identified)
        is_answer = isinstance(result, ToolMessage)
        if self._messages_key is None and is_answer:
            return answers
        record = {"call": whose(own.call, own.place)}
        if not is_answer:
            self._require_savable(own, result)
            record["result"] = result
        return {self._messages_key or "messages": answers, RECORD: record}

    def _require_savable(self, own: CallTask, result: Result) -> None:
        try:
            self._checkpointer.serde.dumps_typed(result)
        except Exception as error:  # noqa: BLE001  # whatever a serializer raises
            logger.warning(
                "tool %s: its result cannot be saved (%s), so the call runs again when its node does",
                own.call["name"],
                type(error).__name__,
            )
            raise NotSaved(result) from None

    def _kept(self, recorded: Any) -> Result:
        """Return what is written down as the node is to get it."""
        key = self._messages_key or "messages"
        if isinstance(recorded, list):
            result = recorded[0]
        else:
            result = recorded[RECORD]["result"] if "result" in recorded[RECORD] else recorded[key][0]
        self._results.append(result)
        return result


def _show(request: ToolCallRequest, keys: dict[str, Any]) -> None:
    """Let the tool find `keys` in its config, and a wrapper of the user's in the context."""
    config = request.runtime.config  # the very one that the node runs the tool with
    config["configurable"] = {**config["configurable"], **keys}
    var_child_runnable_config.set(config)


def _asked(own: CallTask, keys: dict[str, Any], error: GraphInterrupt) -> GraphInterrupt:
    """Return the question of a task, and have its answers kept that it has not come to this time."""
    own.note_question(keys[names.TASK_ID])
    if keys[SCRATCHPAD].resume:
        keys[SEND]([(RESUME, list(keys[SCRATCHPAD].resume))])
    return error


class Questions:
    """Who of the calls asks: decided when all have ended, or want to ask."""

    __slots__ = ("_asking", "_begun", "_decided", "_lock", "_open")

    def __init__(self, calls: int) -> None:
        self._lock = Lock()
        self._open = set(range(calls))
        self._begun: set[int] = set()
        self._asking: list[int] = []
        self._decided: Future[int] = Future()

    def begun(self, place: int) -> None:
        """Note that a call of a sync run has got a thread."""
        self._begun.add(place)

    def who_asks(self, place: int) -> int:
        """Return the decision to a thread whose call wants to ask.

        It does not wait for calls that get no thread: all may be taken, or Ctrl-C has dropped what had not begun.
        """
        decided = self.asks(place)
        while not decided.done():
            wait([decided], _PATIENCE)
            with self._lock:
                if self._open.isdisjoint(self._begun):
                    self._decide()
        return decided.result()

    def asks(self, place: int) -> "Future[int]":
        """Note that a call wants to ask, and return who will; -1 for nobody."""
        self._asking.append(place)
        self.ended(place)
        return self._decided

    def ended(self, place: int) -> None:
        """Note that a call has ended, or waits for the decision."""
        with self._lock:
            self._open.discard(place)
            if not self._open:
                self._decide()

    def drop(self) -> None:
        """Let nobody ask: the run is ending, and calls that have not begun may never do so."""
        with self._lock:
            self._asking.clear()
            self._decide()

    def _decide(self) -> None:
        if not self._decided.done():
            self._decided.set_result(min(self._asking, default=-1))
