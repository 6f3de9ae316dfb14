"""`RunReport`: the calls of a run, read from messages and events, shown as text, HTML or JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages

from agent_tools.report import _html, _json, _text
from agent_tools.report._calls import CallReport, Ending
from agent_tools.report._reading import Seen, records_of_events, records_of_messages
from agent_tools.report._totals import Totals


class RunReport:
    """How the tool calls of a run ended: totals, a table, a timeline.

    `print(report)` shows plain text, a notebook HTML with a picture. `to_html()` and `to_json()` return it for files.

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
    call         outcome    attempts  waited  last error           reason  what the model read
    1 get_order  recovered  2         0.4 s   retryable, HTTP 503
    <BLANKLINE>
                 0 s                                                    1.0 s
    1 get_order  ===========x........................=======================o
    x failed, o worked, = running, . waiting, ? not recorded

    Args:
        calls: The report of each call, in the order in which they were made.
    """

    def __init__(self, calls: Iterable[CallReport]) -> None:
        self._calls = tuple(calls)

    @classmethod
    def from_messages(
        cls, messages: Iterable[BaseMessage | dict[str, Any]], *, events: Iterable[Seen] = ()
    ) -> "RunReport":
        """Return the report of a history.

        Args:
            messages: The messages of a thread, as the state has them, or as dicts.
            events: The events of the run, see `from_events`. Without them the attempts of calls that worked are not
                known, and no waits: the report then says "at least".

        Raises:
            TypeError: `messages` is not a list of messages, but a state, for example.
        """
        if isinstance(messages, str | Mapping):
            raise TypeError(f"messages must be a list of messages, not {type(messages).__name__}")
        return RunReport(record.report() for record in records_of_messages(convert_to_messages(messages), events))

    @classmethod
    def from_events(cls, events: Iterable[Seen]) -> "RunReport":
        """Return the report of the calls that met a failure; calls that just worked send no event.

        Args:
            events: What an observer got, or what came with `stream_mode="custom"`. Other parts are skipped.
        """
        return RunReport(record.report() for record in records_of_events(events))

    @property
    def calls(self) -> tuple[CallReport, ...]:
        """The report of each call, in the order in which they were made."""
        return self._calls

    @property
    def totals(self) -> Totals:
        """All calls added up."""
        return Totals.of(self.calls)

    @property
    def lost(self) -> tuple[CallReport, ...]:
        """The calls without an answer. There should be none."""
        return tuple(call for call in self.calls if call.ending is Ending.UNANSWERED)

    def to_html(self) -> str:
        """Return a complete page, ready to be saved; it needs no script, no style sheet and no network."""
        return _html.document(self.calls, self.totals)

    def to_json(self) -> str:
        """Return totals and calls as JSON; times are seconds."""
        return _json.page(self.calls, self.totals)

    def __str__(self) -> str:
        return _text.page(self.calls, self.totals)

    def __repr__(self) -> str:
        return f"<RunReport: {_text.endings(self.totals)}>"

    def _repr_html_(self) -> str:
        return _html.page(self.calls, self.totals)
