"""Waits requested outside the headers: in attributes, bodies, sentences and gRPC metadata."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.bodies import parts_of_bodies
from agent_tools._classify.naming import NAMES_BY_ROLE, Role, roles_of
from agent_tools._classify.reading import is_a, items, number, read, text
from agent_tools._classify.subject import Subject
from agent_tools._core.retry_after import parse_wait, seconds_until

_LONGEST_TEXT = 500
_FAR = 1e12

_SAID = re.compile(
    r"(?:retry|try again|wait|available)(?: again)?(?: after| in| for| at least)?:? {1,2}([0-9]{1,6}(?:\.[0-9]{1,6})?)"
    r" ?(ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)?\b",
    re.IGNORECASE,
)


def wait_on(subject: Subject) -> float | None:
    """Return the seconds to wait according to an attribute of the error, or None."""
    for name in subject.names.get(Role.WAIT, ()):
        seconds = seconds_of(subject.read(name), milliseconds=is_in_milliseconds(name))
        if seconds is not None:
            return seconds
    return None


def wait_in_bodies(subject: Subject, response: Any) -> float | None:
    """Return the seconds to wait according to the body of the response, or None."""
    parts = parts_of_bodies(subject, response)
    for part in parts:
        for name, value in _waits_in(part):
            seconds = seconds_of(value, milliseconds=is_in_milliseconds(name))
            if seconds is not None:
                return seconds
    texts = (part["message"] for part in parts if type(part) is dict and type(part.get("message")) is str)
    return next((seconds for said in texts if (seconds := wait_in_text(said)) is not None), None)


def _waits_in(part: Any) -> Iterator[tuple[str, Any]]:
    if is_a(part, dict):
        yield from ((name, value) for name, value in items(part) if type(name) is str and roles_of(name) & Role.WAIT)
    elif not is_a(part, str):
        # It may be a protobuf RetryInfo among the details of a Google error.
        yield from ((name, read(part, name)) for name in NAMES_BY_ROLE[Role.WAIT])


def is_in_milliseconds(name: str) -> bool:
    """Return whether a value with this name is in milliseconds."""
    return bool(roles_of(name) & Role.MILLISECONDS)


def wait_in_text(said: str) -> float | None:
    """Return the seconds that a sentence asks to wait ("Please try again in 1.2s"), or None."""
    match = _SAID.search(said[:_LONGEST_TEXT])
    return None if match is None else parse_wait(f"{match[1]}{match[2] or ''}", now=datetime.now(UTC))


def seconds_of(value: Any, *, milliseconds: bool = False) -> float | None:
    """Return a number, a text, a moment, a `timedelta` or a protobuf `Duration` as seconds to wait; else None."""
    if value is None:
        return None
    if is_a(value, timedelta):
        return _sane(timedelta.total_seconds(value))
    if type(value) is datetime and value.tzinfo is not None:
        return max(0.0, (value - datetime.now(UTC)).total_seconds())
    plain = float.__float__(value) if is_a(value, float) else number(value)
    if plain is not None:
        return _until(_sane(plain / 1000 if milliseconds and plain < _FAR else plain))
    if is_a(value, str):
        return parse_wait(text(value), now=datetime.now(UTC), milliseconds=milliseconds)
    seconds, nanos = number(read(value, "seconds")), number(read(value, "nanos"))
    return None if seconds is None or nanos is None else _sane(seconds + nanos / 1e9)


def _until(number_or_moment: float | None) -> float | None:
    return None if number_or_moment is None else seconds_until(number_or_moment, now=datetime.now(UTC))


def _sane(seconds: float) -> float | None:
    try:
        return float(seconds) if seconds >= 0 and math.isfinite(seconds) else None
    except OverflowError:
        return None


def wait_in_metadata(pairs: Any) -> float | None:
    """Return the seconds that gRPC metadata asks to wait, or None.

    A negative `grpc-retry-pushback-ms` means "do not retry" (gRFC A6) and is not a wait.
    """
    for key, value in items(pairs):
        name, said = text(key).lower(), text(value)
        if name == "grpc-retry-pushback-ms" and said.isascii() and said.isdigit():
            return int(said) / 1000
        if name == "retry-after":
            return seconds_of(said)
    return None
