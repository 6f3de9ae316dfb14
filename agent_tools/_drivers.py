"""The two loops. They know three things: call, ask, wait.

`attempt` is called until it returns. Each time it fails, `ask(error)` returns the seconds to wait
before the next attempt, or None to let the error out; `wait` may end it, too, by raising. The wait never
happens inside an `except` block: whatever is raised there would carry the tool's error, with all its
secrets, as its `__context__`.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent_tools._waiting import apause, pause

ResultT = TypeVar("ResultT")

#: A tool may raise `CancelledError` itself, and then it is a failure like others. Whether a
#: cancellation came from outside is for `ask` to say, which then returns None.
FAILURES = (Exception, CancelledError)

Ask = Callable[[BaseException], float | None]
Wait = Callable[[float], object]
AsyncWait = Callable[[float], Awaitable[object]]


def run(attempt: Callable[[], ResultT], ask: Ask, wait: Wait = pause) -> ResultT:
    """Return what `attempt` returns, or raise its last error."""
    while True:
        try:
            return attempt()
        except FAILURES as error:
            failed = error
        try:
            after = ask(failed)
            if after is None:
                raise failed
        finally:
            del failed  # or the error would live on, with all its frames, while we wait
        wait(after)


async def arun(attempt: Callable[[], Awaitable[ResultT]], ask: Ask, wait: AsyncWait = apause) -> ResultT:
    """Return what awaiting `attempt()` returns, or raise its last error."""
    while True:
        try:
            return await attempt()
        except FAILURES as error:
            failed = error
        try:
            after = ask(failed)
            if after is None:
                raise failed
        finally:
            del failed
        await wait(after)
