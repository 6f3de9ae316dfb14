"""What the model reads instead of a result.

Every answer says, in this order: what happened, what was already done, what is known about the outcome,
and what to do now. It is made from `Failure` alone, so no exception text, URL, header, body or path can
reach it. It never suggests repeating a call that was given up, and it promises nothing.

The one exception is `Failure.detail`: that text was written for the model, and is scrubbed.
"""

from agent_tools._core.effects import Effect
from agent_tools._core.failure import ErrorCategory, Veto
from agent_tools._core.outcome import ARGUMENT_STATUSES, Outcome
from agent_tools._core.reason import Reason

WHAT_BY_CATEGORY = {
    ErrorCategory.RETRYABLE: "`{tool}` failed: its service has a problem",
    ErrorCategory.NON_RETRYABLE: "`{tool}` failed because of an error that repeating it does not change",
    ErrorCategory.AUTH_FAILURE: "`{tool}` was refused: its credentials are not accepted",
    ErrorCategory.TIMEOUT: "`{tool}` did not answer in time",
    ErrorCategory.NETWORK: "`{tool}` did not reach its service",
}

#: More precise than the category, where the status says more. RFC 9110, 15.5; RFC 6585, 4.
WHAT_BY_STATUS = {
    400: "The service of `{tool}` refused these arguments as invalid",
    402: "`{tool}` was refused: its account has to be paid for",
    403: "`{tool}` was refused: its credentials lack a right",
    404: "`{tool}` found nothing for these arguments",
    407: "`{tool}` was refused by a proxy: its credentials are not accepted",
    409: "The service of `{tool}` refused this call: it conflicts with the present state",
    410: "What `{tool}` was asked for no longer exists",
    422: "The service of `{tool}` refused these arguments as invalid",
    429: "`{tool}` was refused: its service gets too many requests",
}

#: The same for a call that was not run, since the tool is known to be down.
DOWN_BY_CATEGORY = WHAT_BY_CATEGORY | {
    ErrorCategory.RETRYABLE: "`{tool}` is down: its service has a problem",
    ErrorCategory.TIMEOUT: "`{tool}` is down: its service does not answer in time",
    ErrorCategory.NETWORK: "`{tool}` is down: its service cannot be reached",
}
DOWN_BY_STATUS = WHAT_BY_STATUS | {429: "`{tool}` is held back: its service gets too many requests"}

#: Reasons for which the model has made such a call before, in this turn.
_REPEATING = frozenset({Reason.REPEATED, Reason.STOPPED})

#: Characters that the problems of a call's arguments may take, in an answer of at most 2,000.
_LONGEST_PROBLEMS = 1700

#: Longer answers are read past.
MOST_WORDS = 60

_MINUTE, _HOUR = 60, 3600

#: From this many seconds on, round to whole seconds.
_ROUNDED_FROM = 10

WHY_BY_VETO = {
    Veto.SERVER: "The service says that repeating is pointless.",
    Veto.QUOTA: "Its quota is used up, and only its operator can change that.",
    Veto.RESULT: "It ran to its end, but what it returned cannot be used.",
    Veto.RUNNING: "It could not be stopped and may still be running.",
    Veto.TEXT: "",
}

#: What the model reads when it is known that a call happened, but not what it returned.
HAPPENED = "`{tool}` took effect. Its answer was lost, so there are no details."

#: Why there was no further attempt, where the failure itself does not say so.
WHY_BY_REASON = {
    Reason.APPROVAL: "Its approval is used up.",
    Reason.CROWDED: "Its service gets more calls than it can answer in time.",
    Reason.BUDGET: "Many calls of it fail at present, so it was left alone.",
    Reason.DRAINING: "The application is shutting down.",
}


def render(outcome: Outcome) -> str:
    """Return the text of the answer."""
    failure = outcome.failure
    if failure.detail is not None and failure.category is ErrorCategory.NON_RETRYABLE:
        return failure.detail  # the author of this text has said what to do
    what, done, why, effect = _what(outcome), _done(outcome), _why(outcome), _effect(outcome)
    advice = _advice(outcome, effect)
    said = " ".join(filter(None, (what, done, why, effect, advice)))
    if why and failure.detail is None and len(said.split()) > MOST_WORDS:
        return " ".join(filter(None, (what, done, effect, advice)))  # nobody has to act on `why`
    return said


