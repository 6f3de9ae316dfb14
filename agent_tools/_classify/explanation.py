"""How a diagnosis was reached, in words, for notebooks and for debugging."""

from agent_tools._classify.engine import Step, judge
from agent_tools._classify.rules import Rules
from agent_tools._core.failure import ErrorCategory, Failure, Veto

CONSEQUENCE_BY_CATEGORY = {
    ErrorCategory.RETRYABLE: "retried by default",
    ErrorCategory.NON_RETRYABLE: "not retried: repeating the call changes nothing",
    ErrorCategory.AUTH_FAILURE: "not retried: someone has to look at the credentials",
    ErrorCategory.TIMEOUT: "not retried unless the policy's `retry_on` names TIMEOUT",
    ErrorCategory.NETWORK: "not retried unless the policy's `retry_on` names NETWORK",
}
"""What a default policy does about a category."""

CONSEQUENCE_BY_VETO = {
    Veto.SERVER: "not retried: the server says that a retry is pointless",
    Veto.QUOTA: "not retried: the quota is used up",
    Veto.RESULT: "not retried: the tool ran to its end",
    Veto.RUNNING: "not retried: the tool may still be running",
    Veto.TEXT: "retried only if the tool is declared idempotent: nothing but the wording says so",
}


def explain(error: BaseException, *, rules: Rules = ()) -> str:
    """Return which row decided about `error`, what it said, and what a default policy does about it.

    One line for each error examined, outermost first, then the result. It contains no error text.

    >>> print(explain(ConnectionRefusedError("db-1.internal:5432")))
    ConnectionRefusedError: NETWORK (builtins.ConnectionRefusedError)
    => NETWORK, has not acted; not retried unless the policy's `retry_on` names NETWORK

    Raises:
        TypeError: `error` is not an exception instance (an exception class, for example).
    """
    if not isinstance(error, BaseException):
        raise TypeError(f"error must be an exception instance, not {error!r}")
    failure, steps = judge(error, rules=rules)
    return "\n".join([*map(_line, steps), f"=> {'; '.join((_facts(failure), _consequence(failure)))}"])


def _line(step: Step) -> str:
    said = "says nothing of itself" if step.row is None else f"{step.row.category.name} ({step.row.rule})"
    return f"{'  ' * step.depth}{step.error_type}: {said}"


def _facts(failure: Failure) -> str:
    facts = [failure.category.name, "may have acted" if failure.may_have_acted else "has not acted"]
    if failure.throttled:
        facts.append("too many requests")
    if failure.retry_after is not None:
        facts.append(f"asks to wait {failure.retry_after:g} s")
    return ", ".join(facts)


def _consequence(failure: Failure) -> str:
    if failure.veto is not None:
        return CONSEQUENCE_BY_VETO[failure.veto]
    return CONSEQUENCE_BY_CATEGORY[failure.category]
