"""The `Failure` of an error under the settings of a handler."""

from dataclasses import replace

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.log_lines import log_traceback
from agent_tools._call.returned import ReturnedError, failure_of_arguments
from agent_tools._call.settings import Settings
from agent_tools._classify import diagnose
from agent_tools._core.failure import ErrorCategory, Failure, Veto
from agent_tools._core.made_up import word
from agent_tools._core.redaction import scrub
from agent_tools._flow.time_limit import NoThreadError, StillRunningError
from agent_tools._langgraph.arguments import problems_in
from agent_tools._langgraph.errors import Origin


def diagnosis(settings: Settings, cause: BaseException, origin: Origin, request: ToolCallRequest) -> Failure:
    """Return what went wrong in this call; the only place that lets a tool's text through, scrubbed."""
    tool = request.tool_call["name"]
    if isinstance(cause, ReturnedError):
        return cause.failure(settings.rules_of(tool))
    if isinstance(cause, NoThreadError):
        return Failure(
            category=ErrorCategory.RETRYABLE, error_type="NoThreadError", rule="threads", may_have_acted=False
        )
    if origin is Origin.ARGUMENTS:
        return failure_of_arguments(problems_in(cause, request), type(cause).__name__, word(tool))
    log_traceback(cause, request)
    failure = diagnose(cause, rules=settings.rules_of(tool))
    if origin is Origin.RESULT:
        return replace(failure, veto=Veto.RESULT)
    if isinstance(cause, StillRunningError):
        return replace(failure, veto=Veto.RUNNING)
    words = _text_of(cause) if isinstance(cause, settings.expose) else failure.detail
    return failure if words is None else replace(failure, detail=scrub(words) or None)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # an error that cannot be printed has no text
        return ""
