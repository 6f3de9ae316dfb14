"""Time limits for tests that still pass on a busy machine."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

TestT = TypeVar("TestT", bound=Callable[..., Any])

#: Attempts at a timed test. Load only adds time, so the fastest attempt is closest to what the code takes.
TRIES = 4


class TooLateError(AssertionError):
    """The code took too long."""


def assert_in_time(took: float, limit: float) -> None:
    """Fail unless `took` is below `limit`, both in seconds; `timed` then runs the test again."""
    if took >= limit:
        raise TooLateError(f"it must take less than {limit} s, not {took:.3f} s")


def timed(test: TestT) -> TestT:
    """Run a sync or async test again if it took too long; any other failure counts at once."""
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
