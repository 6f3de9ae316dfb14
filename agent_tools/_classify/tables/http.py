"""HTTP: what a status means, where clients keep it, and what headers add.

Sources: RFC 9110 and RFC 6585 for the statuses, the clients' own code for the attributes. A status is an
int in 300..598 and nothing else: `code` and `status` hold words and other protocols' numbers just as often.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.reading import Kind, Subject, cause_of, is_a, items, kind_of, number, read, text
from agent_tools._classify.tables import code_words
from agent_tools._classify.tables.row import (
    BROKEN,
    LATE,
    NOT_NOW,
    PASSING,
    REFUSED,
    REJECTED,
    THROTTLED,
    UNREACHED,
    Row,
)
from agent_tools._classify.waits import wait_in_bodies, wait_on
from agent_tools._core.failure import Veto
from agent_tools._core.retry_after import WAIT_HEADERS, is_spent, read_wait

ROW_BY_STATUS: dict[int, Row] = {
    401: REFUSED,
    403: REFUSED,
    407: REFUSED,
    408: replace(LATE, may_have_acted=False),
    425: NOT_NOW,
    429: THROTTLED,
    500: PASSING,
    502: PASSING,
    503: PASSING,
    504: LATE,
    # Cloudflare's own: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/
    520: BROKEN,
    521: UNREACHED,
    522: LATE,
    523: UNREACHED,
    524: LATE,
    525: UNREACHED,
    526: UNREACHED,
    529: PASSING,
}
"""Every status that is not here is NON_RETRYABLE."""

STATUS_NAMES = (
    "status_code",
    "status",
    "http_status",
    "http_status_code",
    "response_status_code",
    "http_code",
    "statusCode",
    "errcode",
    "code",
)
"""Where a status is looked for, on the error and on its response, in this order."""

RESPONSE_NAMES = ("response", "raw_response", "http_response", "resp", "meta", "response_info")
"""Where an error keeps the response that it is about."""

HEADER_NAMES = ("headers", "response_headers", "hdrs", "http_headers")
"""Where headers are looked for, on the error and on its response."""

VETO_HEADERS = ("x-should-retry", "stripe-should-retry")
"""The server's own word on retrying (OpenAI, Anthropic and their like; Stripe)."""

EXACT = frozenset({"httpx.HTTPStatusError", "httpx2.HTTPStatusError"})
"""Errors whose status alone decides, whatever headers and bodies say."""

# urllib3.exceptions.ResponseError.SPECIFIC_ERROR: all that is left of a status after its own retries.
_TOO_MANY = re.compile(r"too many ([345][0-9]{2}) error responses", re.ASCII)
_WANTED_HEADERS = WAIT_HEADERS | {*VETO_HEADERS}
_FORBIDDEN = 403
_SPENT_LIMIT = replace(THROTTLED, rule="HTTP 403 of a rate limit", status_code=_FORBIDDEN)
_UNAVAILABLE = 503


def row_of(subject: Subject) -> Row | None:
    """Return what the HTTP status and the code words of an error say, or None when it carries neither."""
    if _is_made_up(subject):
        return BROKEN.named("aiohttp.HttpProcessingError")
    exact = not EXACT.isdisjoint(subject.kind.names)
    response, status_of_response = _response(subject)
    own = None if exact else _number_in(subject.values(STATUS_NAMES))
    status = _as_status(status_of_response if own is None else own)
    said = code_words.said_by(subject, response, status=status)
    row = _row_by_status(status) if exact else _decided(status, said, subject.kind)
    if row is None:
        return None
    headers = _headers(subject, response)
    if status == _FORBIDDEN and not exact and not row.throttled and _is_rate_limit(headers):
        row = _SPENT_LIMIT
    after = _wait(subject, response, headers, throttled=row.throttled)
    veto = row.veto or _veto(headers, is_quota=code_words.is_quota(said, subject.kind))
    if after is None and veto is row.veto:
        return row
    refused = status == _UNAVAILABLE and after is not None
    return replace(row, retry_after=after, may_have_acted=row.may_have_acted and not refused, veto=veto)


