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

For the first calls of a turn, only three messages are read.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.idempotency import canonical
from agent_tools._core.policy import require_count
from agent_tools._core.reason import Reason
from agent_tools._core.records import ShortRepr, explains_names
from agent_tools._core.rounds import Call, Round, rounds_with_failures
from agent_tools._core.turn import (
    LOOK_BACK,
    begins_turn,
    fact,
    is_of_model,
)

_CATEGORY_BY_NAME = {category.value: category for category in ErrorCategory}
_DOWN = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})
_HOST = re.compile(r"https?://(?:[^/\s\"?#@]*@)?([^/\s\"?#:\\]+)", re.IGNORECASE)


@explains_names({})
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoopGuard(ShortRepr):
    """When calls that the model keeps making are answered without running them. All counts are per turn.

    >>> from agent_tools import LoopGuard, ResilientToolNode
    >>> node = ResilientToolNode([], loop_guard=LoopGuard(same_tool=5))

    Attributes:
        same_call: How often a tool may fail in the same way with the same arguments and nothing changed in between;
            None for no limit.
        same_tool: In how many messages in a row the service of a tool may be down, whatever the arguments; None for
            no limit.
        auth_failure: Whether one refusal of credentials (HTTP 401, 403) is enough to not run the same arguments again.
            It is not where `on_auth_failure` can renew them.
        corrections: In how many messages in a row a tool may fail for reasons that the model may correct (wrong
            arguments, HTTP 404, a `ToolException`) with nothing changed in between; None for no limit.
    """

    same_call: int | None = 2
    same_tool: int | None = 3
    auth_failure: bool = True
    corrections: int | None = 8

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        for name in ("same_call", "same_tool", "corrections"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))
        if not isinstance(self.auth_failure, bool):
            raise TypeError(f"auth_failure must be True or False, not {self.auth_failure!r}")


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


def place_of(messages: Sequence[Any], call_id: str | None) -> int | None:  # Any: messages of LangChain, and others
    """Return the index of the newest message that makes the call, or None when it is not near the end."""
    newest = len(messages) - 1
    for place in range(newest, max(-1, newest - LOOK_BACK), -1):
        message = messages[place]
        if is_of_model(message):
            for call in getattr(message, "tool_calls", ()):
                if call["id"] == call_id:
                    return place
    return None


def stopped_calls(messages: Sequence[Any], place: int, guard: LoopGuard) -> Stops:
    """Return the calls of the message at `place` that must not run; empty while nothing has failed."""
    if place == 0 or begins_turn(messages, place - 1):
        return {}
    calls = messages[place].tool_calls
    rounds = rounds_with_failures(messages, place, {call["name"] for call in calls})
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
