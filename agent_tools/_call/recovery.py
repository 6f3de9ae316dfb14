"""What happens after the first attempt: the one flow of every call that does not just work.

Judge the failure; pass on unchanged whatever is not a failure of the tool. To give up, report it and let the caller
make the answer or raise the error. Otherwise report it, renew the credentials or wait and pass the gate of the tool,
and make the next attempt.
"""

from dataclasses import dataclass, replace

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt

from agent_tools._call.answers import as_error
from agent_tools._call.attempt import ToolAttempt
from agent_tools._call.call import Call
from agent_tools._call.credentials import Renew
from agent_tools._call.current import CurrentCall, Result
from agent_tools._call.diagnosing import diagnosis
from agent_tools._call.effects import advise, note_effect
from agent_tools._call.nested_retries import note_layers
from agent_tools._call.observers import CallBack, is_heard, report_event
from agent_tools._call.plain import Brought
from agent_tools._call.returned import ReturnedError, is_of_others
from agent_tools._call.settings import DrainingError, NotRunError
from agent_tools._call.verifying import verification
from agent_tools._core.circuit import is_counted
from agent_tools._core.decision import PASSING, GiveUp, Retry, Situation, Verdict, decide
from agent_tools._core.effects import Effect
from agent_tools._core.events import EventType
from agent_tools._core.failure import FORGOTTEN_SESSION, ErrorCategory, Failure
from agent_tools._core.outcome import Outcome
from agent_tools._core.reason import Reason
from agent_tools._core.stops import Stop
from agent_tools._flow.failed import Failed
from agent_tools._flow.steps import Flow, Wait
from agent_tools._flow.waiting import Alarm
from agent_tools._gate.gate import Refusal, Standing
from agent_tools._langgraph.approved import is_approved
from agent_tools._langgraph.attempt_tags import as_retry
from agent_tools._langgraph.beginnings import Mark, marked
from agent_tools._langgraph.errors import Origin, is_control_flow, is_sync_refusal, origin_of, underlying
from agent_tools._langgraph.hints import hinted_idempotent
from agent_tools._langgraph.run import alarm_of_run, is_draining, may_lose_approvals, node_attempt_of


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A call that ended without a result.

    Attributes:
        error: The last one.
        outcome: What the model will read; None when `error` is raised unchanged: it is control flow, or a
            mistake in the wiring.
    """

    error: BaseException
    outcome: Outcome | None = None


Ended = Result | GivenUp


def recovery(call: Call, brought: Brought | None = None) -> Flow[Ended]:
    """Handle what the first attempt `brought`; None when it was held back and has not been made yet."""
    try:
        if brought is None:
            ended = yield from _before_first_attempt(call)
            if ended is not None:
                return ended
            brought = yield ToolAttempt(call)
        while isinstance(brought, Failed):
            verdict = yield from _judged(call, brought.error)
            if not isinstance(verdict, Retry):
                return verdict
            yield from _told(call, EventType.RETRY, verdict.after)
            call.request, draining = as_retry(call.request, call.failures + 1), alarm_of_run()
            if verdict.renew:
                if not (yield from _renewed(call)):
                    return (yield from _ended(call, brought.error, Reason.NOT_RETRIED))
            else:
                brought = None  # or the error would live on, with all its frames, while we wait
                began = call.settings.clock()
                if not (yield Wait(verdict.after, draining)):
                    return (yield from _given_up(call, DrainingError(), Reason.DRAINING))
                call.skipped += max(0.0, verdict.after - (call.settings.clock() - began))
                refused = yield from _passed_gate(call, draining)
                if refused is not None:
                    return refused
                call.pay()
            brought = yield ToolAttempt(call)
        yield from _worked(call, brought)
        return brought
    finally:
        call.leave()


# ---- what follows from a failure ----


def _judged(call: Call, error: BaseException) -> Flow[Retry | Ended]:
    """Return the retry that follows `error`, or how the call ends."""
    counted = count(call, error)
    if counted is None:
        if isinstance(error, GraphInterrupt):
            yield from marked_in_checkpoint(call, Mark.PAUSES)
        return GivenUp(error)
    situation = _situation(call) if _may_be_retried(call) else None
    standing = (yield from _reported(call, counted.cause, situation)) if counted.was_run else None
    result = yield from _verified(call)
    if result is not None:
        return result
    verdict = _verdict(call, situation, standing or Standing())
    advise(call, error, verdict)
    if isinstance(verdict, GiveUp):
        return (yield from _ended(call, error, verdict.reason))
    return verdict


@dataclass(frozen=True, slots=True)
class Counted:
    """A failure of the tool: its own error, and whether the tool was run."""

    cause: BaseException
    was_run: bool


def count(call: Call, error: BaseException) -> Counted | None:
    """Count a failure of the tool and return it; None when `error` is passed on unchanged."""
    if is_control_flow(error):
        return None
    cause = underlying(error)
    origin = origin_of(cause)
    if is_sync_refusal(error, call.request.tool):
        error.add_note(f"`{call.request.tool_call['name']}` is async: run the graph with ainvoke or astream.")
        return None
    if origin is Origin.WIRING:
        return None
    hinted, node_attempt = hinted_idempotent(call.request.tool), node_attempt_of(call.request)
    _heed(call, hinted)
    failure = diagnosis(call.settings, cause, origin, call.request)
    was_run = origin is not Origin.ARGUMENTS and not (isinstance(error, ReturnedError) and not error.was_run)
    if was_run:
        note_effect(call, error, failure)
    call.count(failure)
    if failure.category is not ErrorCategory.NON_RETRYABLE or isinstance(error, ReturnedError):
        note_layers(error, tool=call.request.tool_call["name"], node_attempt=node_attempt, known=call.settings.layers)
    if not was_run and call.admission is not None:
        call.admission.leave()  # other calls learn nothing from this
    return Counted(cause, was_run)


def _heed(call: Call, hinted: bool | None) -> None:  # noqa: FBT001  # what the server hints
    """Follow the server's hint about the tool where the user's policy says nothing."""
    if call.policy.idempotent is None and hinted is not None:
        call.policy = replace(call.policy, idempotent=hinted)


def _reported(call: Call, cause: BaseException, situation: Situation | None) -> Flow[Standing | None]:
    """Report a failed attempt to the gate, and pay for a retry if one is likely; None when it goes unreported."""
    failure = _failure_of(call)
    may_pass = failure.category in call.policy.retry_on or (failure.category in PASSING and is_counted(failure))
    if call.admission is None and not may_pass:
        return None
    verdict = _verdict(call, situation, Standing())
    retries = isinstance(verdict, Retry) and not verdict.renew
    return (yield from call.failed_at_gate(failure, cause, retries=retries))


def _before_first_attempt(call: Call) -> Flow[Ended | None]:
    """Return how the call ends if it must not be run."""
    ended = yield from _cut_off(call)
    return ended if ended is not None else (yield from _passed_gate(call, alarm_of_run()))


def _cut_off(call: Call) -> Flow[Ended | None]:
    """Verify a call that had begun when its process ended; return how it ends unless it may run again."""
    if not (yield from marked_in_checkpoint(call, Mark.BEGINS)):
        return None
    _heed(call, hinted_idempotent(call.request.tool))
    tool = call.request.tool_call["name"]
    detail = f"`{tool}` was cut off: the application ended before its result was recorded."
    call.count(Failure(category=ErrorCategory.NETWORK, error_type="CutOff", rule="cut off", detail=detail))
    call.effect = Effect.UNKNOWN
    result = yield from _verified(call)
    if result is not None or call.effect is Effect.DID_NOT_HAPPEN or call.policy.idempotent:
        return result
    error = NotRunError(f"{tool} was not run again: it may have acted before it was cut off")
    return (yield from _given_up(call, error, Reason.MAY_HAVE_ACTED))


def marked_in_checkpoint(call: Call, mark: Mark) -> Flow[bool]:
    """Mark that `call` begins or pauses, if it must not act twice; return whether it had begun and was cut off."""
    if call.policy.verify is None and call.policy.idempotent is not False:
        return False
    key = CurrentCall(call.settings, call.request).key()
    cut_off: bool = yield from marked(mark, key=key, config=_config_of(call))
    return cut_off


def _config_of(call: Call) -> RunnableConfig | None:
    return getattr(call.request.runtime, "config", None)


def _verified(call: Call) -> Flow[Result | None]:
    """Find out whether a call that may have acted did; return its result if so."""
    if call.policy.verify is None or call.failure is None or call.effect is not Effect.UNKNOWN:
        return None
    verified = yield from verification(call, call.failure)
    call.effect = verified.found
    yield from _told(call, EventType.VERIFIED)
    call.attempt_began = call.settings.clock()  # what follows is not part of the attempt
    if verified.result is not None:
        yield from _told(call, EventType.RECOVERED)
    return verified.result


def _may_be_retried(call: Call) -> bool:
    failure, policy = _failure_of(call), call.policy
    is_retried = failure.category in policy.retry_on or failure.rule == FORGOTTEN_SESSION
    return is_retried or call.credentials_seen is not None or policy.verify is not None


def _verdict(call: Call, situation: Situation | None, standing: Standing) -> Verdict:
    failure = _failure_of(call)
    if situation is None:
        return GiveUp(Reason.NOT_RETRIED)
    verdict = decide(failure, call.policy, _now(call, situation, standing))
    if verdict == GiveUp(Reason.CIRCUIT) and standing.opens_in is not None:
        call.failure = replace(failure, retry_after=round(standing.opens_in, 1))
    return verdict


def _failure_of(call: Call) -> Failure:
    if call.failure is None:
        raise AssertionError("no attempt has failed")
    return call.failure


def _situation(call: Call) -> Situation:
    """Return what else matters besides the failure, before it is reported to the gate."""
    return Situation(
        attempt=call.failures,
        chance=call.settings.chance(),
        renewable=call.credentials_seen is not None,
        approval_lost=may_lose_approvals(call.request),
        draining=is_draining(),
    )


def _now(call: Call, situation: Situation, standing: Standing) -> Situation:
    return replace(
        situation,
        elapsed=call.elapsed(),
        opens_in=standing.opens_in,
        patience=standing.patience,
        affordable=standing.tokens is not None,
        effect=call.effect,
        behind=standing.behind,
    )


# ---- before the next attempt ----


def _renewed(call: Call) -> Flow[bool]:
    """Renew the credentials of a call that was refused; return whether there are new ones."""
    credentials, seen, call.credentials_seen = call.settings.credentials, call.credentials_seen, None
    if credentials is None or seen is None:
        return False
    event = call.event(EventType.RETRY, 0.0)
    renewed: bool = yield Renew(credentials=credentials, event=event, seen=seen, within=call.call_left())
    return renewed


def _passed_gate(call: Call, draining: Alarm | None) -> Flow[GivenUp | None]:
    """Wait until an attempt may be made; return how the call ends if it may not."""
    if call.stop is not None and (yield from is_approved(call.request.tool_call, _config_of(call))):
        call.stop = None
    why: Stop | Refusal | None = call.stop
    if why is None and call.admission is not None:
        is_last_retry = 0 < call.failures == call.policy.max_attempts - 1
        why = yield from call.admission.enter(draining, is_last_retry=is_last_retry)
    if why is None:
        return None
    call.refuse(why)
    yield from _told(call, EventType.FAILED if call.failures else EventType.SHORT_CIRCUITED)
    return GivenUp(NotRunError(f"{call.request.tool_call['name']} was not run: {why.reason}"), call.outcome())


# ---- the end ----


def _worked(call: Call, result: Result) -> Flow[None]:
    """Report that an attempt brought `result`."""
    if not is_of_others(result, call.request):
        call.worked_at_gate()
    if call.failures:
        yield from _told(call, EventType.RECOVERED)


def _ended(call: Call, error: BaseException, reason: Reason) -> Flow[Ended]:
    """Return the end of a call that gets no further attempt."""
    given_up = yield from _given_up(call, error, reason)
    # An error that the tool returned stays a result, marked as an error.
    return as_error(call, error) if isinstance(error, ReturnedError) else given_up


def _given_up(call: Call, error: BaseException, reason: Reason) -> Flow[GivenUp]:
    call.reason = reason
    yield from _told(call, EventType.FAILED)
    return GivenUp(error, call.outcome())


def _told(call: Call, kind: EventType, after: float | None = None) -> Flow[None]:
    """Report what has happened; callbacks come last, since an async run awaits them."""
    event, runtime = call.event(kind, after), call.request.runtime  # there is no runtime outside a graph
    writer = getattr(runtime, "stream_writer", None) if call.settings.stream_events else None
    report_event(event, observer=call.settings.observer, stream_writer=writer)
    config = getattr(runtime, "config", None)
    if is_heard(config):
        yield CallBack(event, config)