@lru_cache(maxsize=512)
def _row_by_status(status: int | None) -> Row | None:
    if status is None:
        return None
    row = ROW_BY_STATUS.get(status)
    if row is None:
        row = replace(REJECTED, may_have_acted=not 400 <= status < 500)  # noqa: PLR2004  # 4xx
    return replace(row, rule=f"HTTP {status}", status_code=status)


def _decided(status: int | None, said: tuple[str, ...], kind: Kind) -> Row | None:
    row = code_words.overruling(said, kind, status=status)
    return replace(row, status_code=status) if row is not None else _row_by_status(status)


def _wait(subject: Subject, response: Any, headers: Mapping[str, str], *, throttled: bool) -> float | None:
    after = read_wait(headers, now=datetime.now(UTC), throttled=throttled) if headers else None
    if after is None:
        after = wait_on(subject)
    if after is None and throttled:
        after = wait_in_bodies(subject, response)
    return after


def _veto(headers: Mapping[str, str], *, is_quota: bool) -> Veto | None:
    if any(headers.get(name, "").strip().lower() == "false" for name in VETO_HEADERS):
        return Veto.SERVER
    return Veto.QUOTA if is_quota else None


def _is_rate_limit(headers: Mapping[str, str]) -> bool:
    """Return whether a 403 is a rate limit in truth, as GitHub answers."""
    return is_spent(headers) or "retry-after" in headers


def _is_made_up(subject: Subject) -> bool:
    """Return whether the client itself chose the status: aiohttp says 400 of an answer that it cannot parse."""
    if "aiohttp.ClientResponseError" not in subject.kind.names:
        return False
    cause = cause_of(subject.error)
    return cause is not None and "aiohttp.HttpProcessingError" in kind_of(cause).names


def _response(subject: Subject) -> tuple[Any, int | None]:
    """Return the response that the error keeps and its status; what has no number for a status is none."""
    # Not "if response": a requests.Response with a 4xx is falsy.
    for response in subject.values(RESPONSE_NAMES):
        number_in_it = _number_in(read(response, name) for name in STATUS_NAMES)
        if number_in_it is not None:
            return response, number_in_it
        if is_a(response, dict):
            return response, number(read(read(response, "ResponseMetadata"), "HTTPStatusCode"))
    return None, _number_left_by_urllib3(subject)


def _number_in(values: Iterable[Any]) -> int | None:
    # A number that is no status stands for one: what follows (`code`) is of another protocol.
    return next((found for value in values if (found := number(value)) is not None), None)


def _number_left_by_urllib3(subject: Subject) -> int | None:
    if "urllib3.ResponseError" not in subject.kind.names:
        return None
    match = _TOO_MANY.fullmatch(text(subject.argument))
    return int(match[1]) if match else None


def _as_status(found: int | None) -> int | None:
    return found if found is not None and 300 <= found <= 598 else None  # noqa: PLR2004  # the range is the rule


def _headers(subject: Subject, response: Any) -> dict[str, str]:
    for name in HEADER_NAMES if response is not None else ():
        headers = read(response, name)
        if headers is not None:
            return collect_headers(headers)
    for headers in subject.values(HEADER_NAMES):
        return collect_headers(headers)
    if is_a(response, dict):
        # botocore keeps them deep inside; httplib2's response is the dict of its headers.
        inner = read(read(response, "ResponseMetadata"), "HTTPHeaders")
        return collect_headers(response if inner is None else inner)
    return {}


def collect_headers(headers: Any) -> dict[str, str]:
    """Return the headers that anything here reads, names in lower case, repeated ones joined by a comma."""
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for key, value in items(headers):
        name, said = text(key).lower(), text(value)
        if name not in _WANTED_HEADERS:
            continue
        if name not in found:
            found[name], spelled[name] = said, text(key)
        # slack_sdk keeps "Retry-After" under "retry-after" as well: that is one header.
        elif text(key) == spelled[name] or said != found[name]:
            found[name] = f"{found[name]}, {said}"
    return found
