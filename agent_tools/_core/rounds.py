"""The rounds of a turn: messages of the model, and the answers to their calls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_tools._core.idempotency import canonical
from agent_tools._core.turn import HUMAN_DECISION, backwards, fact, is_answer, is_failure, is_of_model, source_of

Call = Mapping[str, Any]
Answered = tuple[Call, Any]  # a call, as the model made it, and its answer


@dataclass(slots=True)
class Round:
    """A message of the model, and the answers to its calls.

    Attributes:
        failed: The calls that failed, with their answers, by tool.
        worked: The same for calls that worked.
        changed: Whether a success in it was new.
    """

    failed: dict[str, list[Answered]] = field(default_factory=dict)
    worked: dict[str, list[Answered]] = field(default_factory=dict)
    changed: bool = False


def rounds_with_failures(messages: Sequence[Any], index: int, tools: set[str]) -> list[Round]:
    """Return the rounds of this turn before `index`, the newest first; none if no call of `tools` is worth a look."""
    coming, rounds, undecided, has_failed = _rounds(messages, index), list[Round](), set(tools), False
    for each in coming:
        rounds.append(each)
        undecided -= each.worked.keys()
        has_failed = has_failed or bool(undecided & each.failed.keys())
        if not undecided:
            break
    if not has_failed:
        return []
    rounds += coming  # what is new in a round depends on all that came before it
    _note_changes(rounds)
    return rounds


def _rounds(messages: Sequence[Any], index: int) -> Iterator[Round]:
    answers: dict[str, list[Any]] = {}
    for message in backwards(messages, index - 1):
        if is_answer(message):
            answers.setdefault(message.tool_call_id, []).append(message)
        elif is_of_model(message) and answers:
            yield _round(message, answers)
            answers = {}


def _round(asking: Any, answers: dict[str, list[Any]]) -> Round:
    """Return the round of a message; the answers of each id come newest first."""
    found = Round()
    for call in getattr(asking, "tool_calls", ()):
        answer = answers[call["id"]].pop() if answers.get(call["id"]) else None
        if answer is None:
            continue
        if getattr(answer, "status", None) != "error" or source_of(answer) == HUMAN_DECISION:
            found.worked.setdefault(call["name"], []).append((call, answer))
        elif is_failure(answer) and fact(answer, "attempts") != 0:
            found.failed.setdefault(call["name"], []).append((call, answer))
    return found


def _note_changes(rounds: Sequence[Round]) -> None:
    known: set[tuple[str, str, str]] = set()
    for each in reversed(rounds):
        brought = {
            (tool, canonical(call["args"]), str(getattr(answer, "content", "")))
            for tool, worked in each.worked.items()
            for call, answer in worked
        }
        each.changed = not brought <= known
        known |= brought
