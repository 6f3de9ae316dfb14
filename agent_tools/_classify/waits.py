"""How long to wait, where it is told beside the headers: in attributes, bodies and gRPC metadata."""

import math
import re
from datetime import timedelta
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.bodies import bodies_of, parts_of
from agent_tools._classify.reading import Subject, is_a, items, number, read, text

WAIT_NAMES = (
    "retry_after",
    "retry_after_s",
    "retry_after_seconds",
    "retry_delay",
    "retryAfter",
    "retryDelay",
    "backoff",
)
"""Attributes of errors, and keys of bodies, that hold seconds (or a protobuf duration, "7s")."""

_NESTED = ("error", "details", "parameters", "errors")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s?")


def wait_on(subject: Subject) -> float | None:
    """Return the seconds that an attribute of the error asks to wait, or None."""
    waits = map(seconds_of, subject.values(WAIT_NAMES))
    return next((seconds for seconds in waits if seconds is not None), None)


def wait_in_bodies(subject: Subject, response: Any) -> float | None:
    """Return the seconds that the body of the answer asks to wait, or None."""
    parts = (part for body in bodies_of(subject, response) for part in parts_of(body, _NESTED))
    # A part that is no dict may be a protobuf RetryInfo among the details of a Google error.
    waits = (seconds_of(read(part, name)) for part in parts if not is_a(part, str) for name in WAIT_NAMES)
    return next((seconds for seconds in waits if seconds is not None), None)


def seconds_of(value: Any) -> float | None:
    """Return a number, a text of digits, a `timedelta` or a protobuf `Duration` as seconds; else None."""
    if value is None:
        return None
    if is_a(value, timedelta):
        return _sane(timedelta.total_seconds(value))
    if is_a(value, float):
        return _sane(float.__float__(value))
    plain = number(value)
    if plain is not None:
        return _sane(plain)
    if is_a(value, str):
        match = _DURATION.fullmatch(text(value))
        return float(match[1]) if match else None
    seconds, nanos = number(read(value, "seconds")), number(read(value, "nanos"))
    return None if seconds is None or nanos is None else _sane(seconds + nanos / 1e9)


def _sane(seconds: float) -> float | None:
    try:
        return float(seconds) if seconds >= 0 and math.isfinite(seconds) else None
    except OverflowError:
        return None


def wait_in_metadata(pairs: Any) -> float | None:
    """Return the seconds that gRPC metadata asks to wait, or None.

    A negative `grpc-retry-pushback-ms` means "do not retry" (gRFC A6) and is no wait.
    """
    for key, value in items(pairs):
        name, said = text(key).lower(), text(value)
        if name == "grpc-retry-pushback-ms" and said.isascii() and said.isdigit():
            return int(said) / 1000
        if name == "retry-after":
            return seconds_of(said)
    return None
