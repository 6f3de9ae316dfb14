"""What the failed attempts of a call may have changed, and what would help to find out."""

from agent_tools._call.call import Call
from agent_tools._call.current import current_call
from agent_tools._call.requests import Requests, request_in
from agent_tools._core.decision import PASSING, GiveUp, Retry, Verdict
from agent_tools._core.effects import Effect
from agent_tools._core.evidence import may_have_acted
from agent_tools._core.failure import Failure

#: Sent twice, these act twice (RFC 9110, 9.2.2; RFC 5789, 2).
_NOT_IDEMPOTENT = frozenset({"POST", "PATCH"})


def note_effect(call: Call, error: BaseException, failure: Failure) -> None:
    """Note whether the attempt that ended with `error` may have acted; `failure` is what its own request shows."""
    requests = _requests()
    evidence = None if requests is None else requests.evidence(error, failure, elapsed=call.elapsed())
    is_declared = call.settings.policy_of(call.request).idempotent is False  # a hint is less strict
    if may_have_acted(failure, evidence, must_not_act_twice=is_declared):
        call.effect = Effect.UNKNOWN


def advise(call: Call, error: BaseException, verdict: Verdict) -> None:
    """Log what would help to handle such a failure better, if `verdict` follows from `error`."""
    failure, policy, tool = call.failure, call.policy, call.request.tool_call["name"]
    if failure is None or call.effect is not Effect.UNKNOWN or policy.idempotent or policy.verify is not None:
        return
    if policy.idempotent is None and isinstance(verdict, Retry) and _may_have_written(error):
        call.settings.advice.undeclared(tool)
    is_unproven = policy.idempotent is False and isinstance(verdict, GiveUp) and failure.category in PASSING
    if is_unproven and _requests() is None:
        call.settings.advice.unproven(tool)


def _requests() -> Requests | None:
    current = current_call()
    return None if current is None else current.seen


def _may_have_written(error: BaseException) -> bool:
    requests = _requests()
    if requests is not None:
        return requests.may_have_acted(_NOT_IDEMPOTENT)
    request, _ = request_in(error)
    return request is not None and request.method in _NOT_IDEMPOTENT
