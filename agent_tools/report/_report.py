"""`RunReport`: the calls of a run and what they come to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from langchain_core.messages import BaseMessage, convert_to_messages

from agent_tools.report import _html, _text
from agent_tools.report._calls import CallReport, Ending
from agent_tools.report._reading import Told, records_of_events, records_of_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all calls come to.

    >>> Totals.of([CallReport(tool="lookup", id="c1", ending=Ending.OK)]).calls
    1

    Attributes:
        calls: How many there were.
        attempts: How often tools were run.
        retries: Those of them that were not the first of their call.
        ok: Calls whose first attempt brought a result.
        recovered: Calls that a retry saved.
        given_up: Calls that brought no result, by the category of their error; "unknown" for errors of which
            nothing is recorded.
        paused: Calls that wait for a human.
        unanswered: Calls of which the model was told nothing.
        waited: Seconds between attempts, of all calls; calls of one message wait at the same time.
        longest: Seconds that the longest call took.
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

    @classmethod
    def of(cls, calls: Sequence[CallReport]) -> Self:
        """Return what `calls` come to."""
        endings = Counter(call.ending for call in calls)
        given_up = (call for call in calls if call.ending in (Ending.FAILED, Ending.NOT_RUN))
        return cls(
            calls=len(calls),
            attempts=sum(call.attempts for call in calls),
            retries=sum(max(0, call.attempts - 1) for call in calls),
            ok=endings[Ending.OK],
            recovered=endings[Ending.RECOVERED],
            given_up=Counter(str(call.category or "unknown") for call in given_up),
            paused=endings[Ending.PAUSED],
            unanswered=endings[Ending.UNANSWERED],
            waited=sum(call.waited for call in calls),
            longest=max((call.seconds for call in calls), default=0.0),
        )


class RunReport:
    """What became of the tool calls of a run: totals, a table, a timeline.

    `print(report)` shows it as plain text, a notebook as HTML with a picture.

    >>> from agent_tools import RunReport
    >>> first = {"tool": "get_order", "tool_call_id": "c1", "of": 3, "category": "retryable", "status_code": 503}
    >>> report = RunReport.from_events([
    ...     {**first, "type": "tool_retry", "attempt": 1, "elapsed": 0.2, "after": 0.4},
    ...     {**first, "type": "tool_recovered", "attempt": 2, "elapsed": 1.0},
    ... ])
    >>> print(report)
    1 call: 1 recovered, 0 unanswered
    2 attempts, 1 of them a retry; waited 0.4 s, the longest call took 1.0 s
    <BLANKLINE>
    call         outcome    attempts  waited  last error           what the model read
    1 get_order  recovered  2         0.4 s   retryable, HTTP 503
    <BLANKLINE>
                 0 s                                                    1.0 s
    1 get_order  ===========x........................=======================o
    x failed, o worked, = running, . waiting, ? not recorded

    Args:
        calls: What became of each of them, in the order in which they were made.
    """

    def __init__(self, calls: Iterable[CallReport]) -> None:
        self._calls = tuple(calls)

    @classmethod
    def from_messages(
        cls, messages: Iterable[BaseMessage | dict[str, Any]], *, events: Iterable[Told] = ()
    ) -> "RunReport":
        """Return the report of a history.

        Args:
            messages: The messages of a thread, as the state has them, or as dicts.
            events: What was told meanwhile, see `from_events`. Without them attempts and waits are known only of
                the calls that were given up.

        Raises:
            TypeError: `messages` are none, but a state, which has them under a key, for example.
        """
        if isinstance(messages, str | Mapping):
            raise TypeError(f"messages must be a list of messages, not {type(messages).__name__}")
        return RunReport(record.report() for record in records_of_messages(convert_to_messages(messages), events))

    @classmethod
    def from_events(cls, events: Iterable[Told]) -> "RunReport":
        """Return the report of the calls that met a failure; calls that just worked are in no event.

        Args:
            events: What an observer was given, or what came with `stream_mode="custom"`. Whatever is not ours is
                passed over.
        """
        return RunReport(record.report() for record in records_of_events(events))

    @property
    def calls(self) -> tuple[CallReport, ...]:
        """What became of each call, in the order in which they were made."""
        return self._calls

    @property
    def totals(self) -> Totals:
        """What all calls come to."""
        return Totals.of(self.calls)

    @property
    def lost(self) -> tuple[CallReport, ...]:
        """The calls of which the model was told nothing. There should be none."""
        return tuple(call for call in self.calls if call.ending is Ending.UNANSWERED)

    def __str__(self) -> str:
        return _text.page(self.calls, self.totals)

    def __repr__(self) -> str:
        return f"<RunReport: {_text.endings(self.totals)}>"

    def _repr_html_(self) -> str:
        return _html.page(self.calls, self.totals)
