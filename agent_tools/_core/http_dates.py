"""The three forms of a date in HTTP, RFC 9110, 5.6.7."""

import re
from datetime import UTC, datetime

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


def parse_http_date(value: str, *, now: datetime) -> datetime | None:
    """Return the moment that an HTTP date names, or None when it is not one (RFC 9110, 5.6.7).

    `now` places the two-digit years of RFC 850: never more than 50 years ahead.
    """
    for form in _DATES:
        if match := form.fullmatch(value.strip()):
            return _moment(match, now=now)
    return None


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
