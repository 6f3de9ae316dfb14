"""Door 2: `ResilientToolNode`, a drop-in for `langgraph.prebuilt.ToolNode`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Unpack

from langchain_core.runnables.config import RunnableConfig, run_in_executor
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest

from agent_tools._call.batch import Batch
from agent_tools._call.current import AsyncExecute, AsyncWrapper, Execute, Result, Wrapper, current
from agent_tools._call.options import HandlerOptions, lists_options, shown_options
from agent_tools._call.own_handling import HandleToolErrors, own_handling
from agent_tools._flow.failed import Failed
from agent_tools._handler import ToolErrorHandler, given_to, the_handler, wrappers_of
from agent_tools._langgraph.handoffs import with_siblings
from agent_tools._langgraph.interrupts import is_resumed
from agent_tools._langgraph.run import config_of_run, recorder_of
from agent_tools._langgraph.saving import await_until_saved, wait_until_saved

#: The most threads for one sync run of a node; it needs one per call.
_THREADS = 256

_DEFAULTS = {"name": "tools", "handle_tool_errors": True, "messages_key": "messages"}

Wrapped = Callable[[ToolCallRequest, Execute], Result]
AsyncWrapped = Callable[[ToolCallRequest, AsyncExecute], Awaitable[Result]]


@lists_options
class ResilientToolNode(ToolNode):
    """A `ToolNode` in which a failing tool ends neither the run nor the thread.

    Each call gets exactly one answer: the tool's result, or an error message that tells the model what
    happened and what to do. Only the failed call of a batch runs again. Interrupts, parent commands and
    cancellations pass untouched; a missing store or state field is raised, as ToolNode does.

    >>> from agent_tools import ResilientToolNode, RetryPolicy
    >>> def get_order(order: str) -> str:
    ...     "Look up an order."
    ...     return "shipped"
    >>> node = ResilientToolNode([get_order], per_tool={"get_order": RetryPolicy(max_attempts=5)})

    Args:
        tools: As for ToolNode.
        handler: A `ToolErrorHandler` to share with other nodes, instead of the options below.
        name: As for ToolNode.
        tags: As for ToolNode.
        handle_tool_errors: As for ToolNode, applied after the retries: False raises the error, a type or a tuple
            answers only those errors, a string or a function supplies your own text. True: this package's answers.
        messages_key: As for ToolNode.
        wrap_tool_call: As for ToolNode; wraps all attempts of a call.
        awrap_tool_call: The same, async. Without it, an async run calls `wrap_tool_call` in a thread.
        record: Whether each call is recorded as a LangGraph task when it ends, so that it does not run again when
            the node does, after an interrupt or a crash. None: if there is a checkpointer and the message has
            several calls. True: single calls, too, for a function that calls the node and then asks a human.
            False: never; finished calls run again, as under ToolNode.
        **options: See `HandlerOptions`.

    Attributes:
        handler: Reports how the tools are doing (`health`), and forgets it (`reset`).

    Raises:
        ValueError: `per_tool` or `texts` name a tool that is not in `tools`; a shared `handler` may name others.
    """

    def __init__(
        self,
        tools: Sequence[BaseTool | Callable[..., Any]],
        *,
        handler: ToolErrorHandler | None = None,
        name: str = "tools",
        tags: list[str] | None = None,
        handle_tool_errors: HandleToolErrors = True,
        messages_key: str = "messages",
        wrap_tool_call: Wrapper | None = None,
        awrap_tool_call: AsyncWrapper | None = None,
        record: bool | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        is_shared = handler is not None  # which may have policies for the tools of other nodes
        self.record = record
        self.handler = handler = the_handler(handler, options)
        own = own_handling(handle_tool_errors)
        shown: dict[str, object] = {"name": name, "tags": tags, "messages_key": messages_key, "record": record}
        shown |= {"handle_tool_errors": handle_tool_errors, "wrap_tool_call": wrap_tool_call}
        shown["awrap_tool_call"] = awrap_tool_call
        self._shown = shown_options(shown, _DEFAULTS)  # as text, since a copy of the node copies what it holds
        self._is_shared = is_shared
        if awrap_tool_call is None and wrap_tool_call is not None:
            awrap_tool_call = _in_thread(wrap_tool_call)

        # Functions, not methods of this node: a node that holds a method of its own is a cycle, in which repr() and
        # draw_mermaid() recurse forever.
        wrap, awrap = wrappers_of(handler, wrap_tool_call, awrap_tool_call, own)
        super().__init__(
            tools,
            name=name,
            tags=tags,
            handle_tool_errors=False,  # else no wrapper would ever see an exception
            messages_key=messages_key,
            wrap_tool_call=_recording(wrap),
            awrap_tool_call=_arecording(awrap),
        )
        if not is_shared:
            handler.require_tools(self.tools_by_name)

    def __repr__(self) -> str:
        handler = [f"handler={self.handler!r}"] if self._is_shared else given_to(self.handler)
        parts = ["[" + ", ".join(self.tools_by_name) + "]", *self._shown, *handler]
        return f"{type(self).__name__}({', '.join(parts)})"

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Run the calls of the last message; see `ToolNode`.

        If you call it yourself in a node, an entrypoint, a task or a tool, it needs no config: it finds the run's.
        """
        config = config_of_run(config)
        wait_until_saved(config)
        recorder = recorder_of(self, input, config, record=self.record, key=self._messages_key, is_async=False)
        resumed = recorder is not None or is_resumed(config)
        token = current.set(Batch(config, recorder=recorder, may_be_resumed=resumed))
        try:
            # A thread for each call: the batch enforces the limit, so that a call that waits does not use it up.
            result = super().invoke(input, {**config, "max_concurrency": _THREADS}, **kwargs)
        finally:
            current.reset(token)
            if recorder is not None:
                recorder.give_up()
        if recorder is not None:
            recorder.raise_error()
        return with_siblings(result, self._messages_key)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Do the same as `invoke`."""
        config = config_of_run(config)
        await await_until_saved(config)
        recorder = recorder_of(self, input, config, record=self.record, key=self._messages_key, is_async=True)
        resumed, loop = recorder is not None or is_resumed(config), asyncio.get_running_loop()
        batch = Batch(config, loop=loop, recorder=recorder, may_be_resumed=resumed)
        token = current.set(batch)
        try:
            result = await super().ainvoke(input, config, **kwargs)
        finally:
            current.reset(token)
            batch.close()
            if recorder is not None:
                recorder.give_up()
        if recorder is not None:
            recorder.raise_error()
        return with_siblings(result, self._messages_key)


def _recording(wrap: Wrapped) -> Wrapped:
    """Return `wrap`, which runs as a task when the node records its calls."""

    def wrapped(request: ToolCallRequest, execute: Execute) -> Result:
        batch = current.get()
        if not isinstance(batch, Batch) or batch.recorder is None:
            return wrap(request, execute)
        brought: Result = batch.recorder.run(request, partial(wrap, request, execute))
        return brought

    return wrapped


def _arecording(wrap: AsyncWrapped) -> AsyncWrapped:
    """Return the same as `_recording`, for async calls."""

    def wrapped(request: ToolCallRequest, execute: AsyncExecute) -> Awaitable[Result]:
        batch = current.get()
        if not isinstance(batch, Batch) or batch.recorder is None:
            return wrap(request, execute)
        return batch.recorder.arun(request, partial(wrap, request, execute))

    return wrapped


def _in_thread(wrapper: Wrapper) -> AsyncWrapper:
    """Return `wrapper` for async runs: it runs in a thread, and the tools that it executes in the event loop."""
    from agent_tools._flow.steps import Attempt  # noqa: PLC0415  # few nodes have such a wrapper

    async def around(request: ToolCallRequest, execute: AsyncExecute) -> Result:
        loop = asyncio.get_running_loop()
        running: list[Future[Result | Failed]] = []

        def execute_in_loop(request: ToolCallRequest) -> Result:
            # As an attempt, since a task that ends with SystemExit ends the event loop.
            running.append(asyncio.run_coroutine_threadsafe(Attempt(partial(execute, request)).ado(), loop))
            return _returned(running[-1].result())

        try:
            return await run_in_executor(None, wrapper, request, execute_in_loop)
        finally:
            for future in running:  # if this was canceled, cancel the tool, too; otherwise it is done
                future.cancel()

    return around


def _returned(brought: Result | Failed) -> Result:
    if not isinstance(brought, Failed):
        return brought
    try:
        raise brought.error
    finally:
        del brought  # its error holds this frame
