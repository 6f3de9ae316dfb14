"""Runs a call as a LangGraph task that is created before the call begins.

LangGraph runs tasks in a thread pool. The nodes of a step may occupy all its threads while they wait for their tasks,
a deadlock. So here a task runs in the thread, or the asyncio task, that waits for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.errors import GraphInterrupt
from langgraph.func import task

from agent_tools._langgraph import private_names as names
from agent_tools._langgraph.private_names import CALL, INTERRUPT, RETURN, SCHEDULE_TASK, SUBMIT

#: Added to the number of a task that turns out to be another call's; no node has so many tasks.
_FAR = 10**6

#: A channel that no graph has, for notes about which call's interrupt a task holds. They are saved as writes of tasks
#: that LangGraph does not know, so they change nothing.
_ASKED = "__agent_tools_asked"

#: The functions that create tasks, by the name of the node. They are attributes, so that LangGraph can find them by
#: import; it analyzes any other function again for each task, at about the cost of a call.
_MAKERS = SimpleNamespace()

#: The most functions that are kept; graphs built at run time may give each node a name of its own.
_MOST_MAKERS = 256

#: Runs the call of the task that runs in this context.
_work: ContextVar[Callable[[], Any]] = ContextVar("_work")

logger = logging.getLogger("agent_tools")


class CallTask:
    """The task of one call: it runs when the call does, unless an earlier run of the node has saved its result.

    Attributes:
        call: The call.
        place: The index of the call in its message.
    """

    __slots__ = (
        "_has_met_another",
        "_inner",
        "_is_given_up",
        "_is_own",
        "_outer",
        "_plain",
        "_start",
        "call",
        "place",
    )

    def __init__(
        self, config: RunnableConfig, call: ToolCall, *, place: int, name: str, is_own: Callable[[Any], bool]
    ) -> None:
        self.call = call
        self.place = place
        self._is_own = is_own
        self._has_met_another = False
        self._start: Callable[[], Any] | None = None
        self._inner: Any = None  # the future that LangGraph waits for
        self._is_given_up = False
        keys = config["configurable"]
        self._plain = {name: keys[CALL].keywords[name] for name in (SUBMIT, SCHEDULE_TASK)}
        own = {**keys, CALL: _with(keys[CALL], {SUBMIT: self._own_pool, SCHEDULE_TASK: self._scheduled})}
        token = var_child_runnable_config.set({"callbacks": None, **config, "configurable": own})
        try:
            self._outer: Any = self._maker(name)(call)
        finally:
            var_child_runnable_config.reset(token)

    def _maker(self, name: str) -> Any:
        raise NotImplementedError

    def _future(self) -> Any:
        raise NotImplementedError

    def _scheduled(self, parent: Any, number: int, call: Any) -> Any:
        """Return LangGraph's task for this call, with the writes of an earlier run of the node."""
        raise NotImplementedError

    def note_question(self, task_id: str) -> None:
        """Save which call's interrupt the task holds."""
        note = [task_id, *identity_of(self.call, self.place)]
        self._save(str(uuid5(NAMESPACE_OID, f"{_ASKED} {task_id}")), _ASKED, note)

    def _is_of_another(self, made: Any) -> bool:
        """Return whether a task was another call's, because the code of the node has changed since."""
        is_of_another = any(channel == RETURN and not self._is_own(value) for channel, value in made.writes)
        pending = getattr(self._plain[SCHEDULE_TASK].__self__, names.PENDING_WRITES)
        notes = [note for _, channel, note in pending if channel == _ASKED and note[0] == made.id]
        if any(note[1:] != identity_of(self.call, self.place) for note in notes):
            self._save(made.id, INTERRUPT, ())  # else its interrupt would stay pending
            is_of_another = True
        self._has_met_another |= is_of_another
        return is_of_another

    def _save(self, task_id: str, channel: str, value: Any) -> None:
        getattr(self._plain[SCHEDULE_TASK].__self__, names.PUT_WRITES)(task_id, [(channel, value)])

    def _own_pool(self) -> Callable[..., Any]:
        return self._submitted

    def _submitted(self, run: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Keep the work that LangGraph submits to its pool, for `run`."""
        if self._has_met_another:
            logger.warning(
                "%s runs, since the record in its place is another call's; "
                "do not change the order of a node's tasks while threads are paused in it",
                self.call["name"],
            )
        options = {name: value for name, value in options.items() if not name.startswith("__")}
        keys = options["configurable"]  # tasks that the tool itself creates go to LangGraph's pool
        options["configurable"] = {**keys, CALL: _with(keys[CALL], self._plain)}
        self._start = partial(run, *args, **options)
        self._inner = self._future()
        if self._is_given_up:
            self.give_up()
        return self._inner

    def give_up(self) -> None:
        """End the task if it has not run, without saving anything."""
        self._is_given_up = True
        if self._inner is not None and not self._inner.done():
            self._inner.set_exception(GraphInterrupt(()))


class SyncCallTask(CallTask):
    """A task of a sync run."""

    __slots__ = ()

    def _maker(self, name: str) -> Any:
        def body(_call: ToolCall) -> Any:
            return _work.get()()

        return _maker_of(name, body, kind="sync")

    def _future(self) -> Any:
        return Future()

    def _scheduled(self, parent: Any, number: int, call: Any) -> Any:
        made = self._plain[SCHEDULE_TASK](parent, number, call)
        while made is not None and self._is_of_another(made):
            number += _FAR
            made = self._plain[SCHEDULE_TASK](parent, number, call)
        return made

    def run(self, work: Callable[[], Any]) -> Any:
        """Return the saved result of the task, or run `work` and return its result."""
        _work.set(work)
        if self._start is not None:
            try:
                self._inner.set_result(self._start())
            except BaseException as error:  # noqa: BLE001  # raised below
                self._inner.set_exception(error)
        return self._outer.result()


class AsyncCallTask(CallTask):
    """A task of an async run."""

    __slots__ = ("_is_made",)

    def __init__(self, config: RunnableConfig, call: ToolCall, **options: Any) -> None:
        self._is_made = asyncio.Event()
        super().__init__(config, call, **options)
        self._outer.add_done_callback(self._ended)

    def _maker(self, name: str) -> Any:
        async def body(_call: ToolCall) -> Any:
            return await _work.get()()

        return _maker_of(name, body, kind="async")

    def _future(self) -> Any:
        self._is_made.set()
        return asyncio.get_running_loop().create_future()

    async def _scheduled(self, parent: Any, number: int, call: Any) -> Any:
        made = await self._plain[SCHEDULE_TASK](parent, number, call)
        while made is not None and self._is_of_another(made):
            number += _FAR
            made = await self._plain[SCHEDULE_TASK](parent, number, call)
        return made

    def _ended(self, outer: "asyncio.Future[Any]") -> None:
        self._is_made.set()
        if not outer.cancelled():
            outer.exception()  # retrieved, so that asyncio does not log it if nobody awaits the task

    async def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Return the same as `SyncCallTask.run`."""
        _work.set(work)
        await self._is_made.wait()
        if self._start is not None:
            try:
                self._inner.set_result(await self._start())
            except asyncio.CancelledError:
                self._inner.cancel()
                raise
            except BaseException as error:  # noqa: BLE001
                self._inner.set_exception(error)
        return await self._outer


def _maker_of(name: str, body: Callable[..., Any], *, kind: str) -> Any:
    """Return the function that creates tasks of this name; `body` is what they run."""
    kept = vars(_MAKERS)
    attribute = f"{kind} {name}"
    if attribute in kept:
        return kept[attribute]
    body.__qualname__ = f"_MAKERS.{attribute}.func"
    maker: Any = task(name=name)(body)
    return kept.setdefault(attribute, maker) if len(kept) < _MOST_MAKERS else maker


def identity_of(call: ToolCall, place: int) -> list[Any]:
    """Return what identifies a call among those of its node, in the form that is saved."""
    return [place, call["name"], call["id"]]


def _with(call: "partial[Any]", keywords: dict[str, Any]) -> "partial[Any]":
    return partial(call.func, *call.args, **{**call.keywords, **keywords})
