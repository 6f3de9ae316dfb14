"""What a table says about an error: the record `Row`, and the rows that all tables use.

A row is `sure` when nothing inside the error can be more exact. The others name a family of causes
("the connection failed") and give way to what the error wraps, if that is more exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar  # Any: the value of any field

from agent_tools._core.failure import ErrorCategory, Veto

Key = TypeVar("Key", str, int)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """The facts about one error; shared fields mean the same as in `Failure`. Rows are compared by identity.

    Attributes:
        error_type: Class name of the inner error that this was read from; "" for the outermost.
        sure: Whether what the error wraps is ignored.
        local: Whether it is about this program and not about a service. Such an error says nothing about
            another one that was merely raised while it was being handled.
        bare: Whether this is a status without a response behind it, so the client may have made it up.
    """

    category: ErrorCategory
    error_type: str = ""
    rule: str = "default"
    status_code: int | None = None
    retry_after: float | None = None
    may_have_acted: bool = True
    throttled: bool = False
    veto: Veto | None = None
    detail: str | None = None
    sure: bool = True
    local: bool = False
    bare: bool = False

    def named(self, rule: str) -> "Row":
        """Return the same row with the name that shows people where it comes from."""
        return _with(self, "rule", rule)

    def read_off(self, error_type: str) -> "Row":
        """Return the same row for an error of that class."""
        return _with(self, "error_type", error_type)

    def without_response(self) -> "Row":
        """Return the same row as one whose status the client may have made up."""
        return _with(self, "bare", value=True)


# Making a row takes longer than finding it in a table, and the tables have few.
@lru_cache(maxsize=4096)
def _with(row: Row, field: str, value: object) -> Row:
    changed: dict[str, Any] = {field: value}
    return replace(row, **changed)


PASSING = Row(category=ErrorCategory.RETRYABLE)
"""The service failed; it may have acted before that."""
NOT_NOW = Row(category=ErrorCategory.RETRYABLE, may_have_acted=False)
"""The service rejected the request unread and will accept it later."""
THROTTLED = Row(category=ErrorCategory.RETRYABLE, may_have_acted=False, throttled=True)
"""Too many requests: refused before it was processed."""
REFUSED = Row(category=ErrorCategory.AUTH_FAILURE, may_have_acted=False)
"""The service does not know the caller, or does not allow this."""
LATE = Row(category=ErrorCategory.TIMEOUT)
"""No response in time to a request that may have been received."""
NO_ANSWER_TO_CONNECT = Row(category=ErrorCategory.TIMEOUT, may_have_acted=False)
"""No connection in time: nothing was sent."""
BROKEN = Row(category=ErrorCategory.NETWORK)
"""The connection broke while in use."""
UNREACHED = Row(category=ErrorCategory.NETWORK, may_have_acted=False)
"""No connection was made: nothing was sent."""
PERMANENT = Row(category=ErrorCategory.NON_RETRYABLE)
"""Repeating it changes nothing."""
REJECTED = Row(category=ErrorCategory.NON_RETRYABLE, may_have_acted=False)
"""The service, or the client before sending, turned the request down for good."""
SPENT = Row(category=ErrorCategory.NON_RETRYABLE, may_have_acted=False, veto=Veto.QUOTA)
"""The paid quota is used up."""
BUG = Row(category=ErrorCategory.NON_RETRYABLE, local=True)
"""An error of this program, unrelated to any service."""

SOME_CONNECTION_TROUBLE = replace(BROKEN, sure=False)
"""Clients use one class for refused, reset, DNS, TLS and often timeouts: the inner error decides."""
SOME_TIMEOUT = replace(LATE, sure=False)
"""Only the inner error shows whether connecting or reading took too long."""
SOME_REFUSAL = replace(REFUSED, sure=False)
"""A class about credentials; the status inside shows what exactly went wrong."""

SOME_DATABASE_TROUBLE = replace(PERMANENT, sure=False)
"""An error of a layer above a driver; the driver's own code is inside."""

_SEVERITY = (
    ErrorCategory.AUTH_FAILURE,
    ErrorCategory.NON_RETRYABLE,
    ErrorCategory.NETWORK,
    ErrorCategory.TIMEOUT,
    ErrorCategory.RETRYABLE,
)


def worst(rows: Iterable[Row]) -> Row:
    """Return the row that decides for a group of errors: retrying cannot help while one part is refused.

    It gets the longest wait and the least certainty of all rows.
    """
    every = list(rows)
    if len(every) == 1:
        return every[0]
    first = min(every, key=lambda row: _SEVERITY.index(row.category))
    return replace(
        first,
        retry_after=max((row.retry_after for row in every if row.retry_after is not None), default=None),
        may_have_acted=any(row.may_have_acted for row in every),
        veto=next((row.veto for row in every if row.veto), None),
    )


def spread(keys_by_row: Mapping[Row, Iterable[Key]]) -> dict[Key, Row]:
    """Return a table by key, from one that lists the keys of each row."""
    return {key: row for row, keys in keys_by_row.items() for key in keys}
