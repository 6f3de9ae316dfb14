"""Door 1: classify an error, retry a function. No LangGraph needed.

`max_retries` counts calls in total here, the first one included; LangChain's `max_retries` counts the
calls after the first one.
"""

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutine
from itertools import count
from typing import Any, TypeVar

from agent_tools._classify import category_of
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.own_rules import is_async
from agent_tools._core.policy import require_count, require_seconds
from agent_tools._flow.failed import Failed
from agent_tools._flow.steps import Attempt, Flow, Wait, aperform, perform

__all__ = ["ErrorCategory", "classify_error", "with_retry", "with_retry_sync"]

ResultT = TypeVar("ResultT")

#: With more doublings a float overflows; only calls without any wait get that far.
MOST_DOUBLINGS = 1000


def classify_error(exc: BaseException) -> ErrorCategory:
    """Return the category of `exc`.

    `httpx.TimeoutException` is TIMEOUT, `httpx.ConnectError` is NETWORK, HTTP 401 and 403 are
    AUTH_FAILURE, HTTP 429, 500, 502 and 503 are RETRYABLE; errors of other clients are classified by the
    same rules, and whatever no rule names is NON_RETRYABLE. Never raises, whatever the error is made of.

    >>> classify_error(ConnectionRefusedError())
    <ErrorCategory.NETWORK: 'network'>
    >>> classify_error(ValueError("no such order"))
    <ErrorCategory.NON_RETRYABLE: 'non_retryable'>

    Raises:
        TypeError: `exc` is a class, not an error.
    """
    if isinstance(exc, type):  # type: ignore[unreachable]  # callers may not check types
        raise TypeError(f"exc must be an exception instance, not the class {exc.__name__}")
    return category_of(exc)


async def with_retry(fn: Callable[[], Awaitable[ResultT]], max_retries: int = 3, base_delay: float = 1.0) -> ResultT:
    """Return what awaiting `fn()` returns, trying again after RETRYABLE errors.

    >>> import asyncio
    >>> from agent_tools import with_retry
    >>> async def look_up() -> str:
    ...     return "shipped"
    >>> asyncio.run(with_retry(look_up, max_retries=3))
    'shipped'

    Args:
        fn: Called without arguments, once per attempt.
        max_retries: Calls in total, the first one included.
        base_delay: Seconds before the second call; each further wait is twice as long.

    Raises:
        TypeError: `fn` is not a function, or returns nothing to await.
        ValueError: `max_retries` is below 1, or `base_delay` negative or not finite.
        Exception: The last error of `fn`, unchanged.
    """
    _require_function(fn)

    def awaited() -> Awaitable[ResultT]:
        promised: object = fn()
        if not isawaitable(promised):
            kind = type(promised).__name__
            raise TypeError(f"{_name_of(fn)} must return an awaitable, not {kind}; with_retry_sync is for sync code")
        return promised

    result: ResultT = await aperform(_retrying(awaited, max_retries, base_delay))
    return result


def with_retry_sync(fn: Callable[[], ResultT], max_retries: int = 3, base_delay: float = 1.0) -> ResultT:
    """Return what `fn()` returns, trying again after RETRYABLE errors; see `with_retry`.

    >>> from agent_tools import with_retry_sync
    >>> with_retry_sync(lambda: "shipped", max_retries=3)
    'shipped'

    Raises:
        TypeError: `fn` is not a function, or an async one.
    """
    _require_function(fn)
    if is_async(fn):
        raise TypeError(f"{_name_of(fn)} is async: await with_retry({_name_of(fn)}) instead of calling with_retry_sync")
    result: ResultT = perform(_retrying(fn, max_retries, base_delay))
    return result


def _require_function(fn: object) -> None:
    if callable(fn):
        return
    hint = ""
    if iscoroutine(fn):
        fn.close()  # nobody will await it
        hint = ": pass the function itself, without calling it"
    raise TypeError(f"fn must be a function without arguments, not {fn!r}{hint}")


def _name_of(fn: object) -> str:
    return str(getattr(fn, "__name__", "fn"))


def _retrying(fn: Callable[[], object], max_retries: int, base_delay: float) -> Flow[Any]:  # Any: what `fn` returns
    require_count("max_retries", max_retries)
    require_seconds("base_delay", base_delay)
    for retry in count():
        said = yield Attempt(fn)
        if not isinstance(said, Failed):
            return said
        try:
            if retry + 1 >= max_retries or classify_error(said.error) is not ErrorCategory.RETRYABLE:
                raise said.error
        finally:
            del said  # the error would live on while we wait, or keep this frame
        yield Wait(base_delay * 2.0 ** min(retry, MOST_DOUBLINGS))
