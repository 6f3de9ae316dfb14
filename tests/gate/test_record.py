"""The state of a gate as JSON, for other processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import BudgetPolicy, ErrorCategory, Failure
from agent_tools._core.budget import Budget
from agent_tools._core.circuit import Circuit, CircuitState
from agent_tools._core.gate_state import CALM, GateState, shifted
from agent_tools._core.window import Window
from agent_tools._gate.gates import Gates
from agent_tools._gate.record import as_json, from_json
from tests.support.characters import CHARACTERS

POLICY = BudgetPolicy()
TIMES = st.floats(1, 2e9)

STATES = st.builds(
    GateState,
    budget=st.none() | st.builds(Budget, policy=st.just(POLICY), tokens=st.integers(0, 500), failing=st.floats(0, 1)),
    circuit=st.builds(
        Circuit,
        state=st.sampled_from(CircuitState),
        failures=st.integers(0, 99),
        failing_since=TIMES,
        arguments=st.none() | st.text(CHARACTERS),
        opened_at=TIMES,
        probe_at=TIMES,
    ),
    window=st.none() | st.builds(Window, size=TIMES, threshold=TIMES, needed_at=TIMES, entered_at=TIMES),
    timed_out=st.integers(0, 99),
    blocked_until=TIMES,
    expected=st.integers(0, 99),
    waiting_since=TIMES,
    tools=st.lists(st.text(CHARACTERS)).map(tuple),
    failure=st.none()
    | st.builds(
        Failure,
        category=st.sampled_from(ErrorCategory),
        status_code=st.none() | st.just(503),
        may_have_acted=st.just(False),
    ),
)


@given(STATES)
def test_what_is_written_is_read_again(state: GateState) -> None:
    assert from_json(as_json(state), POLICY) == state


def test_what_is_calm_is_nothing() -> None:
    assert as_json(CALM) == ""
    assert from_json("", POLICY) == CALM


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "17",
        "[]",
        '{"circuit": 17}',
        '{"circuit": {"state": "ajar"}}',
        '{"circuit": {"state": "open", "mood": 1}}',
        '{"budget": {"tokens": "many", "failing": 0}}',
        '{"blocked_until": "later"}',
        '{"blocked_until": NaN}',
        '{"failure": {"category": "odd"}}',
        '{"window": {"size": true}}',
        "[" * 100_000,
    ],
)
def test_what_is_not_the_state_of_a_gate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # from the JSON parser, or from `from_json`
        from_json(text, POLICY)


@given(STATES, st.floats(-1e6, 1e6))
def test_by_another_clock_a_state_is_the_same(state: GateState, seconds: float) -> None:
    there = shifted(state, seconds)
    assert there.circuit.probe_at - there.circuit.opened_at == pytest.approx(
        state.circuit.probe_at - state.circuit.opened_at, abs=1e-5
    )
    assert there.blocked_until == pytest.approx(state.blocked_until + seconds)
    assert there.budget == state.budget


def test_what_others_have_met_tells_which_host_a_tool_is_for() -> None:
    gates = Gates(budget=POLICY, circuit=None, clock=lambda: 0.0)
    gates.adopt("lookup @ api.example", GateState(timed_out=1))
    gates.adopt(" @ shop.example", GateState(blocked_until=9.0, tools=("cart", "pay")))
    assert gates.hosts_of("lookup") == ("api.example",)
    assert gates.hosts_of("pay") == ("shop.example",)
