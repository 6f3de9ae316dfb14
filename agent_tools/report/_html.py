"""A report as HTML: totals, a table, and the timeline as a picture (SVG).

In a notebook it adds no style sheet and no script, so it changes nothing outside its cell. Text inherits its color
and bars have medium lightness, so both are readable on light and on dark. Blue and vermilion are distinguishable with
every kind of color blindness (Okabe and Ito, 2008), and failed attempts are also crossed out.
"""

from collections.abc import Iterator, Sequence
from html import escape

from agent_tools._core.html import table
from agent_tools.report._calls import LONGEST_TEXT, CallReport, Span, SpanKind
from agent_tools.report._text import HEAD, SHORTEST, costs, endings, rows, title
from agent_tools.report._totals import Totals

COLOR_BY_KIND = {
    SpanKind.OK: "#3a8fd0",
    SpanKind.FAILED: "#d55e00",
    SpanKind.WAIT: "rgba(128,128,128,.5)",
    SpanKind.UNSEEN: "rgba(213,94,0,.4)",
}

_WORD_BY_KIND = {
    SpanKind.OK: "worked",
    SpanKind.FAILED: "failed",
    SpanKind.WAIT: "waited",
    SpanKind.UNSEEN: "attempts and waits",
}

#: Pixels: of the names at the left, of the bars, of what stands at their right, and of a line.
_NAMES, _BARS, _RIGHT, _LINE = 170, 380, 250, 24

#: No attempt is drawn narrower.
_NARROWEST = 4.0

#: Characters of a name that fit beside the bars.
_NAME = 24


_DOCUMENT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>
<body style="font-family:sans-serif;margin:2em">{body}</body></html>
"""


def document(calls: Sequence[CallReport], totals: Totals) -> str:
    """Return the report as a complete HTML page."""
    return _DOCUMENT.format(title=escape(endings(totals)), body=page(calls, totals))


def page(calls: Sequence[CallReport], totals: Totals) -> str:
    """Return the whole report as a part of a page."""
    if not calls:
        return "<p>no calls</p>"
    head = f"<p><b>{escape(endings(totals))}</b><br>{escape(costs(totals))}</p>"
    listed = table(
        HEAD, [(name.replace(" ", "\N{NO-BREAK SPACE}"), *rest) for name, *rest in rows(calls, width=LONGEST_TEXT)]
    )
    return f'<div style="color:inherit">{head}{listed}{_picture(calls, totals)}</div>'


def _picture(calls: Sequence[CallReport], totals: Totals) -> str:
    if totals.longest < SHORTEST:
        return ""
    scale = _BARS / totals.longest
    height = (len(calls) + 2) * _LINE
    lines = "".join(_line(number, call, scale, top=(number - 1) * _LINE) for number, call in enumerate(calls, start=1))
    width = _NAMES + _BARS + _RIGHT
    return (
        f'<svg role="img" aria-label="timeline of {len(calls)} calls" viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width:100%;margin-top:8px" fill="currentColor" font-size="12" font-family="sans-serif">'
        f"{lines}{_axis(totals.longest, top=len(calls) * _LINE)}</svg>"
    )


def _line(number: int, call: CallReport, scale: float, *, top: float) -> str:
    name = title(number, call)
    shown = name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
    bars, right = _bars(call.spans, scale, top=top)
    ended = " ".join(filter(None, (str(call.ending), f"({call.error})" if call.error else "")))
    return _text(0, top, shown) + bars + _text(right + 8, top, ended)


def _bars(spans: Sequence[Span], scale: float, *, top: float) -> tuple[str, float]:
    """Return the bars of a call, and where they end."""
    left, drawn = float(_NAMES), ""
    for span in spans:
        right = max(_NAMES + span.ended * scale, left + (0.0 if span.kind is SpanKind.WAIT else _NARROWEST))
        drawn += _bar(span, left, top, right - left)
        left = right
    return drawn, left


def _bar(span: Span, left: float, top: float, width: float) -> str:
    is_thin = span.kind is SpanKind.WAIT
    y, height = (top + 10, 4) if is_thin else (top + 4, 16)
    bar = (
        f'<rect x="{left:.1f}" y="{y:.0f}" width="{width:.1f}" height="{height}" rx="2" '
        f'fill="{COLOR_BY_KIND[span.kind]}"><title>{escape(_hint(span))}</title></rect>'
    )
    return bar + _cross(left + width, y) if span.kind is SpanKind.FAILED else bar


def _cross(right: float, y: float) -> str:
    """Return the mark at the end of an attempt that failed."""
    return f'<path d="M{right - 4:.1f} {y + 1:.0f}l8 14m0 -14l-8 14" stroke="currentColor" stroke-width="1.5"/>'


def _hint(span: Span) -> str:
    status = "" if span.status_code is None else f", HTTP {span.status_code}"
    category = "" if span.category is None else f" ({span.category}{status})"
    return f"{_WORD_BY_KIND[span.kind]}{category}, {span.seconds:.2f} s"


def _axis(longest: float, *, top: float) -> str:
    ends = f'<path d="M{_NAMES} {top + 4}h{_BARS}" stroke="currentColor" stroke-opacity=".4"/>'
    return ends + "".join(_ticks(longest, top=top)) + "".join(_legend(top=top + _LINE))


def _ticks(longest: float, *, top: float) -> Iterator[str]:
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        yield _text(_NAMES + part * _BARS, top + 4, f"{part * longest:.1f} s", anchor=anchor)


def _legend(*, top: float) -> Iterator[str]:
    left = float(_NAMES)
    for kind in (SpanKind.FAILED, SpanKind.OK, SpanKind.WAIT):
        yield f'<rect x="{left}" y="{top + 7}" width="10" height="10" rx="2" fill="{COLOR_BY_KIND[kind]}"/>'
        yield _text(left + 16, top, _WORD_BY_KIND[kind])
        left += 80


def _text(x: float, top: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{top + 16:.0f}" text-anchor="{anchor}">{escape(text)}</text>'
