"""The figures of a run, by the name of the metric."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from tests.simulation.behaviors import Span
from tests.simulation.run import Outcome, Record

Figures = dict[str, float]
Series = dict[str, list[int]]

#: The share of wanted operations that must work in a second for it to count as normal.
NORMAL = 0.8
#: Recovery needs this many seconds in a row that are normal on average.
STEADY = 3

#: The meaning of each metric, in the order of the table.
METRICS = {
    "amp": "requests to the sick service per operation begun on it, during the trouble",
    "succeed": "part of the operations begun on it during the trouble that work in the end",
    "goodput": "operations that it serves, per operation that agents wanted of it, during the trouble",
    "median wait": "seconds until the answer, whatever it is",
    "p99": "the same, of the slowest 1 %",
    "crashed": "operations that end with an exception in the place of an answer",
    "recovery": "seconds from the end of the trouble to the end of the first second that is normal again",
    "wasted": "answers made for clients that had given up",
    "early": "requests that came before the time that a 429 had named",
    "repeated": "writes carried out twice",
    "in doubt": "writes to it of which the answer does not say whether they took effect",
    "requests": "to the sick service, during the trouble",
    "healthy": "part of the operations begun on the healthy service during the trouble that work",
    "healthy p99": "seconds until the answer of the slowest 1 % of them",
}


def figures_of(record: Record) -> Figures:
    """Return the figures, rounded to their precision."""
    span = record.scenario.span
    sick = _begun_in(span, record, "sick")
    healthy = _begun_in(span, record, "healthy")
    begun, wanted = max(1, len(sick)), sum(each.service == "sick" and each.at in span for each in record.wanted)
    requests = sum(at in span for at in record.sick.requested_at)
    figures = {
        "amp": requests / begun,
        "succeed": sum(outcome.worked for outcome in sick) / begun,
        # Not per operation begun: a contender that lets agents wait begins fewer, and would look better.
        "goodput": sum(at in span for at in _worked_at(record)) / max(1, wanted),
        "median wait": statistics.median(outcome.wait for outcome in sick),
        "p99": slowest(sick),
        "crashed": sum(outcome.crashed for outcome in record.outcomes),
        "recovery": recovery(record),
        "wasted": getattr(record.sick.behavior, "wasted", 0),
        "early": getattr(record.sick.behavior, "early", 0),
        "repeated": record.sick.ledger.repeated,
        "in doubt": sum(outcome.in_doubt for outcome in sick),
        "requests": requests,
        "healthy": sum(outcome.worked for outcome in healthy) / max(1, len(healthy)),
        "healthy p99": slowest(healthy),
    }
    return {name: round(figures[name], 4) for name in METRICS}


def series_of(record: Record) -> Series:
    """Return for each second of the run how many requests the sick service got, and how many operations it served."""
    requests, worked = Counter(map(int, record.sick.requested_at)), Counter(map(int, _worked_at(record)))
    seconds = range(int(record.scenario.lasts))
    return {
        "requests": [requests[second] for second in seconds],
        "worked": [worked[second] for second in seconds],
    }


def recovery(record: Record) -> float:
    """Return the seconds until the successes are back at their normal rate, infinite for never."""
    ends = record.scenario.span.ends
    seconds = int(record.scenario.tail)
    wanted = [operation.at for operation in record.wanted if operation.service == "sick"]
    worked = _worked_at(record)
    rates = [
        _count(worked, ends + second) / max(1, _count(wanted, ends + second - 0.1))  # an answer takes some time
        for second in range(seconds)
    ]
    for second in range(seconds - STEADY + 1):
        if rates[second] >= NORMAL and statistics.mean(rates[second : second + STEADY]) >= NORMAL:
            return second + 1
    return math.inf


def slowest(outcomes: Sequence[Outcome]) -> float:
    """Return the seconds within which 99 % of the answers came."""
    waits = sorted(outcome.wait for outcome in outcomes)
    return waits[math.ceil(len(waits) * 0.99) - 1] if waits else 0.0


def _begun_in(span: Span, record: Record, service: str) -> list[Outcome]:
    return [
        outcome for outcome in record.outcomes if outcome.operation.service == service and outcome.operation.at in span
    ]


def _worked_at(record: Record) -> list[float]:
    return [outcome.ended for outcome in record.outcomes if outcome.worked and outcome.operation.service == "sick"]


def _count(moments: Sequence[float], begins: float) -> int:
    return sum(begins <= moment < begins + 1 for moment in moments)
