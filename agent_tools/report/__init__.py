"""What became of the tool calls of a run, to be read by people: as plain text, and as HTML in notebooks.

    report = RunReport.from_messages(state["messages"], events=events)
    print(report)

It shows facts (tools, categories, statuses, times) and what the model read, without secrets; no arguments,
no text of any error.
"""

from agent_tools.report._calls import CallReport, Ending, Span, SpanKind
from agent_tools.report._report import RunReport, Totals

__all__ = ["CallReport", "Ending", "RunReport", "Span", "SpanKind", "Totals"]
