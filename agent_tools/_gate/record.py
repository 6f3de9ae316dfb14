"""The state of a gate as a line of JSON, and back.

A line that another version or other software wrote is refused as a whole.
"""

import json
import math
from dataclasses import asdict, fields
from typing import Any, TypeVar  # Any: JSON values

from agent_tools._core.budget import Budget
from agent_tools._core.circuit import CLOSED, Circuit, CircuitState
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.gate_policies import BudgetPolicy
from agent_tools._core.gate_state import CALM, GateState
from agent_tools._core.window import Window

#: Version of the format. States of another version are not read: the number is part of their key.
VERSION = 1

_FACTS = ("category", "error_type", "rule", "status_code", "throttled")
_RecordT = TypeVar("_RecordT")


def as_json(state: GateState) -> str:
    """Return `state` as JSON, empty when it is calm."""
    if state == CALM:
        return ""
    budget, circuit, window, failure = state.budget, state.circuit, state.window, state.failure
    parts = {
        "budget": None if budget is None else {"tokens": budget.tokens, "failing": budget.failing},
        "circuit": None if circuit == CLOSED else asdict(circuit),
        "window": None if window is None else asdict(window),
        "timed_out": state.timed_out,
        "blocked_until": state.blocked_until,
        "expected": state.expected,
        "waiting_since": state.waiting_since,
        "tools": state.tools,
        "failure": None if failure is None else {name: getattr(failure, name) for name in _FACTS},
    }
    return json.dumps({name: part for name, part in parts.items() if part}, separators=(",", ":"))


def from_json(text: str, policy: BudgetPolicy | None) -> GateState:
    """Return the state in `text`; its budget follows the `policy` of the reader.

    Raises:
        ValueError: It is not the state of a gate.
    """
    if not text:
        return CALM
    try:
        read: dict[str, Any] = json.loads(text)
        budget, circuit, window, failure = (read.get(name) for name in ("budget", "circuit", "window", "failure"))
        return GateState(
            budget=None
            if budget is None or policy is None
            else Budget(policy=policy, tokens=int(budget["tokens"]), failing=_number(budget["failing"])),
            circuit=CLOSED if circuit is None else _circuit(circuit),
            window=None if window is None else _record(Window, window),
            timed_out=int(read.get("timed_out", 0)),
            blocked_until=_number(read.get("blocked_until", 0.0)),
            expected=int(read.get("expected", 0)),
            waiting_since=_number(read.get("waiting_since", 0.0)),
            tools=tuple(map(str, read.get("tools", ()))),
            failure=None if failure is None else _failure(failure),
        )
    except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not the state of a gate: {type(error).__name__}") from None


def _circuit(read: dict[str, Any]) -> Circuit:
    return _record(Circuit, {**read, "state": CircuitState(read["state"])})


def _failure(read: dict[str, Any]) -> Failure:
    known = {**read, "category": ErrorCategory(read["category"]), "may_have_acted": False}
    return _record(Failure, known)


def _record(kind: type[_RecordT], read: dict[str, Any]) -> _RecordT:
    known = {each.name: each.type for each in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    for name, value in read.items():
        if known[name] in (float, int):
            _number(value)
    return kind(**read)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("not a number")
    return value
