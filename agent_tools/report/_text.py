"""A report as plain text: totals, an aligned table, and a timeline in ASCII."""

from collections.abc import Iterable, Sequence

from agent_tools.report._calls import CallReport, Span, SpanKind
from agent_tools.report._totals import Totals

HEAD = ("call", "outcome", "attempts", "waited", "last error", "reason", "what the model read")

#: Characters of the timeline, and of what the model read.
_TIMELINE_WIDTH, _TEXT_WIDTH = 60, 40

#: Shorter runs, in seconds, get no timeline.
SHORTEST = 0.05

LEGEND = "x failed, o worked, = running, . waiting, ? not recorded"

_DURING_BY_KIND = {SpanKind.OK: "=", SpanKind.FAILED: "=", SpanKind.WAIT: ".", SpanKind.UNSEEN: "?"}
_LAST_BY_KIND = {SpanKind.OK: "o", SpanKind.FAILED: "x"}


def page(calls: Sequence[CallReport], totals: Totals) -> str:
    """Return the whole report."""
    if not calls:
        return "no calls"
    parts = [f"{endings(totals)}\n{costs(totals)}", _table([HEAD, *rows(calls)]), _timeline(calls, totals.longest)]
    return "\n\n".join(filter(None, parts))


def endings(totals: Totals) -> str:
    """Return how many calls there were, and how they ended, in one line."""
    given_up = ", ".join(f"{count} {category}" for category, count in sorted(totals.given_up.items()))
    parts = (
        (totals.ok, "ok"),
        (totals.recovered, "recovered"),
        (sum(totals.given_up.values()), f"given up ({given_up})"),
        (totals.paused, "paused"),
    )
    listed = [f"{count} {what}" for count, what in parts if count]
    return f"{_counted(totals.calls, 'call')}: {', '.join([*listed, f'{totals.unanswered} unanswered'])}"


def costs(totals: Totals) -> str:
    """Return attempts and times in one line; messages alone do not show all of them."""
    least = "" if totals.is_exact else "at least "
    retried = "1 of them a retry" if totals.retries == 1 else f"{totals.retries} of them retries"
    attempts = f"{least}{_counted(totals.attempts, 'attempt')}, {retried}"
    if not totals.is_timed and not totals.waited:
        return f"{attempts}; waits are not recorded in messages, see events"
    least = "" if totals.is_timed else "at least "
    return f"{attempts}; waited {least}{totals.waited:.1f} s, the longest call took {least}{totals.longest:.1f} s"


def rows(calls: Iterable[CallReport], *, width: int = _TEXT_WIDTH) -> list[tuple[str, ...]]:
    """Return the cells of each call; `width` limits what the model read."""
    return [
        (
            title(number, call),
            str(call.ending),
            f"{call.attempts}{'' if call.is_exact else '+'}",
            f"{call.waited:.1f} s" if call.waited else "" if call.is_timed else "?",
            call.error,
            "" if call.reason is None else call.reason.replace("_", " "),
            _shortened(call.text, width),
        )
        for number, call in enumerate(calls, start=1)
    ]


def title(number: int, call: CallReport) -> str:
    """Return the number of a call and its tool."""
    return f"{number} {call.tool}"


def _table(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def _timeline(calls: Sequence[CallReport], longest: float) -> str:
    if longest < SHORTEST:
        return ""
    scale = _TIMELINE_WIDTH / longest
    drawn = [(title(number, call), _line(call.spans, scale)) for number, call in enumerate(calls, start=1)]
    width = max(len(name) for name, _ in drawn)
    axis = f"0 s{f'{longest:.1f} s':>{_TIMELINE_WIDTH - 3}}"
    lines = [f"{name:<{width}}  {line}".rstrip() for name, line in drawn]
    return "\n".join([f"{'':<{width}}  {axis}", *lines, LEGEND])


def _line(spans: Iterable[Span], scale: float) -> str:
    """Return a call drawn to scale; each attempt gets at least one character, so that all are visible."""
    line = ""
    for span in spans:
        end = max(round(span.ended * scale), len(line) + (span.kind in _LAST_BY_KIND))
        last = _LAST_BY_KIND.get(span.kind, "")
        line = line.ljust(end - len(last), _DURING_BY_KIND[span.kind]) + last
    return line


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"
