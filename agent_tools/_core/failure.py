"""What went wrong, as plain data.

`Failure` is the narrow waist of the library. Exceptions of all libraries stay on one side of it; on the other
there is only this record, which may be logged, streamed, put into `ToolMessage.artifact` and
checkpointed. No exception, response, URL or header crosses it.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

from agent_tools._core.html import table
from agent_tools._core.records import ShortRepr

#: The `rule` of a call that an MCP server refused, unseen, because it has forgotten the session.
FORGOTTEN_SESSION = "MCP session forgotten"


class ErrorCategory(StrEnum):
    """The five kinds of tool errors, named by what to do about them.

    >>> from agent_tools import ErrorCategory, RetryPolicy
    >>> policy = RetryPolicy(retry_on={ErrorCategory.RETRYABLE, ErrorCategory.NETWORK})
    >>> ErrorCategory.NETWORK == "network"
    True
    """

    RETRYABLE = "retryable"
    """The service is busy or stumbled: HTTP 429, 500, 502, 503."""
    NON_RETRYABLE = "non_retryable"
    """Repeating the call does not help: wrong arguments, a bug, anything unknown."""
    AUTH_FAILURE = "auth_failure"
    """The service does not know the caller, or does not allow this: HTTP 401, 403."""
    TIMEOUT = "timeout"
    """No answer came in time. Whether the call took effect may be unknown."""
    NETWORK = "network"
    """The service was not reached, or the connection broke."""


CategoryName = Literal["retryable", "non_retryable", "auth_failure", "timeout", "network"]
"""The categories as text, wherever one is asked for: type checkers see a misspelled one."""


class Veto(StrEnum):
    """Why a failure is not retried although the policy retries its category."""

    SERVER = "server"
    """The server says that a retry is pointless (`x-should-retry: false` and its like)."""
    QUOTA = "quota"
    """A quota or credit is used up, and waiting a few seconds does not refill it."""
    RESULT = "result"
    """The tool finished; only its result cannot be used."""
    RUNNING = "running"
    """The tool could not be stopped and may still be running. Tools declared idempotent are retried anyway."""
    TEXT = "text"
    """Only the wording of the error says what happened. Tools declared idempotent are retried anyway."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Failure(ShortRepr):
    """One failed attempt, without the exception. A notebook shows it as a table.

    >>> from agent_tools import Failure, diagnose
    >>> failure = diagnose(ConnectionRefusedError("db-1.internal:5432"))
    >>> failure == Failure(
    ...     category="network",
    ...     error_type="ConnectionRefusedError",
    ...     rule="builtins.ConnectionRefusedError",
    ...     may_have_acted=False,
    ... )
    True

    Attributes:
        category: What to do about it.
        error_type: Class name of the error that was classified, `HTTPStatusError` for example; it may have been
            wrapped in another one, or in a group.
        rule: The name of the table row that matched, for people who ask why.
        status_code: HTTP status of the response, None when there was none.
        retry_after: Seconds that the server asked to wait, None when it named no time.
        may_have_acted: False only when the error proves that its own request was not processed.
        throttled: The server refused because of too many requests.
        veto: Why this failure is not retried, whatever its category.
        detail: Text meant for the model, scrubbed and capped; None when there is none.
    """

    category: ErrorCategory
    error_type: str = "Exception"
    rule: str = "default"
    status_code: int | None = None
    retry_after: float | None = None
    may_have_acted: bool = True
    throttled: bool = False
    veto: Veto | None = None
    detail: str | None = None

    def _repr_html_(self) -> str:
        """Return the facts as a table, for notebooks."""
        known = ((field.name, getattr(self, field.name)) for field in fields(self))
        return table(("failure", ""), [(name, str(value)) for name, value in known if value is not None])
