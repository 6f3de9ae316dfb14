"""The window: how many calls of a tool may be under way at the same time, once they were too many for its service.

A service with a long queue answers nothing in time: it works for clients that have given up, and each call that is
sent to it makes that worse. So after an outage of timeouts calls are let in as TCP lets packets into a congested
network (RFC 5681): the window doubles with each round of answers up to a threshold, grows by one a round from
there, and is halved when a call times out. Nobody needs it any more when no call has had to wait for it for a while.

    none --[circuit closes, calls had timed out]--> open --[no call had to wait for `QUIET` seconds]--> none
"""

from dataclasses import dataclass, replace

#: The first threshold is never less: so few calls at the same time are no crowd.
LEAST = 16

#: Seconds without a call that had to wait, after which there is no window any more.
QUIET = 10.0

#: Seconds without a call that began, after which one more may begin, though none has come back: where nothing limits
#: the time of calls, one that hangs would keep all others out for ever.
STALLED = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The state of one window; all times are by the clock of whoever asks.

    Attributes:
        size: So many calls may be under way.
        threshold: From here on it grows slowly.
        under_way: So many are.
        needed_at: When a call last had to wait for it.
        entered_at: When a call last began, or the window opened.
        halved: It was, and no call has been answered since.
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


def opened(window: Window | None, *, drowned: int, now: float) -> Window | None:
    """Return the window after an outage in which `drowned` calls timed out that had begun before it.

    So many were under way when the service went under, and half of that is the threshold; where there was a `window`
    already, its own, and calls that hang in it since before the outage count no more. None when none timed out: what
    refuses its calls has no queue.
    """
    if window is not None:
        return replace(window, size=1, under_way=0, needed_at=now, entered_at=now)
    return Window(size=1, threshold=max(LEAST, drowned / 2), needed_at=now, entered_at=now) if drowned else None


def entered(window: Window, *, now: float) -> Window:
    """Return the window with one more call under way."""
    return replace(window, under_way=window.under_way + 1, entered_at=now)


def left(window: Window) -> Window:
    """Return the window with one call less under way, which has said nothing about it."""
    return replace(window, under_way=max(0, window.under_way - 1))  # it may have begun at an earlier window


def awaited(window: Window, *, now: float) -> Window:
    """Return the window after a call that has to wait for it."""
    return replace(window, needed_at=now)


def after_answer(window: Window, *, now: float) -> Window | None:
    """Return the window after a call that the service has answered, None when nobody needs it any more."""
    if now - window.needed_at > QUIET:
        return None
    grown = window.size + (1 if window.size < window.threshold else 1 / window.size)
    return replace(left(window), size=grown, halved=False)


def after_timeout(window: Window) -> Window:
    """Return the window after a call that timed out: it is halved, once until a call is answered again."""
    if window.halved:
        return left(window)
    half = max(1.0, window.size / 2)
    return replace(left(window), size=half, threshold=max(2.0, half), halved=True)  # RFC 5681, 3.1
