"""The window: how many calls of a tool may be under way at the same time, after its service was overloaded.

A service with a long queue answers nothing in time: it works for clients that have given up, and each new call
makes that worse. So after an outage with timeouts, calls are let in as TCP lets packets into a congested
network (RFC 5681): the window doubles with each round of answers up to a threshold, grows by one a round from
there, and is halved when a call times out. It goes away when no call has had to wait for it for a while.

    none --[circuit closes, calls had timed out]--> open --[no call had to wait for `QUIET` seconds]--> none
"""

from dataclasses import dataclass, replace

#: The first threshold is never less: this few calls at the same time overload nothing.
LEAST = 16

#: The window goes away when no call has had to wait for it for this many seconds.
QUIET = 10.0

#: When no call has begun for this many seconds, one more may, even if none has come back: where calls have no time
#: limit, one that hangs would keep all others out forever.
STALLED = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The state of one window; all times are by the clock of whoever asks.

    Attributes:
        size: How many calls may be under way.
        threshold: The size from which it grows slowly.
        under_way: How many calls are under way.
        needed_at: When a call last had to wait for it.
        entered_at: When a call last began, or the window opened.
        halved: It was halved, and no call has been answered since.
    """

    size: float
    threshold: float
    under_way: int = 0
    needed_at: float
    entered_at: float
    halved: bool = False

    def free(self, *, now: float) -> int:
        """Return how many more calls may begin."""
        return max(int(now - self.entered_at > STALLED), int(self.size) - self.under_way)


def opened(window: Window | None, *, timed_out: int, now: float) -> Window | None:
    """Return the window after an outage in which `timed_out` calls that had begun before it timed out.

    That many were under way when the service was overloaded; half of that is the threshold. An existing `window`
    keeps its own threshold and no longer counts the calls under way, which have hung since before the outage. None
    when no call timed out: a service that refuses its calls has no queue.
    """
    if window is not None:
        return replace(window, size=1, under_way=0, needed_at=now, entered_at=now)
    return Window(size=1, threshold=max(LEAST, timed_out / 2), needed_at=now, entered_at=now) if timed_out else None


def entered(window: Window, *, now: float) -> Window:
    """Return the window with one more call under way."""
    return replace(window, under_way=window.under_way + 1, entered_at=now)


def left(window: Window) -> Window:
    """Return the window with one call less under way, whose result says nothing about the load."""
    return replace(window, under_way=max(0, window.under_way - 1))  # it may have begun under an earlier window


def awaited(window: Window, *, now: float) -> Window:
    """Return the window after a call that has to wait for it."""
    return replace(window, needed_at=now)


def after_answer(window: Window, *, now: float) -> Window | None:
    """Return the window after a call that the service answered, or None when it is no longer needed."""
    if now - window.needed_at > QUIET:
        return None
    grown = window.size + (1 if window.size < window.threshold else 1 / window.size)
    return replace(left(window), size=grown, halved=False)


def after_timeout(window: Window) -> Window:
    """Return the window after a call that timed out: halved, but only once until a call is answered again."""
    if window.halved:
        return left(window)
    half = max(1.0, window.size / 2)
    return replace(left(window), size=half, threshold=max(2.0, half), halved=True)  # RFC 5681, 3.1
