"""How long a server asks to wait, read from its answer's headers.

The rule: ignore what makes no sense. Nothing here raises, and no returned number is negative, infinite
or NaN. "Now" is an argument. A `Date` header replaces it, so that a server whose clock is wrong is still
understood.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from agent_tools._core.http_dates import parse_http_date

# ASCII digits with at most one fraction: float() alone accepts "1e3", "inf", "1_0" and full-width digits.
_SECONDS = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,9})?")

# Durations as Go prints them ("6m0s", "500ms") and as people write them ("17 seconds").
_DURATION_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([a-zµ]{1,12}) ?", re.IGNORECASE)
_MOST_PARTS = 6
_SECONDS_BY_UNIT = {
    unit: seconds
    for units, seconds in {
        ("ms", "msec", "millis", "millisecond", "milliseconds"): 1e-3,
        ("us", "µs", "ns"): 0.0,
        ("s", "sec", "secs", "second", "seconds"): 1.0,
        ("m", "min", "mins", "minute", "minutes"): 60.0,
        ("h", "hr", "hrs", "hour", "hours"): 3600.0,
        ("d", "day", "days"): 86400.0,
    }.items()
    for unit in units
}

# RFC 3339, 5.6, with a zone: without one the moment is ambiguous.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_FRACTION_OF_A_MICROSECOND = re.compile(r"(\.\d{6})\d+")

# Parameters of a `RateLimit` field: `"policy";r=0;t=30`, or `limit=100, remaining=0, reset=30` of older drafts.
_RATE_LIMIT_LEFT = re.compile(r"\b(?:r|remaining)\s*=\s*([0-9]{1,10})\b")
_RATE_LIMIT_RESET = re.compile(r"\b(?:t|reset)\s*=\s*([0-9]{1,10})\b")

# A number from here on is a point in time (seconds since 1970), from the second one on in milliseconds.
_EARLIEST_EPOCH = 1e9
_EARLIEST_EPOCH_MS = 1e12

_MILLISECONDS = ("-ms", "milliseconds", "millis")


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Return how many seconds `value` asks to wait, or None when it makes no sense.

    Both forms of the header are read (RFC 9110, 10.2.3). A fraction of a second is tolerated, since several
    services send one. A date in the past is 0.0. `now` has a time zone.
    """
    seconds = _parse_seconds(value)
    if seconds is not None:
        return seconds
    moment = parse_http_date(value, now=now)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


@lru_cache(maxsize=1024)
def is_wait_header(name: str) -> bool:
    """Return whether `read_wait` looks at a header of this name, which is in lower case.

    Services put prefixes and suffixes of their own around the common words: `x-ms-retry-after-ms` (Azure),
    `x-ratelimit-reset-tokens` (OpenAI), `anthropic-ratelimit-requests-reset`.
    """
    return name in ("date", "ratelimit") or _names_a_delay(name) or _names_a_reset(name) or _names_what_is_left(name)


def read_wait(headers: Mapping[str, str], *, now: datetime, throttled: bool) -> float | None:
    """Return the seconds that an answer with these headers asks to wait, or None when it names none.

    `retry-after-ms` comes first, then `Retry-After`, then the reset of a spent rate limit. The last is read
    only when the answer was `throttled`: many services send it with every answer.

    Args:
        headers: Names in lower case; a header that came twice has its values joined by a comma.
        now: With time zone; a valid `date` header replaces it.
        throttled: The answer refused because of too many requests.
    """
    now = parse_http_date(headers.get("date", ""), now=now) or now
    delays = sorted(filter(_names_a_delay, headers), key=_precision)
    for name in delays:
        after = parse_wait(headers[name], now=now, milliseconds=name.endswith(_MILLISECONDS))
        if after is not None:
            return after
    return _read_reset(headers, now=now) if throttled else None


def is_spent(headers: Mapping[str, str]) -> bool:
    """Return whether the headers say that nothing is left of a rate limit."""
    return 0 in _left(headers)


