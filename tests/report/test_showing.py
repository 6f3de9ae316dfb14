"""A report is readable as plain text and as HTML, and shows no secret."""

import json
import xml.etree.ElementTree as ET

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from agent_tools import Failure, RunReport
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.reason import Reason
from agent_tools.report import CallReport, Ending, Span, SpanKind
from tests.support.toolbox import printed_by


def failed(started: float, ended: float) -> Span:
    return Span(kind=SpanKind.FAILED, started=started, ended=ended, category=ErrorCategory.RETRYABLE, status_code=503)


CALLS = [
    CallReport(
        tool="get_order",
        id="c1",
        ending=Ending.RECOVERED,
        attempts=2,
        spans=(
            failed(0.0, 1.0),
            Span(kind=SpanKind.WAIT, started=1.0, ended=5.0),
            Span(kind=SpanKind.OK, started=5.0, ended=6.0),
        ),
        category=ErrorCategory.RETRYABLE,
        status_code=503,
        text="shipped",
    ),
    CallReport(
        tool="charge",
        id="c2",
        ending=Ending.FAILED,
        attempts=3,
        spans=(Span(kind=SpanKind.UNSEEN, started=0.0, ended=3.0), failed(3.0, 3.0)),
        category=ErrorCategory.RETRYABLE,
        reason=Reason.ATTEMPTS_USED,
        text="`charge` failed: " + "its service has a problem " * 10,
    ),
    CallReport(tool="lookup", id="c3", ending=Ending.OK, is_exact=False, spans=()),
    CallReport(tool="refund", id="c4", ending=Ending.PAUSED, attempts=0),
    CallReport(tool="stock", id="c5", ending=Ending.UNANSWERED, attempts=1, spans=(failed(0, 0),)),
]

SHOWN = """\
5 calls: 1 ok, 1 recovered, 1 given up (1 retryable), 1 paused, 1 unanswered
at least 7 attempts, 3 of them retries; waited at least 4.0 s, the longest call took at least 6.0 s

call         outcome     attempts  waited  last error           reason         what the model read
1 get_order  recovered   2         4.0 s   retryable, HTTP 503                 shipped
2 charge     failed      3         ?       retryable            attempts used  `charge` failed: its service has a pr...
3 lookup     ok          1+        ?
4 refund     paused      0
5 stock      unanswered  1

             0 s                                                    6.0 s
1 get_order  =========x........................................=========o
2 charge     ??????????????????????????????x
3 lookup
4 refund
5 stock      x
x failed, o worked, = running, . waiting, ? not recorded"""


def parsed(shown: RunReport | Failure) -> ET.Element:
    return ET.fromstring(shown._repr_html_().replace("<br>", "<br/>"))  # noqa: S314  # trusted


def test_as_text_it_is_totals_a_table_and_a_timeline() -> None:
    assert str(RunReport(CALLS)) == SHOWN


def test_its_text_is_plain_ascii_and_says_in_short_what_matters() -> None:
    report = RunReport(CALLS)
    assert str(report).isascii()
    assert repr(report) == ("<RunReport: 5 calls: 1 ok, 1 recovered, 1 given up (1 retryable), 1 paused, 1 unanswered>")


@pytest.mark.parametrize("report", [RunReport([]), RunReport(CALLS[2:3])], ids=["no calls", "no times"])
def test_where_there_is_nothing_to_draw_nothing_is_drawn(report: RunReport) -> None:
    assert "0 s  " not in str(report)
    assert "<svg" not in report._repr_html_()


def test_as_html_it_is_well_formed_with_a_row_and_a_line_for_each_call() -> None:
    page = parsed(RunReport(CALLS))

    assert len(page.findall(".//td")) == 7 * len(CALLS)
    assert len([title for title in page.iter("title") if (title.text or "").startswith("failed")]) == 3
    (picture,) = page.iter("svg")
    assert picture.get("aria-label") == "timeline of 5 calls"


def test_a_page_of_its_own_has_a_title_and_needs_nothing_from_elsewhere() -> None:
    page = RunReport(CALLS).to_html()

    assert page.startswith("<!doctype html>")
    assert "<title>5 calls: 1 ok" in page
    assert RunReport(CALLS)._repr_html_() in page
    assert not [word for word in ("<script", "<link", "http") if word in page]


