"""The wait that a server asks for: read in every form, never invented, never an impossible number."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools._core.http_dates import parse_http_date
from agent_tools._core.retry_after import parse_retry_after, read_wait
from tests.support.characters import CHARACTERS

NOW = datetime(1994, 11, 6, 8, 49, 30, tzinfo=UTC)

UNDERSTOOD = [
    ("7", 7.0),
    ("0", 0.0),
    (" 7 ", 7.0),
    ("007", 7.0),
    ("1.5", 1.5),
    ("Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
    ("Sunday, 06-Nov-94 08:49:37 GMT", 7.0),
    ("Sun Nov  6 08:49:37 1994", 7.0),
    ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
    ("Sat, 05 Nov 1994 08:49:37 GMT", 0.0),
]

NONSENSE = [
    "",
    " ",
    "-1",
    "+7",
    "7, 7",
    "7s",
    "1e3",
    "1_000",
    "inf",
    "nan",
    "0x10",
    "1.",
    ".5",
    "1.2.3",
    "²",
    "\N{FULLWIDTH DIGIT SEVEN}",
    "\N{ARABIC-INDIC DIGIT SEVEN}",
    "9" * 400,
    "soon",
    "Sun, 32 Nov 1994 08:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 06 Nov 0000 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 99999 08:49:37 GMT",
    "1994-11-06T08:49:37Z",
]


@pytest.mark.parametrize(("value", "seconds"), UNDERSTOOD)
def test_every_form_of_the_header_is_understood(value: str, seconds: float) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_is_no_wait(value: str) -> None:
    assert parse_retry_after(value, now=NOW) is None


@given(st.text(CHARACTERS))
def test_no_text_raises_or_gives_a_number_that_cannot_be_waited(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001  # hypothesis wants it so
def test_a_date_that_python_writes_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse_http_date(format_datetime(moment, usegmt=True), now=NOW) == moment


def test_two_digits_of_a_year_are_never_more_than_fifty_years_ahead() -> None:
    assert parse_http_date("Sunday, 06-Nov-30 08:49:37 GMT", now=datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2030, 11, 6, 8, 49, 37, tzinfo=UTC
    )
    assert parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now=datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        1994, 11, 6, 8, 49, 37, tzinfo=UTC
    )


HEADERS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
    ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
    ({"retry-after": "7", "ratelimit": "limit=9, remaining=0, reset=30"}, 7.0),
    ({"retry-after": "7, 7"}, None),
    ({"date": "Sun, 06 Nov 1994 08:00:00 GMT", "retry-after": "Sun, 06 Nov 1994 08:00:07 GMT"}, 7.0),
    ({"date": "yesterday", "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 7.0),
    ({"ratelimit": '"default";r=0;t=30'}, 30.0),
    ({"ratelimit": "limit=9, remaining=0, reset=30"}, 30.0),
    ({"ratelimit": '"default";r=3;t=30'}, None),
    ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30.0),
    ({"x-ratelimit-remaining": "4", "x-ratelimit-reset": "30"}, None),
    ({"x-ratelimit-reset-after": "1.5"}, 1.5),
    ({"x-ratelimit-reset": "-5"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), HEADERS)
def test_the_headers_of_a_refusal_are_read_in_order_of_their_precision(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_wait(headers, now=NOW, throttled=True) == seconds


def test_a_reset_may_be_a_point_in_time_in_seconds_or_milliseconds() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    reset = int((now + timedelta(seconds=30)).timestamp())
    assert read_wait({"x-ratelimit-reset": str(reset)}, now=now, throttled=True) == 30.0
    assert read_wait({"x-ratelimit-reset": f"{reset}000"}, now=now, throttled=True) == 30.0


def test_the_reset_of_a_limit_that_refused_nothing_is_no_wait() -> None:
    assert read_wait({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, now=NOW, throttled=False) is None


@given(
    st.dictionaries(
        st.sampled_from(
            ["date", "retry-after", "retry-after-ms", "ratelimit", "x-ratelimit-reset", "ratelimit-remaining"]
        ),
        st.one_of(st.text(CHARACTERS), st.integers().map(str), st.floats().map(str)),
    )
)
def test_no_headers_raise_or_give_a_number_that_cannot_be_waited(headers: dict[str, str]) -> None:
    seconds = read_wait(headers, now=NOW, throttled=True)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
