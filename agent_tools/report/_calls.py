"""What is known about one call: how it ended, how long it took, what the model read."""

from dataclasses import dataclass
from enum import StrEnum

from agent_tools._core.effects import Effect
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.reason import Reason

#: How many characters are kept of what the model read.
LONGEST_TEXT = 500


class Ending(StrEnum):
    """How a call ended.

    >>> Ending.RECOVERED.value
    'recovered'
    """

    OK = "ok"
    """Its first attempt worked."""
    RECOVERED = "recovered"
    """A later attempt worked."""
    FAILED = "failed"
    """It was given up, and the model read why."""
    NOT_RUN = "not run"
    """It was answered without running the tool."""
    PAUSED = "paused"
    """It waits for a human."""
    UNANSWERED = "unanswered"
    """It has no answer: its result is lost, if there was one."""


class SpanKind(StrEnum):
    """What happened during a part of a call.

    >>> [kind.value for kind in SpanKind]
    ['ok', 'failed', 'wait', 'unseen']
    """

    OK = "ok"
    """An attempt that worked."""
    FAILED = "failed"
    """An attempt that failed."""
    WAIT = "wait"
    """A wait before an attempt: its own, or that for the probe of a tool that is down."""
    UNSEEN = "unseen"
    """Attempts and waits of which only the total is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a call; times are seconds since the call began.

    >>> Span(kind=SpanKind.FAILED, started=0.0, ended=0.5, category=ErrorCategory.TIMEOUT).seconds
    0.5

    Attributes:
        kind: What happened.
        started: When it began.
        ended: When it ended.
        category: Of the failure; None if nothing failed.
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
        ending: How it ended.
        attempts: How often the tool was run.
        is_exact: False when there may have been more attempts: a message with a result does not show how often
            the tool was tried. Events do.
        spans: Attempts and waits in order, as far as they are known. Waits are shown in full even if they were
            skipped (`no_waiting`).
        category: Of the last failure; None when nothing failed, or when it is not known.
        error_type: Class name of the error behind it; None when it is not known.
        status_code: HTTP status of the last failure, None when it had none.
        reason: Why it was given up; None when it was not.
        found: What `RetryPolicy.verify` found out about it; None when it was not asked.
        text: What the model read, without secrets and shortened; empty when it read nothing.
    """

    tool: str
    id: str
    ending: Ending
    attempts: int = 1
    is_exact: bool = True
    spans: tuple[Span, ...] = ()
    category: ErrorCategory | None = None
    error_type: str | None = None
    status_code: int | None = None
    reason: Reason | None = None
    found: Effect | None = None
    text: str = ""

    @property
    def is_timed(self) -> bool:
        """Whether all of its attempts and waits are known."""
        return self.is_exact and all(span.kind is not SpanKind.UNSEEN for span in self.spans)

    @property
    def waited(self) -> float:
        """Seconds that it waited, as far as known."""
        return sum(span.seconds for span in self.spans if span.kind is SpanKind.WAIT)

    @property
    def seconds(self) -> float:
        """Seconds until its last attempt ended, as far as known."""
        return self.spans[-1].ended if self.spans else 0.0

    @property
    def error(self) -> str:
        """The last failure in a few words, and what was found out about its effect; empty when there was none."""
        if self.category is None:
            return ""
        detail = self.error_type if self.status_code is None else f"HTTP {self.status_code}"
        found = "" if self.found is None else f"verified: {self.found.replace('_', ' ')}"
        return ", ".join(filter(None, (self.category, detail, found)))
