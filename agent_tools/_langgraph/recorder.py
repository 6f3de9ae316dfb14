"""Runs each call of a message as a LangGraph task, so that its result is saved as soon as it ends.

When the node runs again after an interrupt or a crash, LangGraph returns the saved results of finished tasks instead
of running them again. This relies on three rules:

1. LangGraph finds a task again by its name and by the order in which the node created its tasks. So all tasks are
   created before any of them runs, in message order, and each record names its call.
2. LangGraph refuses a plain `Command(resume=value)` while several interrupts are pending. So only one call asks at a
   time, the first in message order; the others end with an empty interrupt and run again when the run is resumed.
3. When one call raises, `asyncio.gather` leaves the others running. So errors are kept until all calls have ended.
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
from agent_tools._langgraph.tasks import AsyncCallTask, CallTask, SyncCallTask, identity_of

#: The keys of a config that belong to a task, besides those that begin with `PRIVATE`.
OWN = frozenset({names.NAMESPACE, names.CHECKPOINT_ID, names.CHECKPOINT_MAP})

#: The key under which a record names its call, and holds the result if that is not a single message.
RECORD = "agent_tools"

#: Seconds for which a call that wants to ask waits before it checks for calls that have not begun.
_PATIENCE = 5.0

logger = logging.getLogger("agent_tools")

#: A ToolMessage, a Command, or a list of them.
Result = Any


def is_record(value: object) -> bool:
    """Return whether what a task returned is the record of a call."""
    return isinstance(value, dict) and isinstance(value.get(RECORD), dict) and "call" in value[RECORD]


def _is_record_of(call: ToolCall, place: int, value: object) -> bool:
    """Return whether what a task returned is the record of this call."""
    if isinstance(value, list):  # the state of the node is a list of messages
        return len(value) == 1 and isinstance(value[0], ToolMessage) and value[0].tool_call_id == (call["id"] or "")
    return is_record(value) and value[RECORD]["call"] == identity_of(call, place)  # type: ignore[index]


def place_of_record(record: dict[str, Any]) -> int:
    """Return the index of the recorded call in its message."""
    place: int = record[RECORD]["call"][0]
    return place


class NotSaved(GraphBubbleUp):
    """Ends a task without a record, because the checkpointer cannot save the result of its call, the only argument.

    If the task returned that result, the run would fail, even if the state keeps it out of checkpoints
    (`UntrackedValue`).
    """


class Recorder:
    """Runs each call of one run of a node as a task.

    Args:
        config: The node's config.
        calls: All calls of the message, in order.
        name: The name of the node. Its tasks have the same name, so that consumers of a stream see the node answer.
        messages_key: The key of the messages in the state; None if the state is a list of messages.
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
        """Return the result of the call, from this or an earlier run of the node."""
        task = self._task_by_call[id(request.tool_call)]
        self._questions.begun(task.place)
        try:
            return self._result_in(task.run(partial(self._work, task, request, work)))
        except Exception as error:  # noqa: BLE001  # raised once all calls have ended
            return self._deferred(task, error)
        except BaseException:
            self._questions.drop()
            raise
        finally:
            self._questions.ended(task.place)

    async def arun(self, request: ToolCallRequest, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return the same as `run`."""
        task = self._task_by_call[id(request.tool_call)]
        try:
            return self._result_in(await task.run(partial(self._awork, task, request, work)))
        except Exception as error:  # noqa: BLE001
            return self._deferred(task, error)
        except BaseException:
            self._questions.drop()
            raise
        finally:
            self._questions.ended(task.place)

    def give_up(self) -> None:
        """End the tasks that were never run; LangGraph would wait for them forever."""
        for each in self._tasks:
            each.give_up()

    def raise_error(self) -> None:
        """Raise the error of the first call, in message order, that has one."""
        errors, self._errors = self._errors, {}
        if errors and self._counter is not None:
            setattr(self._counter, names.LAST_COUNTED, None)  # so that a retry of the node creates the same tasks
        for place in sorted(errors):
            error = errors[place]
            if isinstance(error, ParentCommand):  # a graph inside a tool has a command for this graph
                answers = answers_in(self._results)
                error.args = (beside(error.args[0], answers, self._messages_key),)
            raise error

    def _deferred(self, task: CallTask, error: Exception) -> Result:
        if isinstance(error, NotSaved):
            self._results.append(error.args[0])
            return error.args[0]
        self._errors[task.place] = error
        if isinstance(error, GraphInterrupt):  # else an outer graph shows the task's interrupt, too
            self._errors[task.place], error.args = GraphInterrupt(error.args[0]), ((),)
        return ToolMessage("", tool_call_id="")  # never read: `raise_error` comes next

    # ---- inside a task ----

    def _work(self, task: CallTask, request: ToolCallRequest, work: Callable[[], Result]) -> Any:
        keys = self._own_keys(task)
        while True:
            _put_keys(request, keys)
            try:
                return self._record(task, work())
            except ParentCommand as error:
                raise self._of_node(error, keys) from None
            except GraphInterrupt as error:
                asked = error
            inherited = self._values.inherited(keys, asked)
            if inherited is None:
                asks = self._questions.who_asks(task.place)
                raise self._interrupt_of(task, keys, asked) if asks == task.place else GraphInterrupt(())
            keys = inherited

    async def _awork(self, task: CallTask, request: ToolCallRequest, work: Callable[[], Awaitable[Result]]) -> Any:
        keys = self._own_keys(task)
        while True:
            _put_keys(request, keys)
            try:
                return self._record(task, await work())
            except ParentCommand as error:
                raise self._of_node(error, keys) from None
            except GraphInterrupt as error:
                asked = error
            inherited = self._values.inherited(keys, asked)
            if inherited is None:
                # Shielded: if this call is canceled, the others still need the decision.
                asks = await asyncio.shield(asyncio.wrap_future(self._questions.asks(task.place)))
                raise self._interrupt_of(task, keys, asked) if asks == task.place else GraphInterrupt(())
            keys = inherited

    def _interrupt_of(self, task: CallTask, keys: dict[str, Any], error: GraphInterrupt) -> GraphInterrupt:
        """Return the interrupt of a task, and save the resume values that the task did not reach this time."""
        self._values.take_back_plain()
        task.note_question(keys[names.TASK_ID])
        if keys[SCRATCHPAD].resume:
            keys[SEND]([(RESUME, list(keys[SCRATCHPAD].resume))])
        return error

    def _of_node(self, error: ParentCommand, keys: dict[str, Any]) -> ParentCommand:
        """Return the command of a graph inside the tool, addressed to the node's graph instead of the call's task."""
        if error.args[0].graph == keys[names.NAMESPACE]:
            error.args = (replace(error.args[0], graph=self._namespace),)
        return error

    def _own_keys(self, task: CallTask) -> dict[str, Any]:
        """Return the config keys of the call's task; for all others the tool sees those of the node."""
        keys = get_config()["configurable"]
        keys = {name: keys[name] for name in keys if name.startswith(PRIVATE) or name in OWN}
        return self._values.shown(keys, task.call["id"])

    # ---- records ----

    def _record(self, task: CallTask, result: Result) -> Any:
        """Return what is saved: an update like the node's own, so that consumers of a stream can read it."""
        answers: list[ToolMessage] = []

        def identified(answer: ToolMessage) -> ToolMessage:
            answers.append(answer if answer.id else answer.model_copy(update={"id": str(uuid4())}))
            return answers[-1]

        result = with_answers(result, identified)
        is_answer = isinstance(result, ToolMessage)
        if self._messages_key is None and is_answer:
            return answers
        record = {"call": identity_of(task.call, task.place)}
        if not is_answer:
            self._require_savable(task, result)
            record["result"] = result
        return {self._messages_key or "messages": answers, RECORD: record}

    def _require_savable(self, task: CallTask, result: Result) -> None:
        try:
            self._checkpointer.serde.dumps_typed(result)
        except Exception as error:  # noqa: BLE001  # whatever a serializer raises
            logger.warning(
                "the result of %s cannot be saved (%s); the call will run again if its node does",
                task.call["name"],
                type(error).__name__,
            )
            raise NotSaved(result) from None

    def _result_in(self, recorded: Any) -> Result:
        """Return the result in a record, and keep it for `raise_error`."""
        key = self._messages_key or "messages"
        if isinstance(recorded, list):
            result = recorded[0]
        else:
            result = recorded[RECORD]["result"] if "result" in recorded[RECORD] else recorded[key][0]
        self._results.append(result)
        return result


def _put_keys(request: ToolCallRequest, keys: dict[str, Any]) -> None:
    """Put `keys` into the config of the tool, and into the context, where a user's wrapper looks."""
    config = request.runtime.config  # changed in place: the node passes this object to the tool
    config["configurable"] = {**config["configurable"], **keys}
    var_child_runnable_config.set(config)


class Questions:
    """Decides which call may ask a human, once each call has ended or wants to ask."""

    __slots__ = ("_asking", "_begun", "_decided", "_lock", "_open")

    def __init__(self, calls: int) -> None:
        self._lock = Lock()
        self._open = set(range(calls))
        self._begun: set[int] = set()
        self._asking: list[int] = []
        self._decided: Future[int] = Future()

    def begun(self, place: int) -> None:
        """Note that a call of a sync run has a thread."""
        self._begun.add(place)

    def who_asks(self, place: int) -> int:
        """Return the call that may ask, to a thread whose call wants to; -1 for none.

        Calls without a thread are not waited for: all threads may be taken, or Ctrl-C has dropped these calls.
        """
        decided = self.asks(place)
        while not decided.done():
            wait([decided], _PATIENCE)
            with self._lock:
                if self._open.isdisjoint(self._begun):
                    self._decide()
        return decided.result()

    def asks(self, place: int) -> "Future[int]":
        """Note that a call wants to ask, and return the future of the call that may; -1 for none."""
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
        """Let no call ask: the run is ending, and calls that have not begun may never begin."""
        with self._lock:
            self._asking.clear()
            self._decide()

    def _decide(self) -> None:
        if not self._decided.done():
            self._decided.set_result(min(self._asking, default=-1))
