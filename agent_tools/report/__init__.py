"""How the tool calls of a run ended, for people: as plain text, in notebooks, as HTML or JSON in files.

    report = RunReport.from_messages(state["messages"], events=events)
    print(report)

It shows facts (tools, categories, statuses, times) and what the model read, without secrets. Arguments and the texts of
errors are not in it. `python -m agent_tools.report thread.json` shows the report of a saved thread.
"""

from agent_tools.report._calls import CallReport, Ending, Span, SpanKind
from agent_tools.report._report import RunReport
from agent_tools.report._totals import Totals

__all__ = ["CallReport", "Ending", "RunReport", "Span", "SpanKind", "Totals"]
