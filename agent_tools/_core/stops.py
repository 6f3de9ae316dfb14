"""Limits how often the model repeats a failing call, from the messages in the state alone, so also after a restart.

Repetition is bounded, work is not:

    1. Only failures of calls that were run in this turn count (see `turn`). The model made all calls of one message
       before it read any of their answers, so they never stop each other.
    2. A success of the tool resets the count, and so does a human's decision on one of its calls: neither earlier
       failures count nor those in the same message.
    3. An answer of another tool that is new in this turn is a change. It resets the counts that depend on
       arguments, since an edit or a sign-in may have made them right; a dead service stays dead.
    4. `same_call`: the same arguments failed the same way, with nothing changed. Refused credentials
       (`auth_failure`) are enough once.
    5. `same_tool`: messages in a row in which the tool failed in a way that does not blame its arguments: its service
       is down (whatever changes), or it has a bug (until something changes). Another host is another service.
    6. `corrections`: messages in which the tool failed in any way, until something changes.

The first calls of a turn repeat nothing, so they never come here (`turn.is_first_of_turn`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.idempotency import canonical
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.reason import Reason
from agent_tools._core.rounds import Call, Round, rounds_with_failures
from agent_tools._core.turn import fact

_CATEGORY_BY_NAME = {category.value: category for category in ErrorCategory}
_DOWN = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})
_HOST = re.compile(r"https?://(?:[^/\s\"?#@]*@)?([^/\s\"?#:\\]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a call is not run.

    Attributes:
        reason: REPEATED or STOPPED.
        failure: The last failure that counts, as far as its answer shows it.
        times: How many failures count.
        same_call: Whether they had the arguments of this call.
    """

    reason: Reason
    failure: Failure
    times: int
    same_call: bool = False


#: The calls of a message that must not run, by their id.
Stops = dict[str | None, Stop]


def stopped_calls(messages: Sequence[Any], index: int, guard: LoopGuard) -> Stops:
    """Return the calls of the message at `index` that must not run; empty while nothing has failed."""
    calls = messages[index].tool_calls
    rounds = rounds_with_failures(messages, index, {call["name"] for call in calls})
    if not rounds:
        return {}
    stops: Stops = {}
    for call in calls:
        stop = _stop(call, rounds, guard)
        if stop is not None:
            stops[call["id"]] = stop
    return stops


def _stop(call: Call, rounds: Sequence[Round], guard: LoopGuard) -> Stop | None:
    """Return why `call` is not run after these rounds; None lets it run."""
    tool = call["name"]
    since_success = list(takewhile(lambda each: tool not in each.worked, rounds))
    since_change = list(takewhile(lambda each: not each.changed, since_success))
    same = _same_way(call, since_change)
    if guard.auth_failure and same and _category(same[0]) is ErrorCategory.AUTH_FAILURE:
        return _stop_for(Reason.STOPPED, same, same_call=True)
    if guard.same_call is not None and len(same) >= guard.same_call:
        return _stop_for(Reason.REPEATED, same, same_call=True)
    for limit, streak, counts in (
        (guard.same_tool, since_success, _is_down),
        (guard.same_tool, since_change, _is_unexplained),
        (guard.corrections, since_change, lambda _answer: True),
    ):
        row = _in_a_row(call, streak, counts)
        if limit is not None and len(row) >= limit:
            return _stop_for(Reason.REPEATED, row)
    return None


def _same_way(call: Call, rounds: Sequence[Round]) -> list[Any]:
    """Return the latest answers to the same call, newest first, as long as they report the same failure."""
    wanted, tool = canonical(call["args"]), call["name"]
    failed = [each for together in rounds for each in together.failed.get(tool, ())]
    same = [answer for earlier, answer in failed if canonical(earlier["args"]) == wanted]
    return list(takewhile(lambda answer: _way_of(answer) == _way_of(same[0]), same))


def _in_a_row(call: Call, rounds: Sequence[Round], counts: Callable[[Any], bool]) -> list[Any]:
    """Return one answer per message, newest first, as long as all failures of the tool in it count."""
    hosts = _hosts_in(call)
    rows = [
        [answer for earlier, answer in each.failed.get(call["name"], ()) if _may_be_same(hosts, _hosts_in(earlier))]
        for each in rounds
    ]
    return [row[0] for row in takewhile(lambda row: all(map(counts, row)), filter(None, rows))]


def _hosts_in(call: Call) -> set[str]:
    return set(map(str.lower, _HOST.findall(canonical(call["args"]))))


def _may_be_same(hosts: set[str], others: set[str]) -> bool:
    return not hosts or not others or bool(hosts & others)


def _way_of(answer: Any) -> tuple[object, ...]:
    return tuple(fact(answer, name) for name in ("category", "status_code", "error_type", "text"))


def _is_down(answer: Any) -> bool:
    return _category(answer) in _DOWN


def _is_unexplained(answer: Any) -> bool:
    """Return whether the failure blames neither the arguments of the call nor its credentials."""
    if _category(answer) is not ErrorCategory.NON_RETRYABLE:
        return _is_down(answer)
    return fact(answer, "text") is None and fact(answer, "status_code") is None


def _stop_for(reason: Reason, answers: Sequence[Any], *, same_call: bool = False) -> Stop:
    """Return the stop. An earlier call may have acted, but this one is not run, so it cannot have."""
    status = fact(answers[0], "status_code")
    failure = Failure(
        category=_category(answers[0]),
        error_type=str(fact(answers[0], "error_type") or "Exception"),
        rule="loop guard",
        status_code=status if isinstance(status, int) else None,
        may_have_acted=False,
    )
    return Stop(reason=reason, failure=failure, times=len(answers), same_call=same_call)


def _category(answer: Any) -> ErrorCategory:
    return _CATEGORY_BY_NAME.get(str(fact(answer, "category")), ErrorCategory.NON_RETRYABLE)
