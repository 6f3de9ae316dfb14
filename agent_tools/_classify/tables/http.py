"""HTTP: what a status means, where clients keep it, and what headers add.

Sources: RFC 9110 and RFC 6585 for the statuses, the clients' own code for the attributes. A status is a number
in 300..598 and nothing else: `code` and `status` hold words and the numbers of other protocols just as often.

A status without any header or body behind it is `bare`: the client may have made it up, as litellm and resend do
for a timeout. Then a transport error, in the class or inside, takes precedence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.bodies import parts_of_bodies
from agent_tools._classify.naming import NAMES_BY_ROLE, Role, roles_of
from agent_tools._classify.reading import call, cause_of, is_a, items, members, number, read, text, values_of
from agent_tools._classify.subject import PLAIN_TYPES, Subject, kind_of
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
from agent_tools._core.failure import ErrorCategory, Veto
from agent_tools._core.retry_after import is_spent, is_wait_header, read_wait

ROW_BY_STATUS: dict[int, Row] = {
    401: REFUSED,
    403: REFUSED,
    407: REFUSED,
    408: LATE,  # "not received in full" (RFC 9110, 15.5.9), but Cosmos DB and gateways send it for slow writes
    419: REFUSED,  # Laravel: page expired
    420: THROTTLED,  # Twitter: enhance your calm
    425: NOT_NOW,
    429: THROTTLED,
    430: THROTTLED,  # Shopify
    440: REFUSED,  # IIS: login time-out
    449: NOT_NOW,  # Cosmos DB: retry with
    460: LATE,  # AWS load balancers: the client closed the connection
    498: REFUSED,  # ArcGIS: invalid token
    499: LATE,  # nginx: the client closed the connection
    500: PASSING,
    502: PASSING,
    503: PASSING,
    504: LATE,
    509: replace(THROTTLED, may_have_acted=True),  # cPanel: bandwidth limit exceeded
    # Cloudflare's own: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/
    520: BROKEN,
    521: UNREACHED,
    522: LATE,
    523: UNREACHED,
    524: LATE,
    525: UNREACHED,
    526: UNREACHED,
    527: BROKEN,
    529: PASSING,
    530: BROKEN,
    598: LATE,  # proxies: network read timeout
}
"""Every status not listed here is NON_RETRYABLE."""

VETO_HEADERS = ("x-should-retry", "stripe-should-retry")
"""Headers in which the server says whether to retry (OpenAI, Anthropic and similar; Stripe)."""

EXACT = frozenset({"httpx.HTTPStatusError", "httpx2.HTTPStatusError"})
"""Errors whose status alone decides, whatever headers and bodies say."""

# urllib3.exceptions.ResponseError.SPECIFIC_ERROR: the only trace of a status after urllib3's own retries.
_TOO_MANY = re.compile(r"too many ([345][0-9]{2}) error responses", re.ASCII)
_FORBIDDEN = 403
_SPENT_LIMIT = replace(THROTTLED, rule="HTTP 403 of a rate limit", status_code=_FORBIDDEN)
_UNAVAILABLE = 503
_LEAST_ERROR = 400
_MOST_ARGUMENTS = 4
_LONGEST_NUMBER = 20
_MOST_HEADERS = 200
_NO_RESPONSES = (*PLAIN_TYPES, dict, BaseException)
_TEXTS_ONLY = frozenset({str})
_STATUS = re.compile(r"[3-5][0-9]{2}")


def row_of(subject: Subject) -> Row | None:
    """Return what the HTTP status and the code words of an error say, or None when it has neither."""
    cause = cause_of(subject.error)
    if cause is not None and _is_made_up(subject, cause):
        return BROKEN.named("aiohttp.HttpProcessingError")
    exact = not EXACT.isdisjoint(subject.kind.names)
    response, found = _response(subject)
    status = (None if exact else _own_status(subject)) or as_status(found)
    if status is None and not exact:
        status = _status_in_bodies(subject, response)
    said = code_words.said_by(subject, response, status=status)
    if status is None and not said:
        return None
    row = row_by_status(status) if exact else _decided(status, said)
    if row is None:
        return None
    headers, any_header = _headers(subject, response)
    row = _with_headers(row, headers, exact=exact)
    after = _wait(subject, response, headers, throttled=row.throttled)
    veto = row.veto or _veto(headers, said)
    bare = not (exact or any_header or parts_of_bodies(subject, response))
    if after is None and veto is row.veto:
        return row.without_response() if bare else row
    acted = row.may_have_acted and not (status == _UNAVAILABLE and after is not None)
    return replace(row, retry_after=after, may_have_acted=acted, veto=veto, bare=bare)


@lru_cache(maxsize=512)
def row_by_status(status: int | None) -> Row | None:
    """Return the row of a status; None for no status."""
    if status is None:
        return None
    row = ROW_BY_STATUS.get(status)
    if row is None:
        row = replace(REJECTED, may_have_acted=not 400 <= status < 500)  # noqa: PLR2004  # 4xx
    return replace(row, rule=f"HTTP {status}", status_code=status)


def _decided(status: int | None, said: list[code_words.Word]) -> Row | None:
    row = code_words.overruling(said, status=status) if said else None
    return replace(row, status_code=status) if row is not None else row_by_status(status)


def _wait(subject: Subject, response: Any, headers: Mapping[str, str], *, throttled: bool) -> float | None:
    after = read_wait(headers, now=datetime.now(UTC), throttled=throttled) if headers else None
    if after is None:
        after = wait_on(subject)
    if after is None and throttled:
        after = wait_in_bodies(subject, response)
    return after


def _veto(headers: Mapping[str, str], said: list[code_words.Word]) -> Veto | None:
    if headers and _says(headers, "false"):
        return Veto.SERVER
    return Veto.QUOTA if said and code_words.is_quota(said) else None


def _with_headers(row: Row, headers: Mapping[str, str], *, exact: bool) -> Row:
    """Return the row for this status after what the server adds to it, which moves no status of an exact family."""
    if exact or not headers:
        return row
    if row.status_code == _FORBIDDEN and not row.throttled and _is_rate_limit(headers):
        return _SPENT_LIMIT
    if row.category is ErrorCategory.NON_RETRYABLE and _says(headers, "true"):
        return replace(row, category=ErrorCategory.RETRYABLE)
    return row


def _is_rate_limit(headers: Mapping[str, str]) -> bool:
    """Return whether a 403 is really a rate limit, as GitHub sends it."""
    return is_spent(headers) or "retry-after" in headers


def _says(headers: Mapping[str, str], word: str) -> bool:
    return any(headers.get(name, "").strip().lower() == word for name in VETO_HEADERS)


def _is_made_up(subject: Subject, cause: BaseException) -> bool:
    """Return whether the client itself chose the status: aiohttp reports 400 for a response that it cannot parse."""
    is_status = "aiohttp.ClientResponseError" in subject.kind.names
    return is_status and "aiohttp.HttpProcessingError" in kind_of(cause).names


def _own_status(subject: Subject) -> int | None:
    # Only the first number counts: if it is not a status, the ones after it belong to another protocol too.
    return as_status(_number_in(subject.find(Role.STATUS)))


def _response(subject: Subject) -> tuple[Any, int | None]:
    """Return the error's response and its status; an object without a numeric status is not a response."""
    # Not "if response": a requests.Response with a 4xx is falsy.
    for response in _candidates(subject):
        number_in_it = _number_in(values_of(response, NAMES_BY_ROLE[Role.STATUS]))
        if number_in_it is not None:
            return response, number_in_it
        if is_a(response, dict) and read(response, "ResponseMetadata") is not None:
            return response, number(read(read(response, "ResponseMetadata"), "HTTPStatusCode"))
    return None, _number_left_by_urllib3(subject)