def render_bad_arguments(tool: str, problems: list[str]) -> str:
    """Return the text for arguments that do not fit; each of the `problems` names a field and its rule."""
    if not problems:
        return (
            f"`{tool}` was not run: a value that the application adds to the call is invalid. Your arguments "
            f"are not the cause. Tell the user that `{tool}` does not work at present and continue without it."
        )
    listed = problems[0][:_LONGEST_PROBLEMS]
    for number, problem in enumerate(problems[1:], start=1):
        if len(listed) + len(problem) > _LONGEST_PROBLEMS:
            listed += f"; and {len(problems) - number} more"
            break
        listed += f"; {problem}"
    return f"`{tool}` was not run: its arguments do not fit. {listed}. Call it with arguments that follow these rules."


def _what(outcome: Outcome) -> str:
    failure = outcome.failure
    if failure.detail is not None:
        return failure.detail
    is_known = not outcome.attempts and outcome.reason not in _REPEATING
    by_category, by_status = (DOWN_BY_CATEGORY, DOWN_BY_STATUS) if is_known else (WHAT_BY_CATEGORY, WHAT_BY_STATUS)
    template = by_category[failure.category]
    if is_known and outcome.reason is Reason.CROWDED:
        template = "`{tool}` is overloaded"
    if failure.category is ErrorCategory.NETWORK and failure.may_have_acted:
        template = "The connection of `{tool}` broke before the answer was complete"
    if failure.status_code is not None:
        template = by_status.get(failure.status_code, template)
        if outcome.reason is Reason.REPEATED and not outcome.same_call and failure.status_code in ARGUMENT_STATUSES:
            template = "`{tool}` has no result for any of the arguments so far"
        template += f" (HTTP {failure.status_code})"
    return template.format(tool=outcome.tool) + "."


def _done(outcome: Outcome) -> str:
    if not outcome.attempts:
        return _not_run(outcome)
    span = f"{outcome.elapsed:.{0 if outcome.elapsed >= _ROUNDED_FROM else 1}f} s"
    if outcome.attempts > 1:
        return f"It was tried {outcome.attempts} times in {span}."
    if outcome.failure.category is ErrorCategory.TIMEOUT:
        return f"It was tried once, for {span}."
    return "It was tried once."


def _not_run(outcome: Outcome) -> str:
    if outcome.reason not in _REPEATING:
        return "It was not run."
    if outcome.reason is Reason.STOPPED:
        return "It was not run again."
    times = "once" if outcome.failed_before == 1 else f"{outcome.failed_before} times"
    if outcome.same_call:
        return f"It was not run again: the same call has failed {times} already."
    return f"It was not run again: it has failed {times} in a row."


def _why(outcome: Outcome) -> str:
    failure = outcome.failure
    if outcome.reason is Reason.CIRCUIT:
        seconds = "" if failure.retry_after is None else f" for another {_seconds(failure.retry_after)}"
        return f"All calls of it are held back{seconds}."
    if failure.veto is not None:
        return WHY_BY_VETO[failure.veto]
    if outcome.reason in WHY_BY_REASON:
        return WHY_BY_REASON[outcome.reason]
    if failure.retry_after is None or failure.category is ErrorCategory.AUTH_FAILURE:
        return ""
    return f"The service asks to be left alone for {_seconds(failure.retry_after)}."


def _seconds(value: float) -> str:
    exact = f"{value:.10g} s"
    if value < 2 * _MINUTE:
        return exact
    if value < 2 * _HOUR:
        return f"{exact} (about {value / _MINUTE:.0f} min)"
    return f"{exact} (about {value / _HOUR:.0f} h)"


def _effect(outcome: Outcome) -> str:
    if outcome.effect is Effect.DID_NOT_HAPPEN:
        return "It did not take effect."
    if not outcome.may_have_acted or outcome.idempotent:
        return ""
    if outcome.idempotent is None:
        return "If it changes anything, it is unknown whether it took effect: check before doing it again."
    return "It is unknown whether it took effect: check before doing it again."


def _advice(outcome: Outcome, effect: str) -> str:
    tool, failure = outcome.tool, outcome.failure
    if outcome.direct:
        return "It is not available at present."
    if outcome.may_have_acted and outcome.idempotent is False:
        return f"Tell the user that the outcome of `{tool}` has to be checked, and continue without its result."
    if failure.status_code in ARGUMENT_STATUSES:
        return "Check the arguments with the user, or continue without it."
    if failure.category is ErrorCategory.AUTH_FAILURE:
        return f"Only its operator can fix that. Tell the user that `{tool}` is not available and continue without it."
    state = "does not work" if failure.category is ErrorCategory.NON_RETRYABLE else "is not available"
    advice = f"Tell the user that `{tool}` {state} at present and continue without it."
    return advice if effect else f"There is no result. {advice}"
