"""The promises, and whether they were kept.

With the scripted model every number is known beforehand. A real model calls what it likes; `check_always` has what
must hold in any case.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent_tools.demo.api import API_KEY, PROMISES, RETRY_AFTER, THROTTLED_ROUTE, Promise
from agent_tools.demo.record import Recording, Turn
from agent_tools.testing import Request


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and its measurement."""

    subject: str
    promised: str
    measured: str
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the promises are checked against.

    Attributes:
        recording: The conversation.
        screen: Everything shown on the terminal.
        secrets: What must not be seen anywhere.
        refunds: The amounts that were really paid back, by order.
    """

    recording: Recording
    screen: str
    secrets: Sequence[str]
    refunds: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def requests(self) -> list[Request]:
        """The requests that the server got, in all turns."""
        return [request for turn in self.recording.turns for request in turn.requests]

    @property
    def raw_errors(self) -> list[str]:
        """What the errors said, in all turns."""
        return [text for turn in self.recording.turns for text in turn.raw_errors]


def check_always(evidence: Evidence) -> list[Check]:
    """Return what must hold with every model: nothing lost, nothing leaked."""
    return [_one_answer_per_call(evidence), _next_turn_accepted(evidence), _nothing_leaked(evidence)]


def check_numbers(evidence: Evidence) -> list[Check]:
    """Return what must also hold with the scripted model, number by number."""
    return [
        *(_as_promised(promise, evidence) for promise in PROMISES),
        _nothing_but_the_promised_calls(evidence),
        _retry_after_obeyed(evidence),
        _refunded_once(evidence),
        _every_request_had_the_key(evidence),
        _errors_had_secrets(evidence),
    ]


# ---- always ----


def _one_answer_per_call(evidence: Evidence) -> Check:
    calls = [call_id for turn in evidence.recording.turns for call_id in turn.calls]
    answers = [answer.tool_call_id for turn in evidence.recording.turns for answer in turn.answers]
    measured = f"{_counted(len(calls), 'call')}, {_counted(len(answers), 'answer')}"
    return Check("every call", "one answer each", measured, sorted(calls) == sorted(answers))


def _next_turn_accepted(evidence: Evidence) -> Check:
    replies = sum(bool(turn.reply) for turn in evidence.recording.turns)
    asked = evidence.recording.asked
    return Check(
        "every turn", _counted(asked, "reply", "replies"), _counted(replies, "reply", "replies"), replies == asked
    )


def _nothing_leaked(evidence: Evidence) -> Check:
    recording = evidence.recording
    places = {
        "messages": "\n".join(message.model_dump_json() for message in recording.messages),
        "answers": "\n".join(answer.model_dump_json() for turn in recording.turns for answer in turn.answers),
        "replies": "\n".join(turn.reply for turn in recording.turns),
        "events": json.dumps([turn.events for turn in recording.turns]),
        "terminal": evidence.screen,
    }
    leaks = [place for place, text in places.items() if _holds_any(text, evidence.secrets)]
    size = sum(map(len, places.values()))
    measured = f"found in {', '.join(leaks)}" if leaks else f"none in {size:,} characters"
    return Check("secrets shown", "none", measured, not leaks)


# ---- with the scripted model ----


def _as_promised(promise: Promise, evidence: Evidence) -> Check:
    promised = _words(promise.requests, promise.category, promise.outcome)
    measured = _measured(promise, evidence.recording.turns)
    later = f", turn {promise.turn}" if promise.turn > 1 else ""
    return Check(f"{promise.tool} {promise.subject}{later}", promised, measured, measured == promised)


def _measured(promise: Promise, turns: Sequence[Turn]) -> str:
    if len(turns) < promise.turn:
        return "not asked"
    turn = turns[promise.turn - 1]
    calls = [call for call in turn.calls.values() if (call.tool, call.subject) == (promise.tool, promise.subject)]
    if len(calls) != 1:
        return _counted(len(calls), "call")
    return _words(len(_on_route(turn.requests, promise.route)), calls[0].category, str(calls[0].state))


def _nothing_but_the_promised_calls(evidence: Evidence) -> Check:
    promised, measured = (
        f"{_counted(calls, 'call')}, {_counted(requests, 'request')}"
        for calls, requests in (
            (len(PROMISES), sum(promise.requests for promise in PROMISES)),
            (sum(len(turn.calls) for turn in evidence.recording.turns), len(evidence.requests)),
        )
    )
    return Check("all together", promised, measured, measured == promised)


def _retry_after_obeyed(evidence: Evidence) -> Check:
    times = [request.at for request in _on_route(evidence.requests, THROTTLED_ROUTE)]
    waits = [later - earlier for earlier, later in pairwise(times)]
    measured = f"{min(waits):.2f} s" if waits else "no second request"
    is_kept = bool(waits) and min(waits) >= RETRY_AFTER
    return Check(f"Retry-After: {RETRY_AFTER}", f"left alone for {RETRY_AFTER} s or more", measured, is_kept)


def _refunded_once(evidence: Evidence) -> Check:
    amounts = evidence.refunds.get("A-1007", [])
    measured = " + ".join(f"{amount:.2f}" for amount in amounts) or "nothing"
    return Check("paid back", "49.00 euros, once", measured, amounts == [49.0])


def _every_request_had_the_key(evidence: Evidence) -> Check:
    carriers = [
        request
        for request in evidence.requests
        if API_KEY == request.headers.get("X-Api-Key") == request.query.get("api_key")
    ]
    total = len(evidence.requests)
    measured = f"in {len(carriers)} of {_counted(total, 'request')}"
    return Check("the key was sent", "in header and URL, always", measured, len(carriers) == total > 0)


def _errors_had_secrets(evidence: Evidence) -> Check:
    leaky = [text for text in evidence.raw_errors if _holds_any(text, evidence.secrets)]
    measured = f"in {len(leaky)} of {_counted(len(evidence.raw_errors), 'error')}"
    return Check("secrets raised", "some: there is much to hide", measured, bool(leaky))


# ---- words ----


def _words(requests: int, category: str | None, outcome: str) -> str:
    return ", ".join(word for word in (_counted(requests, "request"), category, outcome) if word)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _on_route(requests: Iterable[Request], route: str) -> list[Request]:
    return [request for request in requests if route in (request.path, f"{request.method} {request.path}")]


def _holds_any(text: str, secrets: Iterable[str]) -> bool:
    return any(secret in text for secret in secrets)