def _candidates(subject: Subject) -> Iterator[Any]:
    yield from subject.find(Role.RESPONSE)
    for argument in subject.args[:_MOST_ARGUMENTS]:
        if not issubclass(type(argument), _NO_RESPONSES):
            yield argument


def _number_in(values: Iterable[Any]) -> int | None:
    for value in values:
        found = value if type(value) is int else _as_number(value)
        if found is not None:
            return found
    return None


def _as_number(value: Any) -> int | None:
    said = text(value, limit=4)
    return int(said) if _STATUS.fullmatch(said) else number(value)


def _status_in_bodies(subject: Subject, response: Any) -> int | None:
    """Return a status found only in the body, as in `{"error": {"code": 503}}`."""
    for part in parts_of_bodies(subject, response):
        pairs = items(part) if issubclass(type(part), dict) else ()
        found = _number_in(value for name, value in pairs if type(name) is str and roles_of(name) & Role.STATUS)
        if found is not None and found >= _LEAST_ERROR and as_status(found):
            return found
    return None


def _number_left_by_urllib3(subject: Subject) -> int | None:
    if "urllib3.ResponseError" not in subject.kind.names:
        return None
    match = _TOO_MANY.fullmatch(text(subject.argument))
    return int(match[1]) if match else None


def as_status(found: int | None) -> int | None:
    """Return the number if it can be the status of a failed request, else None."""
    return found if found is not None and 300 <= found <= 598 else None  # noqa: PLR2004  # the range is the rule


