"""Records what the tool nodes of an agent do while faults are injected, call by call."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from agent_tools._classify import diagnose
from agent_tools._core.events import ToolEvent
from agent_tools.report import CallReport, RunReport, Span, SpanKind
from agent_tools.report._record import Record

#: The calls that a node is running, by id, for each recording that watches it.
_running: ContextVar[Mapping["Recording", Mapping[str, Record]]] = ContextVar(
    "agent_tools_recorded", default=MappingProxyType({})
)


class Recording(RunReport):
    """The report of the calls so far, while faults are injected.

    Args:
        clock: Returns seconds that never run backwards.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(())
        self._clock = clock
        self._records: list[Record] = []
        self._last_by_call: dict[tuple[str | None, str, str | None], Record] = {}
        self._lock = threading.Lock()

    @property
    def calls(self) -> tuple[CallReport, ...]:
        """The report of each call, in the order in which they were made."""
        return tuple(record.report() for record in list(self._records))

    @contextmanager
    def node_run(self, calls: Sequence[ToolCall], config: RunnableConfig | None) -> Iterator[list[Any]]:
        """Record the `calls` of one run of a node; append what the node returns to the list that `as` gives."""
        thread = ((config or {}).get("configurable") or {}).get("thread_id")
        records = {call["id"] or "": self._record(thread, call) for call in calls}
        began = self._clock()
        for record in records.values():
            record.began = began if not record.runs else record.began
        before = _running.set({**_running.get(), self: records})
        returned: list[Any] = []
        is_paused = False
        try:
            yield returned
        except GraphBubbleUp:
            is_paused = True
            raise
        finally:
            _running.reset(before)
            answers = {answer.tool_call_id: answer for answer in _answers_in(returned)}
            for call_id, record in records.items():
                record.answer, record.is_paused = answers.get(call_id), is_paused

    def _record(self, thread: str | None, call: ToolCall) -> Record:
        """Return the record of a call: a new one, or the earlier one if the same call paused or broke before."""
        key = thread, call["name"], call["id"]
        with self._lock:
            earlier = self._last_by_call.get(key)
            if earlier is not None and earlier.answer is None and thread is not None:
                return earlier
            record = self._last_by_call[key] = Record(tool=call["name"], id=call["id"] or "", runs=[])
            self._records.append(record)
            return record

    @contextmanager
    def tool_run(self, call_id: str | None) -> Iterator[None]:
        """Record one run of a tool and how it ended."""
        record = _running.get().get(self, {}).get(call_id or "")
        started = self._clock()
        failed: BaseException | None = None
        try:
            yield
        except BaseException as error:
            failed = error
            raise
        finally:
            if record is not None and record.runs is not None and not isinstance(failed, GraphBubbleUp):
                record.runs.append(_span(started, self._clock(), failed))
            del failed  # the error's traceback refers to this frame: a reference cycle

    def heard(self, event: ToolEvent) -> None:
        """Record an event of a call that is running."""
        record = _running.get().get(self, {}).get(event.tool_call_id)
        if record is not None:
            record.events.append(event)


def _span(started: float, ended: float, failed: BaseException | None) -> Span:
    if failed is None:
        return Span(kind=SpanKind.OK, started=started, ended=ended)
    failure = diagnose(failed)
    return Span(
        kind=SpanKind.FAILED,
        started=started,
        ended=ended,
        category=failure.category,
        status_code=failure.status_code,
    )


def _answers_in(returned: Any) -> Iterator[ToolMessage]:  # every shape that a tool node returns
    if isinstance(returned, ToolMessage):
        yield returned
    elif isinstance(returned, Command):
        yield from _answers_in(returned.update)
    elif isinstance(returned, Mapping):
        yield from _answers_in(list(returned.values()))
    elif isinstance(returned, list | tuple):
        for each in returned:
            yield from _answers_in(each)
