"""The log of a call: a line for each event and, at DEBUG, the traceback of each failed attempt.

| event | level |
| --- | --- |
| `tool_retry` | WARNING |
| `tool_recovered` | INFO |
| `tool_failed` | INFO if the model can correct the call, else ERROR |
| `tool_short_circuited` | WARNING |
| `tool_verified` | INFO |

A program that configures no logging still gets the ERROR lines, which Python prints to stderr: a bug of its own must
not vanish. It is spared the others, which would disturb a conversation in a terminal.

Lines consist of plain facts and never contain the text of an error. A traceback does, scrubbed; it is a separate
record, so that no handler above DEBUG gets it.
"""

import logging

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.tracebacks import without_secrets
from agent_tools._core.events import EventType, ToolEvent
from agent_tools._core.made_up import word
from agent_tools._langgraph.clean_errors import is_clean

_logger = logging.getLogger("agent_tools")

LEVEL_BY_TYPE = {
    EventType.RETRY: logging.WARNING,
    EventType.RECOVERED: logging.INFO,
    EventType.FAILED: logging.ERROR,
    EventType.SHORT_CIRCUITED: logging.WARNING,
    EventType.VERIFIED: logging.INFO,
}

TEXT_BY_TYPE = {
    EventType.RETRY: "%(tool)s failed (%(error)s), attempt %(attempt)s of %(of)s, next in %(after)s s [%(call)s]",
    EventType.RECOVERED: "%(tool)s recovered with attempt %(attempt)s of %(of)s after %(elapsed)s s [%(call)s]",
    EventType.FAILED: "%(tool)s failed (%(error)s), gave up after attempt %(attempt)s of %(of)s: %(reason)s [%(call)s]",
    EventType.SHORT_CIRCUITED: "%(tool)s was not run (%(error)s): %(reason)s [%(call)s]",
    EventType.VERIFIED: "%(tool)s failed (%(error)s) and was verified: %(found)s [%(call)s]",
}


def log_event(event: ToolEvent) -> None:
    """Write the line of `event`."""
    level = logging.INFO if event.correctable and event.type is EventType.FAILED else LEVEL_BY_TYPE[event.type]
    if not _logger.isEnabledFor(level) or not (level >= logging.ERROR or _logger.hasHandlers()):
        return
    facts = event.as_dict() | {"tool": word(event.tool), "tool_call_id": word(event.tool_call_id)}
    status = None if event.status_code is None else f"HTTP {event.status_code}"
    thread = None if event.thread_id is None else f"thread {word(event.thread_id)}"
    error = ", ".join(filter(None, (event.category, status, event.error_type)))
    call = ", ".join(filter(None, (f"call {facts['tool_call_id']}", thread)))
    _logger.log(level, TEXT_BY_TYPE[event.type], facts | {"error": error, "call": call}, extra={"tool_event": facts})


def log_traceback(error: BaseException, request: ToolCallRequest) -> None:
    """Write the traceback of a failed attempt at DEBUG; for a tool of `clean_errors` without any text."""
    if _logger.isEnabledFor(logging.DEBUG) and _logger.hasHandlers():
        seen = without_secrets(error, has_text=not is_clean(request.tool))
        call = request.tool_call
        _logger.debug("%s raised [call %s]", word(call["name"]), word(call["id"] or ""), exc_info=seen)
