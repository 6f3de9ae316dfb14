"""Retries without the waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from agent_tools._waiting import resume_waits, skip_waits


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """Make every wait of this package instant; the target is the list of seconds that were skipped.

    It holds for the whole process: in every thread and event loop, whether their work began inside or
    outside of the `with` block. Blocks may be nested or overlap: each lists what was skipped during it.
    Clocks are left alone: a deadline does not come nearer by a wait that was skipped.

        with no_waiting() as waits:
            graph.invoke(...)
        assert waits == [pytest.approx(1.0)]
    """
    waits = skip_waits()
    try:
        yield waits
    finally:
        resume_waits(waits)
