"""Retries without the waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from agent_tools._flow.waiting import resume_waits, skip_waits


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """Make every wait of this package instant; `as` gives the list of skipped waits in seconds.

    It applies to the whole process: to every thread and event loop, whether their work began inside or
    outside the `with` block. Blocks may be nested or overlap: each lists what was skipped during it.
    Clocks do not move, so a skipped wait brings no deadline closer. What the model reads, events and reports count
    it: they say how long the call would have taken.

    >>> from agent_tools import with_retry_sync
    >>> from agent_tools.testing import FaultyServer, no_waiting
    >>> import httpx
    >>> with FaultyServer({"/": [503, 503, 200]}) as server, no_waiting() as waits:
    ...     with_retry_sync(lambda: httpx.get(server.url).raise_for_status(), base_delay=60.0)
    <Response [200 OK]>
    >>> waits
    [60.0, 120.0]
    """
    waits = skip_waits()
    try:
        yield waits
    finally:
        resume_waits(waits)
