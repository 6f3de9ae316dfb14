"""How long a server asks to wait, read from its answer's headers.

Rule: what makes no sense is ignored. Nothing here raises, nothing returns a number that is negative,
infinite or not a number. "Now" is an argument; a `Date` header, where there is one, replaces it, so
that a server whose clock is wrong is still understood.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

WAIT_HEADERS = frozenset(
    {
        "date",
        "ratelimit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "retry-after-ms",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-reset-after",
    }
)
"""The headers that `read_wait` looks at; what else a server sends need not be collected."""

# ASCII digits with at most one fraction: float() alone accepts "1e3", "inf", "1_0" and full-width digits.
_SECONDS = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,9})?")

# RFC 9110, 5.6.7: IMF-fixdate, RFC 850 and asctime. The names of days are not checked.
_DATES = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"[A-Z][a-z]{2}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) (?P<clock>\d\d:\d\d:\d\d) GMT",
        r"[A-Z][a-z]{5,8}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{2})-(?P<year>\d\d) (?P<clock>\d\d:\d\d:\d\d) GMT",
        r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d) (?P<year>\d{4})",
    )
)
_MONTH_BY_NAME = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

# Parameters of a `RateLimit` field: `"policy";r=0;t=30`, or `limit=100, remaining=0, reset=30` of older drafts.
_RATE_LIMIT_LEFT = re.compile(r"\b(?:r|remaining)\s*=\s*([0-9]{1,10})\b")
_RATE_LIMIT_RESET = re.compile(r"\b(?:t|reset)\s*=\s*([0-9]{1,10})\b")

# A reset above this is a point in time (seconds since 1970), above the second one in milliseconds.
_EARLIEST_EPOCH = 1e9
_EARLIEST_EPOCH_MS = 1e12


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Return how many seconds `value` asks to wait, or None when it makes no sense.

    Both forms of the header are read (RFC 9110, 10.2.3); a fraction of a second is tolerated, as several
    services send it. A date in the past is 0.0. `now` has a time zone.
    """
    seconds = _parse_seconds(value)
    if seconds is not None:
        return seconds
    moment = parse_http_date(value, now=now)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def parse_http_date(value: str, *, now: datetime) -> datetime | None:
    """Return the moment that an HTTP date names, or None when it is none (RFC 9110, 5.6.7).

    `now` places the two-digit years of RFC 850: never more than 50 years ahead.
    """
    for form in _DATES:
        if match := form.fullmatch(value.strip()):
            return _moment(match, now=now)
    return None


def read_wait(headers: Mapping[str, str], *, now: datetime, throttled: bool) -> float | None:
    """Return the seconds that an answer with these headers asks to wait, or None when it names none.

    `retry-after-ms` comes first, then `Retry-After`, then the reset of a spent rate limit. The last is read
    only when the answer was `throttled`: many services send it with every answer.

    Args:
        headers: Names in lower case; a header that came twice has its values joined by a comma.
        now: With time zone; a valid `date` header replaces it.
        throttled: The answer refused because of too many requests.
    """
    milliseconds = _parse_seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    now = parse_http_date(headers.get("date", ""), now=now) or now
    after = parse_retry_after(headers.get("retry-after", ""), now=now)
    if after is not None or not throttled:
        return after
    return _read_reset(headers, now=now)


def is_spent(headers: Mapping[str, str]) -> bool:
    """Return whether the headers say that nothing is left of a rate limit."""
    return _left(headers) == 0


def _parse_seconds(value: str) -> float | None:
    value = value.strip()
    return float(value) if _SECONDS.fullmatch(value) else None


def _moment(match: re.Match[str], *, now: datetime) -> datetime | None:
    month = _MONTH_BY_NAME.get(match["month"])
    if month is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:  # noqa: PLR2004  # two digits, as RFC 850 has it
        year += now.year // 100 * 100
        year -= 100 if year > now.year + 50 else 0
    hour, minute, second = map(int, match["clock"].split(":"))
    try:
        return datetime(year, month, int(match["day"]), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None


def _left(headers: Mapping[str, str]) -> float | None:
    for name in ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"):
        left = _parse_seconds(headers.get(name, ""))
        if left is not None:
            return left
    match = _RATE_LIMIT_LEFT.search(headers.get("ratelimit", ""))
    return float(match[1]) if match else None


def _read_reset(headers: Mapping[str, str], *, now: datetime) -> float | None:
    # Requests are left in this limit: it is not the one that refused, and its reset says nothing.
    if (_left(headers) or 0) > 0:
        return None
    match = _RATE_LIMIT_RESET.search(headers.get("ratelimit", ""))
    if match:
        return float(match[1])
    for name in ("x-ratelimit-reset-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        reset = _parse_seconds(headers.get(name, ""))
        if reset is not None:
            return _seconds_until(reset, now=now)
    return None


def _seconds_until(reset: float, *, now: datetime) -> float:
    """Return the wait for a reset that may be a number of seconds or a point in time: services differ."""
    if reset < _EARLIEST_EPOCH:
        return reset
    moment = reset / 1000 if reset > _EARLIEST_EPOCH_MS else reset
    return max(0.0, moment - now.timestamp())
