"""The settings shared by all calls of a handler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.advice import Advice
from agent_tools._call.listeners import Observer, logger
from agent_tools._call.texts import OwnTexts
from agent_tools._classify import Rules
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.own_rules import is_async
from agent_tools._core.policy import RetryPolicy
from agent_tools._gate.gates import Gates, key_at

if TYPE_CHECKING:
    from agent_tools._call.credentials import Credentials
    from agent_tools._gate.gate import Gate

ShareKey = Callable[[ToolCallRequest], str]


class DrainingError(Exception):
    """The graph shuts down while a call waits for its next attempt."""


class NotRunError(Exception):
    """A call was not run: its tool is known to be down, or has kept failing."""


# Nobody compares or prints settings, and each method of a dataclass costs time at the import.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Settings:
    """The settings shared by all calls of a handler; `ToolErrorHandler` explains the fields."""

    policy: RetryPolicy
    per_tool: Mapping[str, RetryPolicy]
    rules: Rules
    expose: tuple[type[BaseException], ...]
    observer: Observer | None
    stream_events: bool
    credentials: "Credentials | None"
    loop_guard: LoopGuard | None
    texts: OwnTexts
    layers: set[tuple[str, str]]  # those around or inside of a tool that are known to retry, too
    gates: Gates
    advice: Advice
    share_key: ShareKey | None
    clock: Callable[[], float]
    chance: Callable[[], float]

    def __post_init__(self) -> None:
        """Refuse functions that cannot be called or are async: their errors would only show up in the log."""
        for name in ("observer", "share_key"):
            given = getattr(self, name)
            if given is not None and (not callable(given) or is_async(given)):
                raise TypeError(f"{name} must be a sync function, not {given!r}")
        if not isinstance(self.stream_events, bool):
            raise TypeError(f"stream_events must be True or False, not {self.stream_events!r}")

    def policy_of(self, request: ToolCallRequest) -> RetryPolicy:
        """Return the user's policy for the tool of this call."""
        return self.per_tool.get(request.tool_call["name"], self.policy) if self.per_tool else self.policy

    def is_calm(self, request: ToolCallRequest) -> bool:
        """Return whether nothing that affects this call is held back or counted."""
        return not self.gates.by_key or self.gate_of(request).is_calm

    def gate_of(self, request: ToolCallRequest, error: BaseException | None = None) -> "Gate":
        """Return the gate of this call: that of its tool at the host found in its `error` or its arguments.

        If they name none, the only host that errors of the tool have come from is used; with several, none is.
        """
        from agent_tools._classify.hosts import host_in, host_of  # noqa: PLC0415  # needed only after a failure
        from agent_tools._gate.gate import Gate  # noqa: PLC0415  # the same

        tool = self.key_of(request)
        if self.share_key is not None:
            return Gate(self.gates, tool)
        host = None if error is None else host_of(error)
        host = host or host_in(request.tool_call["args"])
        if error is not None and host is not None:
            self.gates.met_host(tool, host)
        hosts = self.gates.hosts_of(tool)
        return Gate(self.gates, key_at(tool, hosts[0] if host is None and len(hosts) == 1 else host))

    def key_of(self, request: ToolCallRequest) -> str:
        """Return the key of what this call shares with others."""
        tool = request.tool_call["name"]
        if self.share_key is None:
            return tool
        try:
            return str(self.share_key(request))
        except Exception as error:  # noqa: BLE001  # must not fail the call
            logger.warning("share_key raised %s; the key is the name of the tool, %s", type(error).__name__, tool)
            return tool

    def rules_of(self, tool: str) -> Rules:
        """Return the rules of the user for errors of `tool`, those of its own policy first."""
        own = self.per_tool.get(tool, self.policy).classify
        return (own, self.rules) if own else self.rules