def parse_wait(value: str, *, now: datetime, milliseconds: bool = False) -> float | None:
    """Return how many seconds `value` asks to wait, in any form that services use, or None when it makes no sense.

    These are the two forms of `Retry-After`, a number with a unit (`500ms`, `1m0s`, `17 seconds`), a moment as
    RFC 3339 has it, and a moment in seconds or milliseconds since 1970.

    >>> from datetime import UTC, datetime
    >>> parse_wait("6m0s", now=datetime(2026, 1, 1, tzinfo=UTC))
    360.0
    """
    value = value.strip()
    plain = _parse_seconds(value)
    if plain is not None:
        return seconds_until(plain / 1000 if milliseconds else plain, now=now)
    seconds = _parse_duration(value)
    if seconds is None:
        seconds = parse_retry_after(value, now=now)
    return _parse_rfc_3339(value, now=now) if seconds is None else seconds


def seconds_until(number: float, *, now: datetime) -> float:
    """Return the wait for a number that may be one of seconds or a moment since 1970: services differ."""
    if number < _EARLIEST_EPOCH:
        return number
    moment = number / 1000 if number > _EARLIEST_EPOCH_MS else number
    return max(0.0, moment - now.timestamp())


def _parse_seconds(value: str) -> float | None:
    value = value.strip()
    return float(value) if _SECONDS.fullmatch(value) else None


def _parse_duration(value: str) -> float | None:
    total, position, parts = 0.0, 0, 0
    while position < len(value):
        match = _DURATION_PART.match(value, position)
        seconds = _SECONDS_BY_UNIT.get(match[2].lower()) if match else None
        if match is None or seconds is None or parts == _MOST_PARTS:
            return None
        total, position, parts = total + float(match[1]) * seconds, match.end(), parts + 1
    return total if parts else None


def _parse_rfc_3339(value: str, *, now: datetime) -> float | None:
    if not _RFC_3339.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION_OF_A_MICROSECOND.sub(r"\1", value.upper()))
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _names_a_delay(name: str) -> bool:
    return "retry-after" in name or name.endswith(("retry-in", "retry-delay"))


def _names_a_reset(name: str) -> bool:
    return "reset" in name and ("limit" in name or name.endswith("reset"))


def _names_what_is_left(name: str) -> bool:
    return "remaining" in name and "limit" in name


def _precision(name: str) -> tuple[bool, bool, str]:
    return not name.endswith(_MILLISECONDS), name != "retry-after", name


def _left(headers: Mapping[str, str]) -> list[float]:
    """Return what is left of each limit that the headers mention."""
    left = [number for name in headers if _names_what_is_left(name) for number in _numbers(headers[name])]
    match = _RATE_LIMIT_LEFT.search(headers.get("ratelimit", ""))
    return [*left, float(match[1])] if match else left


def _numbers(value: str) -> Iterator[float]:
    return (number for part in value.split(",") if (number := _parse_seconds(part)) is not None)


def _read_reset(headers: Mapping[str, str], *, now: datetime) -> float | None:
    # Requests are left in every limit: none of these refused, and their resets say nothing.
    left = _left(headers)
    if left and min(left) > 0:
        return None
    match = _RATE_LIMIT_RESET.search(headers.get("ratelimit", ""))
    if match:
        return float(match[1])
    names = [name for name in headers if _names_a_reset(name)]
    exact = [name for name in names if name.endswith("reset-after")]
    return max((wait for name in exact or names for wait in _resets(headers, name, now=now)), default=None)


def _resets(headers: Mapping[str, str], name: str, *, now: datetime) -> Iterator[float]:
    """Yield the waits that one header names, without those of limits that are not spent.

    A header may list one reset for each limit, in the order of the remaining ones: `0, 1900` and `1, 14197`.
    """
    left = [*_numbers(headers.get(name.replace("reset-after", "reset").replace("reset", "remaining"), ""))]
    values = [headers[name]] if "GMT" in headers[name] else headers[name].split(",")
    milliseconds = name.endswith(_MILLISECONDS)
    for index, value in enumerate(values):
        wait = parse_wait(value, now=now, milliseconds=milliseconds)
        if wait is not None and not (index < len(left) and left[index] > 0):
            yield wait
