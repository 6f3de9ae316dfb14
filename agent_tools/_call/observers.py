"""Events to where people look: the log, the run's custom stream, the user's own function, LangChain's callbacks.

Telling may never break a call: whatever a stream writer, an observer or a callback raises ends here.

Callbacks are told apart from the others, since an async run awaits them. That is what `astream_events` listens to.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)

from agent_tools._core.events import EventType, ToolEvent

#: The logger of the library: one WARNING per retry, one ERROR per call that was given up. Its messages
#: are made of our own words and plain facts; the errors themselves are in the traces.
logger = logging.getLogger("agent_tools")

Observer = Callable[[ToolEvent], object]

_lock = threading.Lock()
_listeners: tuple[Observer, ...] = ()

_LOST = "%s raised %s; the event is lost for it, the call goes on"

LEVEL_BY_TYPE = {
    EventType.RETRY: logging.WARNING,
    EventType.RECOVERED: logging.INFO,
    EventType.FAILED: logging.ERROR,
    EventType.SHORT_CIRCUITED: logging.WARNING,
}

TEXT_BY_TYPE = {
    EventType.RETRY: "%(tool)s failed (%(category)s), attempt %(attempt)s of %(of)s, next in %(after)s s",
    EventType.RECOVERED: "%(tool)s recovered with attempt %(attempt)s of %(of)s after %(elapsed)s s",
    EventType.FAILED: "%(tool)s failed (%(category)s), given up after attempt %(attempt)s of %(of)s: %(reason)s",
    EventType.SHORT_CIRCUITED: "%(tool)s was answered without running it: %(reason)s",
}


def tell(event: ToolEvent, *, observer: Observer | None, stream_writer: Callable[[Any], object] | None) -> None:
    """Send `event` to the log, to `stream_writer` and to `observer`."""
    facts = event.as_dict()
    # Without any handler, Python would print to stderr and we would pay for records that nobody reads.
    if logger.hasHandlers():
        logger.log(LEVEL_BY_TYPE[event.type], TEXT_BY_TYPE[event.type], facts)
    if stream_writer is not None:
        _tell("the stream writer", stream_writer, facts)
    for listener in (observer, *_listeners):
        if listener is not None:
            _tell("the observer", listener, event)


def _tell(what: str, listener: Callable[[Any], object], told: Any) -> None:  # an event, or its facts
    # No context manager: this is what an answer costs.
    try:
        listener(told)
    except Exception as error:  # noqa: BLE001  # any error of a listener is the listener's
        failed = type(error).__name__
    else:
        return
    logger.warning(_LOST, what, failed)


@contextmanager
def listening(listener: Observer) -> Iterator[None]:
    """Send every event of this process to `listener`, too, in the context of its call."""
    global _listeners  # noqa: PLW0603  # one for the whole process, as the log is
    with _lock:
        _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        with _lock:
            # By identity: two lists that heard the same are equal, and so are their `append`s.
            _listeners = tuple(other for other in _listeners if other is not listener)


def is_heard(config: Any) -> bool:  # a RunnableConfig, or None outside a run
    """Return whether any callback of the run listens to custom events."""
    callbacks = None if config is None else config.get("callbacks")
    return isinstance(callbacks, BaseCallbackManager) and any(map(_listens, callbacks.handlers))


def call_back(event: ToolEvent, config: Any) -> None:
    """Send `event` to the callbacks of the run, as a custom event called by its type."""
    with _guarded("a callback"):
        dispatch_custom_event(str(event.type), event.as_dict(), config=config)


async def acall_back(event: ToolEvent, config: Any) -> None:
    """Do the same as `call_back`."""
    with _guarded("a callback"):
        await adispatch_custom_event(str(event.type), event.as_dict(), config=config)


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
