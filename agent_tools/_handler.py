"""The handler behind node and middleware.

`ToolErrorHandler` has the two methods that both `ToolNode` and LangChain's `AgentMiddleware` call for
each tool call, so node and middleware are thin. The layers from the inside out: the tool, the retries,
the user's wrapper, the answer to the last error. The answer comes last because it would hide the error
from the user's wrapper.
"""

import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack

from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.current import AsyncExecute, AsyncWrapper, Execute, Result, Wrapper
from agent_tools._call.made_settings import settings_of
from agent_tools._call.options import DEFAULTS, HandlerOptions, complete, lists_options, shown_options
from agent_tools._call.own_handling import OwnHandling
from agent_tools._call.run import arun, run
from agent_tools._core.policy import RetryPolicy
from agent_tools._langgraph.saving import await_until_saved, wait_until_saved

if TYPE_CHECKING:
    from agent_tools._gate.health import Health


@lists_options
class ToolErrorHandler:
    """Retries the errors that are worth retrying, and answers the others; one handles all calls of a node.

    `ResilientToolNode` creates its own. Create one yourself to share it between nodes (`handler=`).

    >>> from agent_tools import ResilientToolNode, RetryPolicy, ToolErrorHandler
    >>> handler = ToolErrorHandler(policy=RetryPolicy(max_attempts=5))
    >>> front, back = ResilientToolNode([], handler=handler), ResilientToolNode([], handler=handler)
    >>> handler.health()  # nothing has failed
    {}

    Args:
        **options: See `HandlerOptions`.
        clock: Returns seconds that never run backwards.
        chance: Returns a number from 0 up to 1, for the jitter.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        **options: Unpack[HandlerOptions],
    ) -> None:
        self._settings = settings_of(complete(options), clock=clock, chance=chance)
        self._given = options

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(given_to(self))})"

    def __deepcopy__(self, _memo: object) -> Self:
        """Return this handler: a copy of a node calls the same services, so it shares their health."""
        return self

    def health(self) -> "dict[str, Health]":
        """Return the health of each tool that has failed lately, by its name or by `share_key`.

        With `health=` it is that of all processes. A tool that has failed at several hosts has an entry for each.
        """
        return self._settings.gates.health()

    def reset(self, key: str | None = None) -> None:
        """Forget the failures of a tool or `share_key`, None for all, and close its circuit."""
        self._settings.gates.reset(key)

    def policy_of(self, tool: str) -> RetryPolicy:
        """Return the policy for the calls of `tool`."""
        return self._settings.per_tool.get(tool, self._settings.policy)

    @property
    def shares_health(self) -> bool:
        """Whether the health of tools is shared with other processes (`health=`)."""
        return self._settings.gates.link is not None

    def fresh_health(self) -> AbstractContextManager[None]:
        """Return a context manager: in its block no tool has failed yet, and failures in it are forgotten at its end.

        For tests in which tools fail on purpose; `inject_faults` does it for you.
        """
        return self._settings.gates.set_aside()

    def require_tools(self, names: Iterable[str]) -> None:
        """Raise unless each tool in `per_tool` and `texts` is among `names`.

        Raises:
            ValueError: `per_tool` or `texts` name a tool that does not exist.
        """
        known = sorted(names)
        for argument, named in (("per_tool", self._settings.per_tool), ("texts", self._settings.texts.tools)):
            for name in sorted(named):
                if name not in known:
                    raise ValueError(f"{argument} names {name!r}, but the tools are {', '.join(known)}")

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        execute: Execute,
        *,
        around: Wrapper | None = None,
        own: OwnHandling | None = None,
    ) -> Result:
        """Return what the tool returned, or the answer to its last error.

        Args:
            request: The call.
            execute: Runs the tool once.
            around: The user's own wrapper around all attempts of the call.
            own: The meaning of an explicit `handle_tool_errors`.
        """
        wait_until_saved(getattr(request.runtime, "config", None))
        return run(self._settings, request, execute, around=around, own=own)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        execute: AsyncExecute,
        *,
        around: AsyncWrapper | None = None,
        own: OwnHandling | None = None,
    ) -> Result:
        """Return the same as `wrap_tool_call`, in async code."""
        await await_until_saved(getattr(request.runtime, "config", None))
        return await arun(self._settings, request, execute, around=around, own=own)


def wrappers_of(
    handler: ToolErrorHandler, around: Wrapper | None, aaround: AsyncWrapper | None, own: OwnHandling | None
) -> tuple[Callable[[ToolCallRequest, Execute], Result], Callable[[ToolCallRequest, AsyncExecute], Awaitable[Result]]]:
    """Return the functions that run a node's calls: the methods of `handler` if overridden, else what they call."""
    kind, settings = type(handler), handler._settings  # noqa: SLF001  # of this file
    wrap, awrap = handler.wrap_tool_call, handler.awrap_tool_call
    if kind.wrap_tool_call is ToolErrorHandler.wrap_tool_call:
        wrap = partial(run, settings)
    if kind.awrap_tool_call is ToolErrorHandler.awrap_tool_call:
        awrap = partial(arun, settings)
    return partial(wrap, **_given(around=around, own=own)), partial(awrap, **_given(around=aaround, own=own))


def given_to(handler: ToolErrorHandler) -> list[str]:
    """Return the options that `handler` was given, for a repr: no secret, none of the user's texts, no address."""
    return shown_options(handler._given)  # noqa: SLF001  # of this file


def _given(**options: Any) -> dict[str, Any]:  # of whatever type
    return {name: value for name, value in options.items() if value is not None}


def the_handler(shared: ToolErrorHandler | None, options: HandlerOptions) -> ToolErrorHandler:
    """Return the handler of a node or middleware: the shared one, or a new one with its `options`.

    Raises:
        ValueError: Both are given.
        TypeError: `shared` is not a handler.
    """
    if shared is None:
        return ToolErrorHandler(**options)
    if not isinstance(shared, ToolErrorHandler):
        raise TypeError(f"handler must be a ToolErrorHandler, not {shared!r}")
    for (name, given), default in zip(complete(options).items(), DEFAULTS.values(), strict=True):
        if given != default:
            raise ValueError(f"{name} must be given to the ToolErrorHandler itself, not together with handler")
    return shared
