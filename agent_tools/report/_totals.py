"""`Totals`: the calls of a run added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from agent_tools.report._calls import CallReport, Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All calls added up.

    >>> Totals.of([CallReport(tool="lookup", id="c1", ending=Ending.OK)]).calls
    1

    Attributes:
        calls: How many there were.
        attempts: How often tools were run.
        retries: Attempts that were not the first of their call.
        ok: Calls whose first attempt worked.
        recovered: Calls that a retry saved.
        given_up: Calls without a result, by the category of their error; "unknown" where none is recorded.
        paused: Calls that wait for a human.
        unanswered: Calls without an answer.
        waited: Seconds that calls waited; calls of one message wait at the same time.
        longest: Seconds that the longest call took.
        is_exact: False when attempts and retries may be more than these.
        is_timed: False when the times may be longer than these.
    """

    calls: int
    attempts: int
    retries: int
    ok: int
    recovered: int
    given_up: Mapping[str, int]
    paused: int
    unanswered: int
    waited: float
    longest: float
    is_exact: bool = True
    is_timed: bool = True

    @classmethod
    def of(cls, calls: Sequence[CallReport]) -> Self:
        """Return the totals of `calls`."""
        endings = Counter(call.ending for call in calls)
        given_up = (call for call in calls if call.ending in (Ending.FAILED, Ending.NOT_RUN))
        return cls(
            calls=len(calls),
            attempts=sum(call.attempts for call in calls),
            retries=sum(max(0, call.attempts - 1) for call in calls),
            ok=endings[Ending.OK],
            recovered=endings[Ending.RECOVERED],
            given_up=dict(Counter(str(call.category or "unknown") for call in given_up)),
            paused=endings[Ending.PAUSED],
            unanswered=endings[Ending.UNANSWERED],
            waited=sum(call.waited for call in calls),
            longest=max((call.seconds for call in calls), default=0.0),
            is_exact=all(call.is_exact for call in calls),
            is_timed=all(call.is_timed for call in calls),
        )