def test_failed_attempts_differ_from_others_by_more_than_their_color() -> None:
    page = parsed(RunReport(CALLS))
    assert len([path for path in page.iter("path") if path.get("stroke-width")]) == 3


def test_as_json_it_has_totals_and_calls_in_plain_types() -> None:
    shown = json.loads(RunReport(CALLS).to_json())

    assert (shown["totals"]["attempts"], shown["totals"]["is_exact"], shown["totals"]["given_up"]) == (
        7,
        False,
        {"retryable": 1},
    )
    first, second = shown["calls"][:2]
    assert (first["tool"], first["ending"], first["waited"], first["seconds"]) == ("get_order", "recovered", 4.0, 6.0)
    assert (second["reason"], second["is_timed"]) == ("attempts_used", False)


def test_an_error_without_a_status_is_named_by_its_type() -> None:
    call = CallReport(
        tool="points", id="c1", ending=Ending.FAILED, category=ErrorCategory.NON_RETRYABLE, error_type="KeyError"
    )
    assert call.error == "non_retryable, KeyError"


def test_nothing_lies_over_anything_else_in_the_picture() -> None:
    page = parsed(RunReport(CALLS))
    bars = [rect for rect in page.iter("rect") if rect.find("title") is not None]
    ends: dict[float, float] = {}
    for bar in bars:
        line, left, width = float(bar.attrib["y"]) // 24, float(bar.attrib["x"]), float(bar.attrib["width"])
        assert left >= ends.get(line, 0.0) - 0.11
        assert width > 0
        ends[line] = left + width


def test_what_stands_beside_the_longest_call_ends_inside_of_the_picture() -> None:
    spans = (Span(kind=SpanKind.OK, started=0.0, ended=9.0),)
    longest = CallReport(
        tool="stock",
        id="c1",
        ending=Ending.UNANSWERED,
        spans=spans,
        category=ErrorCategory.NON_RETRYABLE,
        status_code=503,
    )
    (picture,) = parsed(RunReport([longest])).iter("svg")
    (label,) = (text for text in picture.iter("text") if (text.text or "").startswith("unanswered"))

    width_of_a_letter = 6.6  # sans-serif at 12 pixels: the average, rounded up
    assert float(label.attrib["x"]) + len(label.text or "") * width_of_a_letter <= float(picture.attrib["width"])


def test_what_others_wrote_is_escaped() -> None:
    name = "<script>alert(1)</script>"
    asked = AIMessage("", tool_calls=[{"name": name, "args": {}, "id": "c1"}])
    report = RunReport.from_messages([asked, ToolMessage("<img src=x>", tool_call_id="c1")])
    assert "<script" not in report._repr_html_()
    assert "<img" not in report._repr_html_()

    shown = Failure(category=ErrorCategory.NETWORK, error_type="<b>", detail="<script>")._repr_html_()
    assert "<b>" not in shown
    assert "<script>" not in shown


def test_results_and_arguments_with_secrets_in_them_are_not_shown() -> None:
    secret = "sk-live-1234567890abcdef"
    asked = AIMessage("", tool_calls=[{"name": "login", "args": {"key": secret}, "id": "c1"}])
    report = RunReport.from_messages([asked, ToolMessage(f"use api_key={secret} from now on", tool_call_id="c1")])

    assert secret not in f"{report}{report!r}{report._repr_html_()}{report.calls}"


def test_a_failure_is_a_table_of_what_is_known() -> None:
    shown = parsed(Failure(category=ErrorCategory.TIMEOUT, status_code=504))
    rows = [[cell.text for cell in row] for row in shown.iter("tr")]
    assert ["category", "timeout"] in rows
    assert ["status_code", "504"] in rows
    assert "retry_after" not in [row[0] for row in rows]


def test_it_needs_nothing_that_draws() -> None:
    code = "import sys, agent_tools.report; print([m for m in sys.modules if m in ('rich', 'matplotlib', 'IPython')])"
    assert printed_by(code) == "[]\n"
