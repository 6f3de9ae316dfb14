"""Sends events to the log, the run's custom stream, the user's own function and LangChain's callbacks.

Reporting must never fail a call: errors of a stream writer, an observer or a callback are logged, not raised.

Callbacks are called separately, since an async run awaits them. `astream_events` is one of them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)

from agent_tools._call.listeners import Observer, logger
from agent_tools._call.log_lines import log_event
from agent_tools._core.events import ENVELOPE, ToolEvent

_lock = threading.Lock()
_listeners: tuple[Observer, ...] = ()

_LOST = "%s raised %s; it misses this event, the call goes on"


def report_event(event: ToolEvent, *, observer: Observer | None, stream_writer: Callable[[Any], object] | None) -> None:
    """Send `event` to the log, to `stream_writer` and to `observer`."""
    log_event(event)
    if stream_writer is not None:
        _send("the stream writer", stream_writer, {ENVELOPE: event.as_dict()})
    for listener in (observer, *_listeners):
        if listener is not None:
            _send("the observer", listener, event)


def _send(what: str, listener: Callable[[Any], object], sent: Any) -> None:  # an event, or its facts
    # No context manager: it would slow down every answer.
    try:
        listener(sent)
    except Exception as error:  # noqa: BLE001  # a listener must not fail the call
        failed = type(error).__name__
    else:
        return
    logger.warning(_LOST, what, failed)


@contextmanager
def listening(listener: Observer) -> Iterator[None]:
    """Send each event of this process to `listener` as well, in the context of its call."""
    global _listeners  # noqa: PLW0603  # one for the whole process, like the log
    with _lock:
        _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        with _lock:
            # By identity: the `append`s of two lists with equal items are equal.
            _listeners = tuple(other for other in _listeners if other is not listener)


def is_heard(config: Any) -> bool:  # a RunnableConfig, or None outside a run
    """Return whether any callback of the run listens to custom events."""
    callbacks = None if config is None else config.get("callbacks")
    return isinstance(callbacks, BaseCallbackManager) and any(map(_listens, callbacks.handlers))


@dataclass(frozen=True, slots=True)
class CallBack:
    """Send `event` to the callbacks of the run, as a custom event named after its type: a step of a flow."""

    event: ToolEvent
    config: Any  # a RunnableConfig

    def do(self) -> None:
        """Call them."""
        with _guarded("a callback"):
            dispatch_custom_event(str(self.event.type), self.event.as_dict(), config=self.config)

    async def ado(self) -> None:
        """Do the same as `do`."""
        with _guarded("a callback"):
            await adispatch_custom_event(str(self.event.type), self.event.as_dict(), config=self.config)


def _listens(handler: object) -> bool:
    own = getattr(type(handler), "on_custom_event", None)
    deaf = (None, BaseCallbackHandler.on_custom_event, AsyncCallbackHandler.on_custom_event)
    return own not in deaf and not getattr(handler, "ignore_custom_event", False)


@contextmanager
def _guarded(what: str) -> Iterator[None]:
    failed = ""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # see above
        failed = type(error).__name__
    if failed:
        logger.warning(_LOST, what, failed)
