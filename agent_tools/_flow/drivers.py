"""The two loops. They know three things: call, ask, wait.

`attempt` is called until it returns. Each time it fails, `ask(error)` returns the seconds to wait
before the next attempt, or an `Answer` to return instead of a result, or raises. `wait` waits them, and
may end it all with an `Answer`, too. Neither happens inside an `except` block: whatever is raised there
would carry the tool's error, with all its secrets, as its `__context__`.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agent_tools._flow.waiting import apause, pause

ResultT = TypeVar("ResultT")

#: A tool may raise `CancelledError` itself, and then it is a failure like others. Whether a
#: cancellation came from outside is for `ask` to say, which then raises it.
FAILURES = (Exception, CancelledError)


@dataclass(slots=True)
class Answer(Generic[ResultT]):
    """What is returned instead of a result: there is no further attempt."""

    result: ResultT


Ask = Callable[[BaseException], float | Answer[Any]]  # Any: of the type that the attempt returns
Wait = Callable[[float], object]
AsyncWait = Callable[[float], Awaitable[object]]


def run(attempt: Callable[[], ResultT], ask: Ask, wait: Wait = pause, *, after: float | None = None) -> ResultT:
    """Return what `attempt` returns, or the answer to its last error; `after` is a wait before the first attempt."""
    said: object = after
    while True:
        if isinstance(said, float):
            said = wait(said)
        if isinstance(said, Answer):
            return said.result  # type: ignore[no-any-return]  # of what type an answer is, `ask` knows
        try:
            return attempt()
        except FAILURES as error:
            failed = error
        try:
            said = ask(failed)
        finally:
            del failed  # or the error would live on, with all its frames, while we wait


async def arun(
    attempt: Callable[[], Awaitable[ResultT]], ask: Ask, wait: AsyncWait = apause, *, after: float | None = None
) -> ResultT:
    """Return what awaiting `attempt()` returns, or the answer to its last error; see `run`."""
    said: object = after
    while True:
        if isinstance(said, float):
            said = await wait(said)
        if isinstance(said, Answer):
            return said.result  # type: ignore[no-any-return]
        try:
            return await attempt()
        except FAILURES as error:
            failed = error
        try:
            said = ask(failed)
        finally:
            del failed