def _headers(subject: Subject, response: Any) -> tuple[dict[str, str], bool]:
    """Return the headers that anything here reads, and whether there are any headers at all."""
    held = _held_headers(subject, response)
    if held is None:
        return {}, False
    names = _names_in(held)
    # Most responses have none of interest, and clients take long to make pairs of names and values.
    if names and not any(map(_is_read, names)):
        return {}, True
    headers = collect_headers(held)
    return headers, bool(headers) or any(items(held))


def _held_headers(subject: Subject, response: Any) -> Any:
    """Return the object that holds the headers, in the client's own form, or None."""
    if response is not None:
        for headers in values_of(response, NAMES_BY_ROLE[Role.HEADERS]):
            return headers
    for headers in subject.find(Role.HEADERS):
        return headers
    # botocore keeps them deep inside; httplib2's response is the dict of its headers.
    return read(read(response, "ResponseMetadata"), "HTTPHeaders") or response if is_a(response, dict) else None


def collect_headers(headers: Any) -> dict[str, str]:
    """Return the headers that anything here reads, names in lower case, repeated ones joined by a comma."""
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for key, value in items(headers):
        name = text(key).lower()
        if not (name in VETO_HEADERS or is_wait_header(name)):
            continue
        said = _header_text(value)
        if name not in found:
            found[name], spelled[name] = said, text(key)
        # slack_sdk keeps "Retry-After" under "retry-after" as well: count it once.
        elif text(key) == spelled[name] or said != found[name]:
            found[name] = f"{found[name]}, {said}"
    return found


def _names_in(headers: Any) -> list[str]:
    """Return the names of the headers, if the client keeps them as plain texts; else an empty list."""
    try:
        keys = dict.keys(headers) if issubclass(type(headers), dict) else call(headers, "keys")
        names = list(islice(keys, _MOST_HEADERS))
        return names if _TEXTS_ONLY.issuperset(map(type, names)) else []
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # whatever the object returns as its keys
        return []


@lru_cache(maxsize=1024)
def _is_read(name: str) -> bool:
    """Return whether a header of this name says something by itself; `Date` only counts beside another one."""
    bare = text(name).lower()
    return bare in VETO_HEADERS or (bare != "date" and is_wait_header(bare))


def _header_text(value: Any) -> str:
    """Return the text of a header, which some clients keep as a number or as a list of one."""
    value = next(iter(members(value, slice(1))), value)
    plain = number(value)
    return text(value) if plain is None else str(plain)[:_LONGEST_NUMBER]
