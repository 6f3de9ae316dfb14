"""Limits of time that hold on an idle machine, in tests that a busy machine cannot break."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

TestT = TypeVar("TestT", bound=Callable[..., Any])

#: A busy machine only adds to a time, so the least of a few is what the code takes.
TRIES = 4


class TooLateError(AssertionError):
    """It took longer than it may."""


def assert_in_time(took: float, limit: float) -> None:
    """Fail unless `took` is below the `limit`, both in seconds; a test that is `timed` is then tried again."""
    if took >= limit:
        raise TooLateError(f"it took {took:.3f} s, and may take {limit} s")


def timed(test: TestT) -> TestT:
    """Let a test, sync or async, try again what took too long; everything else fails at once."""
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def atried(*args: Any, **facts: Any) -> None:
            for tries_left in reversed(range(TRIES)):
                try:
                    await test(*args, **facts)
                except TooLateError:
                    if not tries_left:
                        raise
                else:
                    break

        return atried  # type: ignore[return-value]

    @functools.wraps(test)
    def tried(*args: Any, **facts: Any) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                test(*args, **facts)
            except TooLateError:
                if not tries_left:
                    raise
            else:
                break

    return tried  # type: ignore[return-value]
