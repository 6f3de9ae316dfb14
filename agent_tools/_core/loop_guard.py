"""The model's own repetition, bounded from the messages in the state alone, so the same after a restart.

What counts, and what does not:

    1. A turn begins behind the last human message; no more than the `LOOK_BACK` newest messages are looked at.
    2. What counts are the answers to earlier messages of the model. Calls that stand in one message were made
       without having read any of their answers: they never stop each other.
    3. An answer fails when its status is "error", whoever wrote it. One to a call that was not run says nothing:
       what is stopped stays stopped for the turn, and is not counted as a failure either.
    4. A success of the tool resets: nothing before it counts, nor what failed beside it in the same message.
    5. For `same_call` each failed call counts, for `same_tool` each message in which calls of the tool failed.

The first calls of a turn cost a look at two messages.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_tools._core.decision import Reason
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.idempotency import canonical
from agent_tools._core.policy import require_count

#: Messages that are looked at, so that a long history costs no more than a short one.
LOOK_BACK = 200

#: Why an answer was made up where none was found; whether the tool has run is not known.
NO_RESULT = "no_result"

_HUMAN = frozenset({"human", "HumanMessageChunk"})
_AI = frozenset({"ai", "AIMessageChunk"})
_TOOL = frozenset({"tool", "ToolMessageChunk"})
_CATEGORY_BY_NAME = {category.value: category for category in ErrorCategory}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopGuard:
    """When calls that the model keeps making are answered without running them. All counts are per turn.

    Attributes:
        same_call: So many failures of a tool with the same arguments are enough; None for no limit.
        same_tool: So many failures in a row of a tool, whatever the arguments; calls that stand in one message
            count once, since the model had read none of their answers. None for no limit.
        auth_failure: Whether a refusal of the tool's credentials (HTTP 401, 403) is enough. It is not where
            `on_auth_failure` can renew them.
    """

    same_call: int | None = 2
    same_tool: int | None = 3
    auth_failure: bool = True

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        for name in ("same_call", "same_tool"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))
        if not isinstance(self.auth_failure, bool):
            raise TypeError(f"auth_failure must be True or False, not {self.auth_failure!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a call is not run.

    Attributes:
        reason: REPEATED or STOPPED.
        failure: The last one that counts, as far as its answer tells.
        times: How many count.
        same_call: They had the arguments of this call.
    """

    reason: Reason
    failure: Failure
    times: int
    same_call: bool = False


#: The calls of a message that are not to be run, by their id.
Stops = dict[str | None, Stop]

#: A failed call, as the model made it, and its answer.
_Failed = tuple[Mapping[str, Any], Any]  # Any: a ToolMessage, a type that this floor does not know


def place_of(messages: Sequence[Any], call_id: str | None) -> int | None:  # Any: see above
    """Return the index of the newest message that makes the call, None when it is not near the end."""
    newest = len(messages) - 1
    for place in range(newest, max(-1, newest - LOOK_BACK), -1):
        message = messages[place]
        if getattr(message, "type", None) in _AI:
            for call in getattr(message, "tool_calls", ()):
                if call["id"] == call_id:
                    return place
    return None


def stopped_calls(messages: Sequence[Any], place: int, guard: LoopGuard) -> Stops:
    """Return the calls of the message at `place` that are not to be run; none while nothing has failed."""
    if place == 0 or getattr(messages[place - 1], "type", None) in _HUMAN:
        return {}
    streaks = _streaks(messages, place)
    if not streaks:
        return {}
    found = {call["id"]: _stop(call, streaks.get(call["name"], []), guard) for call in messages[place].tool_calls}
    return {call_id: stop for call_id, stop in found.items() if stop is not None}


def _streaks(messages: Sequence[Any], place: int) -> dict[str, list[list[_Failed]]]:
    """Return by tool what has failed since its last success, message by message, the newest first."""
    undecided: set[str] | None = None
    streaks: dict[str, list[list[_Failed]]] = {}
    for asking, answers in _rounds(messages, place):
        if undecided is None:
            undecided = {call["name"] for call in messages[place].tool_calls}
        failed, worked = _outcomes(asking, answers)
        undecided -= worked
        if not undecided:
            break
        for tool in undecided & failed.keys():
            streaks.setdefault(tool, []).append(failed[tool])
    return streaks


def _rounds(messages: Sequence[Any], place: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the earlier messages of this turn that call tools, the newest first, each with its answers by id."""
    answers: dict[str, Any] = {}
    for index in range(place - 1, max(-1, len(messages) - 1 - LOOK_BACK), -1):
        message = messages[index]
        kind = getattr(message, "type", None)
        if kind in _HUMAN:
            return
        if kind in _TOOL:
            answers.setdefault(message.tool_call_id, message)
        elif kind in _AI and answers:
            yield message, answers
            answers = {}


def _outcomes(asking: Any, answers: dict[str, Any]) -> tuple[dict[str, list[_Failed]], set[str]]:
    """Return by tool the calls of a message that failed, and the tools of which one worked."""
    failed: dict[str, list[_Failed]] = {}
    worked: set[str] = set()
    for call in getattr(asking, "tool_calls", ()):
        answer = answers.get(call["id"])
        if answer is None or _says_nothing(answer):
            continue
        if getattr(answer, "status", None) == "error":
            failed.setdefault(call["name"], []).append((call, answer))
        else:
            worked.add(call["name"])
    return failed, worked


def _stop(call: Mapping[str, Any], streak: list[list[_Failed]], guard: LoopGuard) -> Stop | None:
    """Return why `call` is not run after this `streak` of its tool; None lets it run."""
    if not streak:
        return None
    failed = [each for together in streak for each in together]
    refused = [answer for _, answer in failed if _fact(answer, "category") == ErrorCategory.AUTH_FAILURE]
    if refused and guard.auth_failure:
        return Stop(reason=Reason.STOPPED, failure=_failure(refused[0]), times=len(refused))
    wanted = canonical(call["args"])
    same = [answer for earlier, answer in failed if canonical(earlier["args"]) == wanted]
    if guard.same_call is not None and len(same) >= guard.same_call:
        failure = _failure(same[0], may_have_acted=_fact(same[0], "may_have_acted") is not False)
        return Stop(reason=Reason.REPEATED, failure=failure, times=len(same), same_call=True)
    if guard.same_tool is not None and len(streak) >= guard.same_tool:
        return Stop(reason=Reason.REPEATED, failure=_failure(failed[0][1]), times=len(streak))
    return None


def _says_nothing(answer: Any) -> bool:
    return _fact(answer, "attempts") == 0 or _fact(answer, "reason") == NO_RESULT


def _failure(answer: Any, *, may_have_acted: bool = False) -> Failure:
    """Return what an answer tells of the failure; those that others wrote tell nothing.

    An earlier call with other arguments is another call: that it may have acted is not said of this one.
    """
    category, status = _fact(answer, "category"), _fact(answer, "status_code")
    return Failure(
        category=_CATEGORY_BY_NAME.get(str(category), ErrorCategory.NON_RETRYABLE),
        error_type=str(_fact(answer, "error_type") or "Exception"),
        rule="loop guard",
        status_code=status if isinstance(status, int) else None,
        may_have_acted=may_have_acted,
    )


def _fact(answer: Any, name: str) -> object:
    artifact = getattr(answer, "artifact", None)
    return artifact.get(name) if isinstance(artifact, dict) else None
