"""What is known of one call: how it ended, what it took, what the model read."""

from dataclasses import dataclass
from enum import StrEnum

from agent_tools._core.decision import Reason
from agent_tools._core.failure import ErrorCategory


class Ending(StrEnum):
    """What became of a call.

    >>> Ending.RECOVERED.value
    'recovered'
    """

    OK = "ok"
    """Its first attempt brought a result."""
    RECOVERED = "recovered"
    """A later attempt brought a result."""
    FAILED = "failed"
    """It was given up; the model read what that means."""
    NOT_RUN = "not run"
    """It was answered without running the tool, which is known to be down."""
    PAUSED = "paused"
    """It waits for a human."""
    UNANSWERED = "unanswered"
    """The model was told nothing: its result is lost, if there was one."""


class SpanKind(StrEnum):
    """What went on during a part of a call.

    >>> [kind.value for kind in SpanKind]
    ['ok', 'failed', 'wait', 'unseen']
    """

    OK = "ok"
    """An attempt that brought a result."""
    FAILED = "failed"
    """An attempt that failed."""
    WAIT = "wait"
    """The wait before an attempt."""
    UNSEEN = "unseen"
    """Attempts and waits of which only the total is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a call; times are seconds since the call began.

    >>> Span(kind=SpanKind.FAILED, started=0.0, ended=0.5, category=ErrorCategory.TIMEOUT).seconds
    0.5

    Attributes:
        kind: What went on.
        started: When it began.
        ended: When it was over.
        category: Of the failure; None for whatever did not fail.
        status_code: HTTP status of the failure, None when it had none.
    """

    kind: SpanKind
    started: float
    ended: float
    category: ErrorCategory | None = None
    status_code: int | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """One call of a tool.

    >>> call = CallReport(tool="lookup", id="c1", ending=Ending.FAILED, category=ErrorCategory.TIMEOUT, status_code=504)
    >>> call.error
    'timeout, HTTP 504'

    Attributes:
        tool: Name of the tool.
        id: Id of the call, as the model gave it.
        ending: What became of it.
        attempts: How often the tool was run.
        is_exact: False when there may have been more attempts than that: a message that brings a result does
            not say how often the tool was tried. The events do.
        spans: Attempts and waits in order, as far as they are known. Waits are shown in full even if they were
            skipped (`no_waiting`).
        category: Of the last failure; None when nothing failed, or when nobody knows.
        status_code: HTTP status of the last failure, None when it had none.
        reason: Why it was given up; None when it was not.
        text: What the model read, without secrets and shortened; empty when it read nothing.
    """

    tool: str
    id: str
    ending: Ending
    attempts: int = 1
    is_exact: bool = True
    spans: tuple[Span, ...] = ()
    category: ErrorCategory | None = None
    status_code: int | None = None
    reason: Reason | None = None
    text: str = ""

    @property
    def waited(self) -> float:
        """Seconds between its attempts."""
        return sum(span.seconds for span in self.spans if span.kind is SpanKind.WAIT)

    @property
    def seconds(self) -> float:
        """Seconds from the beginning of the first attempt to the end of the last one, as far as known."""
        return self.spans[-1].ended if self.spans else 0.0

    @property
    def error(self) -> str:
        """The last failure in a few words; empty when there was none."""
        words = [] if self.category is None else [str(self.category)]
        if self.status_code is not None:
            words.append(f"HTTP {self.status_code}")
        return ", ".join(words)
