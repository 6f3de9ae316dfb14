"""How a call without a result ended: the facts behind its answer."""

from dataclasses import dataclass

from agent_tools._core.effects import Effect
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.reason import Reason

#: HTTP statuses that the model or its user can do something about.
ARGUMENT_STATUSES = frozenset({400, 404, 409, 410, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call without a result ended: the argument of the functions in `texts=`.

    >>> from agent_tools import ErrorCategory, Failure, Outcome
    >>> failure = Failure(category=ErrorCategory.TIMEOUT)
    >>> outcome = Outcome(tool="lookup", failure=failure, attempts=1, elapsed=5.0, reason="not_retried")
    >>> f"{outcome.tool} antwortet nicht ({outcome.failure.category})."
    'lookup antwortet nicht (timeout).'

    Attributes:
        tool: Name of the tool.
        failure: The last one; for a call that was not run, that of the calls before it.
        attempts: How often the tool was run; 0 for a call that was answered without running it.
        elapsed: Seconds from the first attempt to the end of the last one.
        reason: Why there was no further attempt.
        idempotent: As the policy declares it.
        direct: The answer goes to the user as it is, no model reads it (`return_direct`).
        failed_before: How often the tool has failed in this turn already, for the reasons "repeated" and "stopped".
        same_call: Whether those failures had the arguments of this call.
        effect: What the call has changed; None to use what the failure says about its own request.
    """

    tool: str
    failure: Failure
    attempts: int
    elapsed: float
    reason: Reason
    idempotent: bool | None = None
    direct: bool = False
    failed_before: int = 0
    same_call: bool = False
    effect: Effect | None = None

    @property
    def may_have_acted(self) -> bool:
        """Whether the call may have changed something."""
        return self.failure.may_have_acted if self.effect is None else self.effect is Effect.UNKNOWN


def is_correctable(failure: Failure) -> bool:
    """Return whether the model can correct the call: it reads what is wrong with its arguments."""
    if failure.category is not ErrorCategory.NON_RETRYABLE or failure.rule == "injected arguments":
        return False
    reads_why = failure.detail is not None or failure.rule in {"returned status", "unknown tool"}
    return reads_why or failure.status_code in ARGUMENT_STATUSES


def facts(outcome: Outcome) -> dict[str, str | int | float | bool | None]:
    """Return the outcome for programs, in types that every checkpointer stores without a warning."""
    failure = outcome.failure
    return {
        "category": str(failure.category),
        "attempts": outcome.attempts,
        "elapsed": round(outcome.elapsed, 3),
        "retry_after": failure.retry_after,
        "may_have_acted": outcome.may_have_acted,
        "error_type": failure.error_type,
        "status_code": failure.status_code,
        "reason": str(outcome.reason),
    }
