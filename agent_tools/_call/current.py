"""The call whose tool is running, or the batch that a node has opened."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any

from langchain_core.messages import ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from agent_tools._call.batch import Batch
from agent_tools._call.settings import Settings
from agent_tools._core.idempotency import key_of_arguments, key_of_call

if TYPE_CHECKING:
    from agent_tools._call.requests import Requests

Result = ToolMessage | Command[Any]
Execute = Callable[[ToolCallRequest], Result]
AsyncExecute = Callable[[ToolCallRequest], Awaitable[Result]]

#: A user's wrapper around all attempts of a call.
Wrapper = Callable[[ToolCallRequest, Execute], Result]
AsyncWrapper = Callable[[ToolCallRequest, AsyncExecute], Awaitable[Result]]


class CurrentCall:
    """What a running tool can ask about its call."""

    __slots__ = ("_requests", "request", "settings")  # `_requests` is set once the tool has sent one

    def __init__(self, settings: Settings, request: ToolCallRequest) -> None:
        self.settings = settings
        self.request = request

    def key(self) -> str:
        """Return the idempotency key of the call; see `agent_tools.idempotency`."""
        from agent_tools._langgraph.places import place_of_call, thread_of  # noqa: PLC0415  # few tools ask

        call, thread = self.request.tool_call, thread_of(self.request)
        if self.settings.policy_of(self.request).key_by == "arguments":
            return key_of_arguments(thread=thread, tool=call["name"], arguments=call["args"])
        at = place_of_call(self.request)
        return key_of_call(thread=thread, message=at.message, place=at.index, tool=call["name"], arguments=at.arguments)

    @property
    def seen(self) -> "Requests | None":
        """The requests of the attempt, None if none was seen."""
        return getattr(self, "_requests", None)

    def requests(self) -> "Requests":
        """Return the requests of the attempt, so that one can be added."""
        from agent_tools._call.requests import Requests  # noqa: PLC0415  # most tools send none that is seen

        with _adding:
            if self.seen is None:
                self._requests = Requests()
            return self._requests

    def begin_attempt(self) -> None:
        """Forget the requests of the previous attempt."""
        if self.seen is not None:
            del self._requests


_adding = Lock()

#: Inside a tool, the call that runs it; inside a node, the batch that it has opened. One variable, so that a call
#: hides the batch around it: the calls of an agent inside a tool do not belong to that batch.
current: ContextVar[Batch | CurrentCall | None] = ContextVar("agent_tools_current", default=None)


def current_call() -> CurrentCall | None:
    """Return the call whose tool is running, None outside of tools."""
    call = current.get()
    return call if isinstance(call, CurrentCall) else None
