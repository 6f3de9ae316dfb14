"""The result of an attempt that failed."""

from asyncio import CancelledError
from dataclasses import dataclass

#: What an attempt may fail with. A tool may raise `CancelledError` itself, or call `sys.exit`, which are failures like
#: others; the flow decides whether they came from outside, and then passes them on.
FAILURES = (Exception, CancelledError, SystemExit)


@dataclass(frozen=True, slots=True)
class Failed:
    """The result of an attempt that raised `error`."""

    error: BaseException
